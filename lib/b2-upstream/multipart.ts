import { type Fields, needText, textOf } from '../b2/fields.ts'
import { emptyAnswer, xmlAnswer } from '../s3/answer.ts'
import { integerParameter, nameEncoding } from '../s3/listing-parameters.ts'
import { queryValue } from '../s3/query.ts'
import type { S3Response } from '../s3/response.ts'
import { elementText } from '../s3/xml.ts'
import { document, group, quoted, text } from '../s3/xml-write.ts'
import { echoOf, etagOf, partEtagOf, sha1OfEtag } from './answers.ts'
import { noSuchUpload, notImplemented, Refused } from './error.ts'
import { filesOf, numberOf, timeOf } from './list.ts'
import { infoOf } from './metadata.ts'
import { DEFAULT_TYPE } from './put.ts'
import type { BucketRequest, ObjectRequest } from './request.ts'
import { encryptionField, encryptionHeaders, isEncrypting } from './words.ts'

/** CreateMultipartUpload by `b2_start_large_file`. https://www.backblaze.com/apidocs/b2-start-large-file */
export const createUpload = async (request: ObjectRequest): Promise<S3Response> => {
  const { address, saying, native, places, signal } = request
  const { bucket, objectKey } = address
  const bucketId = await places.bucketId(bucket, signal)
  const info = infoOf(saying.headers, objectKey, isEncrypting(saying.headers))
  const serverSideEncryption = encryptionField(saying.headers, 'object')
  const started = await native.call(
    'b2_start_large_file',
    {
      bucketId,
      fileName: objectKey,
      contentType: saying.headers.get('content-type') ?? DEFAULT_TYPE,
      fileInfo: Object.fromEntries(info),
      ...(serverSideEncryption !== undefined && { serverSideEncryption }),
    },
    signal,
  )
  const fileId = needText(started, 'fileId')
  if (textOf(started, 'fileName') === objectKey) places.remember(bucketId, objectKey, fileId)
  const upload = [text('Bucket', bucket), text('Key', objectKey), text('UploadId', fileId)]
  return xmlAnswer(
    document('InitiateMultipartUploadResult', ...upload),
    echoOf(started, saying.headers),
  )
}

/**
 * The large file of a request's upload id, which must be of that object: the policy was asked about that alone.
 *
 * @throws {Refused} `NoSuchUpload`
 */
export const largeFileOf = async ({
  address,
  saying,
  places,
  signal,
}: ObjectRequest): Promise<string> => {
  const fileId = queryValue(saying.query, 'uploadId')
  if (fileId === undefined) throw noSuchUpload()
  await places.checkUpload(address, fileId, signal)
  return fileId
}

/** UploadPart by `b2_upload_part`. https://www.backblaze.com/apidocs/b2-upload-part */
export const uploadPart = async (request: ObjectRequest): Promise<S3Response> => {
  const { saying, uploader, signal } = request
  const fileId = await largeFileOf(request)
  const said = new Map([
    ['x-bz-part-number', queryValue(saying.query, 'partNumber') ?? ''],
    ['accept-encoding', 'identity'],
    ...encryptionHeaders(saying.headers),
  ])
  const document = await uploader.upload({ kind: 'large', fileId }, said, saying.body, signal)
  return emptyAnswer(200, [
    ['etag', quoted(partEtagOf(needText(document, 'contentSha1')))],
    ...echoOf(document, saying.headers),
  ])
}

const invalidPart = (): Refused =>
  new Refused(
    400,
    'InvalidPart',
    "One or more of the specified parts could not be found.  The part may not have been uploaded, or the specified entity tag may not match the part's entity tag.",
  )

/** The SHA-1s of a completion's parts, which B2 wants in a row from the first. */
const sha1sOf = (xml: string): readonly string[] =>
  [...xml.matchAll(/<Part>[\s\S]*?<\/Part>/g)].map(([part], index) => {
    if (elementText(part, 'PartNumber')?.trim() !== String(index + 1))
      throw notImplemented(
        'B2 puts parts together whose numbers are 1, 2, 3 and so on, without a gap.',
      )
    const sha1 = sha1OfEtag(elementText(part, 'ETag')?.trim() ?? '')
    if (sha1 === undefined) throw invalidPart()
    return sha1
  })

/** CompleteMultipartUpload by `b2_finish_large_file`. https://www.backblaze.com/apidocs/b2-finish-large-file */
export const completeUpload = async (request: ObjectRequest): Promise<S3Response> => {
  const { saying, address, native, signal } = request
  const fileId = await largeFileOf(request)
  const xml = saying.body.kind === 'bytes' ? saying.body.bytes.toString('utf8') : ''
  const partSha1Array = sha1sOf(xml)
  if (partSha1Array.length === 0)
    throw new Refused(400, 'MalformedXML', 'A completion names at least one part.')
  const finished = await native.call('b2_finish_large_file', { fileId, partSha1Array }, signal)
  const id = needText(finished, 'fileId')
  return xmlAnswer(
    document(
      'CompleteMultipartUploadResult',
      text('Bucket', address.bucket),
      text('Key', address.objectKey),
      text('ETag', quoted(etagOf(id))),
    ),
    [['x-amz-version-id', id], ...echoOf(finished, saying.headers)],
  )
}

/** AbortMultipartUpload by `b2_cancel_large_file`. https://www.backblaze.com/apidocs/b2-cancel-large-file */
export const abortUpload = async (request: ObjectRequest): Promise<S3Response> => {
  const fileId = await largeFileOf(request)
  await request.native.call('b2_cancel_large_file', { fileId }, request.signal)
  return emptyAnswer(204)
}

const PARTS = 1000

const partElement = (part: Fields): string =>
  group(
    'Part',
    text('PartNumber', numberOf(part, 'partNumber')),
    text('LastModified', timeOf(part)),
    text('ETag', quoted(partEtagOf(textOf(part, 'contentSha1') ?? ''))),
    text('Size', numberOf(part, 'contentLength')),
  )

/** ListParts by `b2_list_parts`. https://www.backblaze.com/apidocs/b2-list-parts */
export const listParts = async (request: ObjectRequest): Promise<S3Response> => {
  const { address, native, signal, saying } = request
  const fileId = await largeFileOf(request)
  const marker = integerParameter(saying.query, 'part-number-marker', 10_000, 0)
  const max = integerParameter(saying.query, 'max-parts', PARTS)
  const fields = { fileId, startPartNumber: marker + 1, maxPartCount: Math.max(max, 1) }
  const said = await native.call('b2_list_parts', fields, signal)
  const parts = filesOf(said, 'parts').slice(0, max)
  const isTruncated = max > 0 && typeof said['nextPartNumber'] === 'number'
  const last = numberOf(parts.at(-1) ?? {}, 'partNumber')
  return xmlAnswer(
    document(
      'ListPartsResult',
      text('Bucket', address.bucket),
      text('Key', nameEncoding(saying.query)(address.objectKey)),
      text('UploadId', fileId),
      text('StorageClass', 'STANDARD'),
      text('PartNumberMarker', marker),
      text('NextPartNumberMarker', isTruncated ? last : undefined),
      text('MaxParts', max),
      text('IsTruncated', isTruncated),
      ...parts.map(partElement),
    ),
  )
}

const uploadElement = (upload: Fields, encode: (name: string) => string): string =>
  group(
    'Upload',
    text('Key', encode(textOf(upload, 'fileName') ?? '')),
    text('UploadId', textOf(upload, 'fileId')),
    text('StorageClass', 'STANDARD'),
    text('Initiated', timeOf(upload)),
  )

/** B2 lists a hundred at once at most. https://www.backblaze.com/apidocs/b2-list-unfinished-large-files */
const UPLOADS = 100

interface UploadsPage {
  readonly uploads: readonly Fields[]
  /** The upload that the next page begins with. */
  readonly next: string | undefined
}

const uploadsPage = async (
  { address, native, places, signal, saying }: BucketRequest,
  max: number,
): Promise<UploadsPage> => {
  const namePrefix = queryValue(saying.query, 'prefix') || undefined
  const startFileId = queryValue(saying.query, 'upload-id-marker') || undefined
  const bucketId = await places.bucketId(address.bucket, signal)
  if (max === 0) return { uploads: [], next: undefined }
  // What is undefined is left out of the document.
  const fields = { bucketId, maxFileCount: max, namePrefix, startFileId }
  const said = await native.call('b2_list_unfinished_large_files', fields, signal)
  return { uploads: filesOf(said), next: textOf(said, 'nextFileId') }
}

/** ListMultipartUploads. B2 lists them by age, and goes on from an upload, whatever its key. */
export const listUploads = async (request: BucketRequest): Promise<S3Response> => {
  const { query } = request.saying
  if (queryValue(query, 'delimiter')) throw notImplemented('B2 lists uploads without a delimiter.')
  const encode = nameEncoding(query)
  const said = (name: string): string => queryValue(query, name) ?? ''
  const max = integerParameter(query, 'max-uploads', UPLOADS)
  const { uploads, next } = await uploadsPage(request, max)
  const last = textOf(uploads.at(-1) ?? {}, 'fileName') ?? ''
  return xmlAnswer(
    document(
      'ListMultipartUploadsResult',
      text('Bucket', request.address.bucket),
      text('KeyMarker', encode(said('key-marker'))),
      text('UploadIdMarker', said('upload-id-marker')),
      text('NextKeyMarker', next && encode(last)),
      text('NextUploadIdMarker', next),
      text('Prefix', encode(said('prefix'))),
      text('EncodingType', queryValue(query, 'encoding-type')),
      text('MaxUploads', max),
      text('IsTruncated', next !== undefined),
      ...uploads.map(upload => uploadElement(upload, encode)),
    ),
  )
}
