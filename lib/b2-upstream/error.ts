import { fieldsOf, textOf } from '../b2/fields.ts'
import { documentText } from '../response/document.ts'
import type { S3Response } from '../s3/response.ts'

/** A refusal as S3 would word it. It becomes an answer, as the refusal of any other provider is one. */
export class Refused extends Error {
  override readonly name = 'Refused'
  /** HTTP status. */
  readonly status: number
  /** S3's error code. */
  readonly code: string
  constructor(status: number, code: string, message: string) {
    super(message)
    this.status = status
    this.code = code
  }
}

/** What B2 has nothing for, and must not be forgotten silently. */
export const notImplemented = (message: string): Refused =>
  new Refused(501, 'NotImplemented', message)

export const invalidArgument = (message: string): Refused =>
  new Refused(400, 'InvalidArgument', message)

export const noSuchBucket = (): Refused =>
  new Refused(404, 'NoSuchBucket', 'The specified bucket does not exist')

export const noSuchKey = (): Refused =>
  new Refused(404, 'NoSuchKey', 'The specified key does not exist.')

export const noSuchUpload = (): Refused =>
  new Refused(
    404,
    'NoSuchUpload',
    'The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed.',
  )

type Wording = readonly [status: number, code: string]

/** B2's codes in S3's. https://www.backblaze.com/docs/cloud-storage-native-api-error-handling */
const WORDINGS: Readonly<Record<string, Wording>> = {
  access_denied: [403, 'AccessDenied'],
  bad_auth_token: [503, 'ServiceUnavailable'],
  bad_bucket_id: [404, 'NoSuchBucket'],
  cannot_delete_non_empty_bucket: [409, 'BucketNotEmpty'],
  cap_exceeded: [403, 'AccessDenied'],
  download_cap_exceeded: [403, 'AccessDenied'],
  duplicate_bucket_name: [409, 'BucketAlreadyExists'],
  expired_auth_token: [503, 'ServiceUnavailable'],
  file_not_present: [404, 'NoSuchKey'],
  missing_part: [400, 'InvalidPart'],
  no_such_file: [404, 'NoSuchKey'],
  not_found: [404, 'NoSuchKey'],
  part_sha1_mismatch: [400, 'InvalidPart'],
  range_not_satisfiable: [416, 'InvalidRange'],
  storage_cap_exceeded: [403, 'AccessDenied'],
  too_many_buckets: [400, 'TooManyBuckets'],
  transaction_cap_exceeded: [403, 'AccessDenied'],
  unauthorized: [403, 'AccessDenied'],
}

/** For codes that are not known, and answers to HEAD, which have none. */
const byStatus = (status: number): Wording => {
  switch (status) {
    case 401:
    case 403:
      return [403, 'AccessDenied']
    case 404:
      return [404, 'NoSuchKey']
    case 408:
      return [400, 'RequestTimeout']
    case 416:
      return [416, 'InvalidRange']
    case 429:
      return [503, 'SlowDown']
    default:
      return status >= 500 ? [503, 'ServiceUnavailable'] : [400, 'InvalidRequest']
  }
}

/** The code and message of B2's error document; none in the answer to a HEAD. */
export const toldBy = (
  answer: S3Response,
): { readonly code?: string; readonly message?: string } => {
  try {
    const fields = fieldsOf(JSON.parse(documentText(answer)))
    const [code, message] = [textOf(fields, 'code'), textOf(fields, 'message')]
    return { ...(code !== undefined && { code }), ...(message !== undefined && { message }) }
  } catch {
    return {}
  }
}

/** B2's refusal, as S3 would word it. */
export const refusedBy = (answer: S3Response): Refused => {
  const { code, message } = toldBy(answer)
  const [status, s3Code] = WORDINGS[code ?? ''] ?? byStatus(answer.status)
  return new Refused(status, s3Code, `B2 answered ${code ?? answer.status}: ${message ?? ''}`)
}
