import { jsonAnswer } from '../../b2/error.ts'
import { type Fields, needText } from '../../b2/fields.ts'
import { tell } from '../ask.ts'
import {
  type Answer,
  accountIdOf,
  bucketIn,
  checkFileName,
  type FrontCall,
  numberIn,
  objectAddress,
  refuseFields,
} from '../call.ts'
import { contentTypeOf } from '../content-type.ts'
import { encryptionIn, encryptionOfField } from '../encryption.ts'
import { describe, fileDocument, head, NO_SHA1, timestampOf } from '../file.ts'
import { infoOfField, metadataOf } from '../file-info.ts'
import { bucketIdOf, type LargeFileName, largeIdOf, largeOfId } from '../ids.ts'
import { refusal } from '../refusal.ts'
import { element, fieldIn, innerOf } from '../xml.ts'

/** What S3 does otherwise than B2, and nobody may take for done. */
export const LOCKS = ['fileRetention', 'legalHold', 'customUploadTimestamp']

/** https://www.backblaze.com/apidocs/b2-start-large-file */
export const startLargeFile: Answer = async ({ fields, caller, ask, now }) => {
  refuseFields(fields, LOCKS)
  const bucket = bucketIn(fields)
  const objectKey = checkFileName(needText(fields, 'fileName'))
  const contentType = contentTypeOf(needText(fields, 'contentType'), objectKey)
  const fileInfo = infoOfField(fields['fileInfo'])
  const { headers, xml } = await tell(ask, {
    method: 'POST',
    address: objectAddress(bucket, objectKey),
    query: [['uploads', '']],
    headers: [
      ['content-type', contentType],
      ...metadataOf(fileInfo),
      ...encryptionOfField(fields['serverSideEncryption']),
    ],
  })
  const uploadId = fieldIn(xml, 'UploadId') ?? ''
  const file = {
    bucket,
    objectKey,
    action: 'start',
    fileId: largeIdOf({ bucket, objectKey, uploadId }),
    contentLength: 0,
    contentSha1: NO_SHA1,
    contentType,
    fileInfo,
    encryption: encryptionIn(headers),
    uploadTimestamp: now.getTime(),
  } as const
  return jsonAnswer(200, fileDocument(caller.client, file))
}

interface Part {
  readonly number: number
  readonly etag: string
  readonly size: number
  readonly at: number
}

interface Parts {
  readonly parts: readonly Part[]
  readonly isTruncated: boolean
}

const MOST_PARTS = 1000

const listFrom = async (
  { ask }: FrontCall,
  large: LargeFileName,
  after: number,
  most: number,
): Promise<Parts> => {
  const { xml } = await tell(ask, {
    method: 'GET',
    address: objectAddress(large.bucket, large.objectKey),
    query: [
      ['uploadId', large.uploadId],
      ['max-parts', String(most)],
      ['part-number-marker', after === 0 ? undefined : String(after)],
    ],
  })
  const parts = innerOf(xml, ['Part']).map(([, inner]) => ({
    number: Number(fieldIn(inner, 'PartNumber')),
    etag: fieldIn(inner, 'ETag') ?? '',
    size: Number(fieldIn(inner, 'Size') ?? 0),
    at: timestampOf(fieldIn(inner, 'LastModified')),
  }))
  return { parts, isTruncated: fieldIn(xml, 'IsTruncated') === 'true' && parts.length > 0 }
}

const listAll = async (call: FrontCall, large: LargeFileName): Promise<readonly Part[]> => {
  const all: Part[] = []
  for (;;) {
    const { parts, isTruncated } = await listFrom(call, large, all.at(-1)?.number ?? 0, MOST_PARTS)
    all.push(...parts)
    if (!isTruncated) return all
  }
}

/** https://www.backblaze.com/apidocs/b2-list-parts */
export const listParts: Answer = async call => {
  const { fields } = call
  const fileId = needText(fields, 'fileId')
  const first = numberIn(fields, 'startPartNumber', 1, [1, 10_000])
  const most = numberIn(fields, 'maxPartCount', 100, [1, MOST_PARTS])
  const { parts, isTruncated } = await listFrom(call, largeOfId(fileId), first - 1, most)
  return jsonAnswer(200, {
    parts: parts.map(({ number, size, at }) => ({
      fileId,
      partNumber: number,
      contentLength: size,
      contentMd5: null,
      contentSha1: NO_SHA1,
      uploadTimestamp: at,
    })),
    nextPartNumber: isTruncated ? (parts.at(-1)?.number ?? 0) + 1 : null,
  })
}

const isSha1 = (value: unknown): boolean => typeof value === 'string' && value !== ''

/**
 * Makes sure that the parts are those that the client counts up. Their SHA-1s were verified as they came, and S3 does
 * not keep them.
 */
const checkParts = (fields: Fields, parts: readonly Part[]): void => {
  const sums = fields['partSha1Array']
  if (!Array.isArray(sums) || sums.length === 0 || !sums.every(isSha1))
    throw refusal(400, 'bad_request', 'partSha1Array is missing or malformed.')
  if (parts.length === sums.length && parts.every(({ number }, i) => number === i + 1)) return
  throw refusal(
    400,
    'missing_part',
    `The large file has ${parts.length} parts, not 1 to ${sums.length}.`,
  )
}

/** https://www.backblaze.com/apidocs/b2-finish-large-file */
export const finishLargeFile: Answer = async call => {
  const { fields, caller, ask } = call
  const large = largeOfId(needText(fields, 'fileId'))
  const parts = await listAll(call, large)
  checkParts(fields, parts)
  const listed = parts.map(
    ({ number, etag }) =>
      `<Part>${element('PartNumber', String(number))}${element('ETag', etag)}</Part>`,
  )
  const { headers, xml } = await tell(ask, {
    method: 'POST',
    address: objectAddress(large.bucket, large.objectKey),
    query: [['uploadId', large.uploadId]],
    body: {
      kind: 'document',
      xml: `<CompleteMultipartUpload xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${listed.join('')}</CompleteMultipartUpload>`,
    },
  })
  const versionId = headers.get('x-amz-version-id')
  const { bucket, objectKey } = large
  const etag = versionId === undefined ? fieldIn(xml, 'ETag')?.replaceAll('"', '') : undefined
  const described = describe(large, await head(ask, { bucket, objectKey, versionId, etag }))
  return jsonAnswer(200, fileDocument(caller.client, described))
}

/** https://www.backblaze.com/apidocs/b2-cancel-large-file */
export const cancelLargeFile: Answer = async ({ fields, caller, ask }) => {
  const fileId = needText(fields, 'fileId')
  const { bucket, objectKey, uploadId } = largeOfId(fileId)
  const query = [['uploadId', uploadId]] as const
  await tell(ask, { method: 'DELETE', address: objectAddress(bucket, objectKey), query })
  const accountId = accountIdOf(caller.client)
  return jsonAnswer(200, { accountId, bucketId: bucketIdOf(bucket), fileId, fileName: objectKey })
}
