import { jsonAnswer } from '../../b2/error.ts'
import { type Fields, needText, textOf } from '../../b2/fields.ts'
import { decodeB2, encodeFileName } from '../../b2/file-name.ts'
import { checkBucketName } from '../../s3/address.ts'
import { S3Error } from '../../s3/error.ts'
import type { Headers } from '../../s3/headers.ts'
import type { S3Response } from '../../s3/response.ts'
import { type Answer, bucketIn, checkFileName, type FrontCall, numberIn } from '../call.ts'
import { encryptionHeaders, encryptionOfField, encryptionOfHeaders } from '../encryption.ts'
import { askingFor, describe } from '../file.ts'
import { type HeaderEntry, infoHeaders } from '../file-info.ts'
import { bucketIdOf, type FileName, fileOfId } from '../ids.ts'
import { accepted, refusal } from '../refusal.ts'

/** What a client may have an answer's headers say instead. */
const OVERRIDES: readonly (readonly [field: string, parameter: string])[] = [
  ['b2CacheControl', 'response-cache-control'],
  ['b2ContentDisposition', 'response-content-disposition'],
  ['b2ContentEncoding', 'response-content-encoding'],
  ['b2ContentLanguage', 'response-content-language'],
  ['b2ContentType', 'response-content-type'],
  ['b2Expires', 'response-expires'],
]

const OVERRIDING = OVERRIDES.map(([field]) => field)

const PASSED = [
  'accept-ranges',
  'cache-control',
  'content-disposition',
  'content-encoding',
  'content-language',
  'content-length',
  'content-range',
  'content-type',
  'expires',
]

const headersFor = (file: FileName, headers: Headers): Headers => {
  const { fileId, contentSha1, uploadTimestamp } = describe(file, headers)
  const passed = PASSED.flatMap((name): HeaderEntry[] => {
    const value = headers.get(name)
    return value === undefined ? [] : [[name, value]]
  })
  return new Map([
    ...passed,
    ['x-bz-file-name', encodeFileName(file.objectKey)],
    ['x-bz-file-id', fileId ?? ''],
    ['x-bz-content-sha1', contentSha1 ?? ''],
    ['x-bz-upload-timestamp', String(uploadTimestamp)],
    ...infoHeaders(headers),
    ...encryptionHeaders(headers),
  ])
}

/** Makes sure that a download is one that its token was given for. @throws {UpstreamRefusal} `unauthorized` */
const checkGrant = ({ caller: { grant }, fields }: FrontCall, file: FileName): void => {
  if (grant === undefined) return
  const isWithin = file.bucket === grant.bucket && file.objectKey.startsWith(grant.prefix)
  const isAsGranted = OVERRIDING.every(name => textOf(fields, name) === grant.demanded[name])
  if (!isWithin || !isAsGranted)
    throw refusal(401, 'unauthorized', 'The token was not given for this download.')
}

const bring = async (call: FrontCall, file: FileName): Promise<S3Response> => {
  const { request, fields, ask } = call
  checkGrant(call, file)
  const range = request.headers.get('range')
  const { address, query, headers } = askingFor(file)
  const overrides = OVERRIDES.map(
    ([field, parameter]) => [parameter, textOf(fields, field)] as const,
  )
  const answer = accepted(
    await ask({
      method: request.method === 'HEAD' ? 'HEAD' : 'GET',
      address,
      query: [...query, ...overrides],
      headers: [
        ...headers,
        ...(range === undefined ? [] : [['range', range] as const]),
        ...encryptionOfHeaders(request.headers),
        ...encryptionOfField(fields['serverSideEncryption']),
      ],
    }),
  )
  return { ...answer, headers: headersFor(file, answer.headers) }
}

/** Bucket and file of a download's path: `bucket/name`, escaped. @throws {S3Error} `InvalidURI` */
const placeOf = (rest: string): FileName => {
  const slash = rest.indexOf('/')
  const bucket = decodeB2(rest.slice(0, Math.max(slash, 0)))
  if (slash < 1) throw new S3Error('InvalidURI', 'A download names a bucket and a file.')
  checkBucketName(bucket)
  const objectKey = checkFileName(decodeB2(rest.slice(slash + 1)))
  return { bucket, objectKey, versionId: undefined, etag: undefined }
}

/** https://www.backblaze.com/apidocs/b2-download-file-by-name */
export const downloadByName: Answer = call => bring(call, placeOf(call.request.rest))

/** https://www.backblaze.com/apidocs/b2-download-file-by-id */
export const downloadById: Answer = call => bring(call, fileOfId(needText(call.fields, 'fileId')))

const WEEK_SECONDS = 604_800

const demandedIn = (fields: Fields): Readonly<Record<string, string>> =>
  Object.fromEntries(
    OVERRIDING.flatMap(name => {
      const value = textOf(fields, name)
      return value === undefined ? [] : [[name, value]]
    }),
  )

/**
 * Gives a token for downloads alone. The policy is asked about each of them, as about the client's own.
 * https://www.backblaze.com/apidocs/b2-get-download-authorization
 */
export const getDownloadAuthorization: Answer = async ({ fields, caller, tokens }) => {
  const bucket = bucketIn(fields)
  const prefix = String(fields['fileNamePrefix'] ?? '')
  const seconds = numberIn(fields, 'validDurationInSeconds', 0, [1, WEEK_SECONDS])
  if (seconds === 0)
    throw new S3Error('InvalidRequest', 'required field validDurationInSeconds is missing')
  const grant = { bucket, prefix, demanded: demandedIn(fields) }
  return jsonAnswer(200, {
    bucketId: bucketIdOf(bucket),
    fileNamePrefix: prefix,
    authorizationToken: tokens.download(caller, grant, seconds * 1000),
  })
}
