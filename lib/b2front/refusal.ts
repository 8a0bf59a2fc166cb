import { jsonAnswer, UpstreamRefusal } from '../b2/error.ts'
import { documentText } from '../response/document.ts'
import type { S3Response } from '../s3/response.ts'
import { elementText } from '../s3/xml.ts'

/** An error in B2's words, to be given to the client as it is. */
export const refusal = (status: number, code: string, message: string): UpstreamRefusal =>
  new UpstreamRefusal(jsonAnswer(status, { status, code, message }))

/**
 * How B2 says an S3 provider's refusal. https://www.backblaze.com/docs/cloud-storage-native-api-error-handling
 *
 * 401 has clients authorise anew and 5xx has them try again, so neither stands for what will not go away.
 */
const CODES: Readonly<Record<string, readonly [status: number, code: string]>> = {
  AccessDenied: [401, 'unauthorized'],
  BucketAlreadyExists: [400, 'duplicate_bucket_name'],
  BucketAlreadyOwnedByYou: [400, 'duplicate_bucket_name'],
  BucketNotEmpty: [409, 'conflict'],
  InvalidRange: [416, 'range_not_satisfiable'],
  NoSuchBucket: [404, 'not_found'],
  NoSuchKey: [404, 'not_found'],
  NoSuchUpload: [400, 'bad_request'],
  NoSuchVersion: [404, 'not_found'],
  PreconditionFailed: [404, 'not_found'],
  SlowDown: [503, 'service_unavailable'],
}

/** Where the document says nothing, as after a HEAD. */
const byStatus = (status: number): readonly [status: number, code: string] => {
  // What a provider has not will not come by trying again.
  if (status === 501) return [400, 'bad_request']
  if (status >= 500 || status === 429) return [503, 'service_unavailable']
  // A delete marker that is asked for by its version is 405.
  if (status === 404 || status === 412 || status === 405) return [404, 'not_found']
  if (status === 416) return [416, 'range_not_satisfiable']
  return status === 403 ? [403, 'access_denied'] : [400, 'bad_request']
}

/** The refusal that an S3 answer is. */
export const refusalOf = (answer: S3Response): UpstreamRefusal => {
  const xml = documentText(answer)
  const code = elementText(xml, 'Code') ?? ''
  const [status, said] = CODES[code] ?? byStatus(answer.status)
  const message = elementText(xml, 'Message') ?? `The storage provider answered ${answer.status}.`
  return refusal(status, said, message)
}

/** @throws {UpstreamRefusal} when the provider refused */
export const accepted = (answer: S3Response): S3Response => {
  if (answer.status >= 300 && answer.status !== 304) throw refusalOf(answer)
  return answer
}
