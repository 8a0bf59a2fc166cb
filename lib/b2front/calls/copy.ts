import { jsonAnswer } from '../../b2/error.ts'
import { type Fields, needText, textOf } from '../../b2/fields.ts'
import { copySourceText } from '../../s3/address.ts'
import { S3Error } from '../../s3/error.ts'
import { tell } from '../ask.ts'
import { type Answer, checkFileName, objectAddress, refuseFields } from '../call.ts'
import { contentTypeOf } from '../content-type.ts'
import { encryptionIn, encryptionOfField } from '../encryption.ts'
import { describe, fileDocument, head, NO_SHA1 } from '../file.ts'
import { type HeaderEntry, infoOfField, metadataOf } from '../file-info.ts'
import { bucketOfId, type FileName, fileOfId, largeOfId } from '../ids.ts'
import { fieldIn } from '../xml.ts'
import { LOCKS } from './large.ts'
import { partNumberOf } from './upload.ts'

/** What is read: exactly the file of the id. */
const sourceHeaders = (source: FileName, fields: Fields): readonly HeaderEntry[] => [
  ['x-amz-copy-source', copySourceText(source)],
  ...(source.etag === undefined
    ? []
    : [['x-amz-copy-source-if-match', `"${source.etag}"`] as const]),
  ...encryptionOfField(fields['sourceServerSideEncryption'], 'source'),
]

const described = (fields: Fields, fileName: string): readonly HeaderEntry[] => {
  const directive = textOf(fields, 'metadataDirective') ?? 'COPY'
  if (directive === 'COPY') {
    if (fields['contentType'] === undefined && fields['fileInfo'] === undefined)
      return [['x-amz-metadata-directive', 'COPY']]
    throw new S3Error(
      'InvalidRequest',
      'contentType and fileInfo go with metadataDirective REPLACE.',
    )
  }
  if (directive !== 'REPLACE')
    throw new S3Error('InvalidRequest', 'metadataDirective is COPY or REPLACE.')
  return [
    ['x-amz-metadata-directive', 'REPLACE'],
    ['content-type', contentTypeOf(needText(fields, 'contentType'), fileName)],
    ...metadataOf(infoOfField(fields['fileInfo'])),
  ]
}

/** https://www.backblaze.com/apidocs/b2-copy-file */
export const copyFile: Answer = async ({ fields, caller, ask }) => {
  refuseFields(fields, ['range', ...LOCKS])
  const source = fileOfId(needText(fields, 'sourceFileId'))
  const destination = textOf(fields, 'destinationBucketId')
  const bucket = destination === undefined ? source.bucket : bucketOfId(destination)
  const objectKey = checkFileName(needText(fields, 'fileName'))
  const { headers, xml } = await tell(ask, {
    method: 'PUT',
    address: objectAddress(bucket, objectKey),
    headers: [
      ...sourceHeaders(source, fields),
      ...described(fields, objectKey),
      ...encryptionOfField(fields['destinationServerSideEncryption']),
    ],
  })
  const versionId = headers.get('x-amz-version-id')
  const etag = versionId === undefined ? fieldIn(xml, 'ETag')?.replaceAll('"', '') : undefined
  const file = { bucket, objectKey, versionId, etag }
  return jsonAnswer(200, fileDocument(caller.client, describe(file, await head(ask, file))))
}

const RANGE = /^bytes=(\d{1,15})-(\d{1,15})$/

/** https://www.backblaze.com/apidocs/b2-copy-part */
export const copyPart: Answer = async ({ fields, ask, now }) => {
  const source = fileOfId(needText(fields, 'sourceFileId'))
  const fileId = needText(fields, 'largeFileId')
  const large = largeOfId(fileId)
  const partNumber = partNumberOf(fields['partNumber'])
  const range = textOf(fields, 'range')
  const [, first, last] = RANGE.exec(range ?? '') ?? []
  if (range !== undefined && last === undefined)
    throw new S3Error('InvalidRequest', 'range must be such as bytes=0-99.')
  const { headers } = await tell(ask, {
    method: 'PUT',
    address: objectAddress(large.bucket, large.objectKey),
    query: [
      ['partNumber', String(partNumber)],
      ['uploadId', large.uploadId],
    ],
    headers: [
      ...sourceHeaders(source, fields),
      ...(range === undefined ? [] : [['x-amz-copy-source-range', range] as const]),
      ...encryptionOfField(fields['destinationServerSideEncryption']),
    ],
  })
  const contentLength =
    last === undefined
      ? describe(source, await head(ask, source)).contentLength
      : Number(last) - Number(first) + 1
  return jsonAnswer(200, {
    fileId,
    partNumber,
    contentLength,
    contentMd5: null,
    // Read by the provider alone: nobody has hashed it.
    contentSha1: NO_SHA1,
    serverSideEncryption: encryptionIn(headers),
    uploadTimestamp: now.getTime(),
  })
}
