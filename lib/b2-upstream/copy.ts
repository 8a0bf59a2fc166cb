import { isCustomerKey } from '../b2/encryption.ts'
import { type Fields, needText, textOf } from '../b2/fields.ts'
import { parseCopySource } from '../s3/address.ts'
import { xmlAnswer } from '../s3/answer.ts'
import { failingCondition } from '../s3/conditions.ts'
import type { Headers } from '../s3/headers.ts'
import { queryValue } from '../s3/query.ts'
import type { S3Response } from '../s3/response.ts'
import { document, quoted, text } from '../s3/xml-write.ts'
import { echoOf, etagOf, partEtagOf } from './answers.ts'
import { invalidArgument, noSuchKey, Refused } from './error.ts'
import { filesOf, isFolder, timeOf } from './list.ts'
import { infoOf } from './metadata.ts'
import { largeFileOf } from './multipart.ts'
import { DEFAULT_TYPE } from './put.ts'
import type { ObjectRequest } from './request.ts'
import { encryptionField, isEncrypting } from './words.ts'

/** The file version that a copy reads, as B2 tells of it. */
const sourceOf = async ({ saying, native, places, signal }: ObjectRequest): Promise<Fields> => {
  const source = parseCopySource(saying.headers.get('x-amz-copy-source') ?? '')
  if (source.versionId !== undefined) {
    await places.checkVersion(source, source.versionId, signal)
    return native.call('b2_get_file_info', { fileId: source.versionId }, signal)
  }
  const { objectKey } = source
  const bucketId = await places.bucketId(source.bucket, signal)
  const fields = { bucketId, startFileName: objectKey, prefix: objectKey, maxFileCount: 1 }
  const [found] = filesOf(await native.call('b2_list_file_names', fields, signal))
  if (found === undefined || found['fileName'] !== objectKey || isFolder(found)) throw noSuchKey()
  return found
}

const checkConditions = (headers: Headers, source: Fields): void => {
  const conditions = { get: (name: string) => headers.get(`x-amz-copy-source-${name}`) }
  const etag = etagOf(needText(source, 'fileId'))
  if (failingCondition(conditions, { etag, lastModified: timeOf(source) }) === undefined) return
  throw new Refused(
    412,
    'PreconditionFailed',
    'At least one of the pre-conditions you specified did not hold',
  )
}

/** B2 tells how the source is stored, so whether a key fits it at all is known before: S3 says it in these words. */
const checkKey = (headers: Headers, source: Fields): void => {
  const isGiven = encryptionField(headers, 'source') !== undefined
  const isNeeded = isCustomerKey(source)
  if (isGiven === isNeeded) return
  throw new Refused(
    400,
    'InvalidRequest',
    isNeeded
      ? 'The object was stored using a form of Server Side Encryption. The correct parameters must be provided to retrieve the object.'
      : 'The encryption parameters are not applicable to this object.',
  )
}

const keysOf = (headers: Headers): Fields => {
  const source = encryptionField(headers, 'source')
  const destination = encryptionField(headers, 'object')
  return {
    ...(source !== undefined && { sourceServerSideEncryption: source }),
    ...(destination !== undefined && { destinationServerSideEncryption: destination }),
  }
}

const openSource = async (request: ObjectRequest): Promise<Fields> => {
  const source = await sourceOf(request)
  checkConditions(request.saying.headers, source)
  checkKey(request.saying.headers, source)
  return source
}

/** B2 takes both or neither of content type and file info. https://www.backblaze.com/apidocs/b2-copy-file */
const metadataFields = (headers: Headers, objectKey: string): Fields => {
  if (headers.get('x-amz-metadata-directive') !== 'REPLACE') return { metadataDirective: 'COPY' }
  const info = infoOf(headers, objectKey, isEncrypting(headers))
  return {
    metadataDirective: 'REPLACE',
    contentType: headers.get('content-type') ?? DEFAULT_TYPE,
    fileInfo: Object.fromEntries(info),
  }
}

const sourceHeaders = (source: Fields): readonly (readonly [string, string])[] => [
  ['x-amz-copy-source-version-id', needText(source, 'fileId')],
]

/** CopyObject by `b2_copy_file`. https://www.backblaze.com/apidocs/b2-copy-file */
export const copyObject = async (request: ObjectRequest): Promise<S3Response> => {
  const { address, saying, native, places, signal } = request
  const { bucket, objectKey } = address
  const source = await openSource(request)
  const copied = await native.call(
    'b2_copy_file',
    {
      sourceFileId: needText(source, 'fileId'),
      destinationBucketId: await places.bucketId(bucket, signal),
      fileName: objectKey,
      ...metadataFields(saying.headers, objectKey),
      ...keysOf(saying.headers),
    },
    signal,
  )
  const fileId = needText(copied, 'fileId')
  return xmlAnswer(
    document(
      'CopyObjectResult',
      text('LastModified', timeOf(copied)),
      text('ETag', quoted(etagOf(fileId))),
    ),
    [['x-amz-version-id', fileId], ...sourceHeaders(source), ...echoOf(copied, saying.headers)],
  )
}

const rangeOf = (headers: Headers): Fields => {
  const range = headers.get('x-amz-copy-source-range')
  if (range === undefined) return {}
  if (!/^bytes=\d+-\d+$/.test(range))
    throw invalidArgument('The x-amz-copy-source-range value must be of the form bytes=first-last')
  return { range }
}

/** UploadPartCopy by `b2_copy_part`. https://www.backblaze.com/apidocs/b2-copy-part */
export const copyPart = async (request: ObjectRequest): Promise<S3Response> => {
  const { saying, native, signal } = request
  const largeFileId = await largeFileOf(request)
  const source = await openSource(request)
  const copied = await native.call(
    'b2_copy_part',
    {
      sourceFileId: needText(source, 'fileId'),
      largeFileId,
      partNumber: Number(queryValue(saying.query, 'partNumber')),
      ...rangeOf(saying.headers),
      ...keysOf(saying.headers),
    },
    signal,
  )
  const etag = partEtagOf(textOf(copied, 'contentSha1') ?? '')
  return xmlAnswer(
    document('CopyPartResult', text('LastModified', timeOf(copied)), text('ETag', quoted(etag))),
    [...sourceHeaders(source), ...echoOf(copied, saying.headers)],
  )
}
