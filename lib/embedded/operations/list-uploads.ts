import { xmlAnswer } from '../../s3/answer.ts'
import { integerParameter, nameEncoding } from '../../s3/listing-parameters.ts'
import { type Query, queryValue } from '../../s3/query.ts'
import type { S3Response } from '../../s3/response.ts'
import type { BucketCall, ObjectCall } from '../call.ts'
import { checksumElements, document, group, owner, quoted, text } from '../document.ts'
import { demandChecksumKey, readTriple } from '../ssec.ts'
import type { Upload } from '../store/bucket.ts'
import type { Part } from '../store/records.ts'
import { compareUtf8 } from '../store/sorted-map.ts'
import { collate, type Page } from './collate.ts'
import { openUpload } from './uploads.ts'

const MOST = 1000

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListMultipartUploads.html */
export const listMultipartUploads = ({ bucket, request: { query } }: BucketCall): S3Response => {
  const encode = nameEncoding(query)
  const page = collateUploads(bucket.uploads(), query)
  const next = page.items.at(-1)?.record
  const isNext = page.isTruncated && page.last === next?.objectKey
  return xmlAnswer(
    document(
      'ListMultipartUploadsResult',
      text('Bucket', bucket.record.name),
      text('KeyMarker', encode(queryValue(query, 'key-marker') ?? '')),
      text('UploadIdMarker', queryValue(query, 'upload-id-marker') ?? ''),
      text('NextKeyMarker', page.isTruncated ? encode(page.last) : undefined),
      text('NextUploadIdMarker', isNext ? next.id : undefined),
      text('Prefix', encode(queryValue(query, 'prefix') ?? '')),
      text('Delimiter', encode(queryValue(query, 'delimiter') ?? '') || undefined),
      text('EncodingType', queryValue(query, 'encoding-type')),
      text('MaxUploads', integerParameter(query, 'max-uploads', MOST)),
      text('IsTruncated', page.isTruncated),
      ...page.items.map(upload => uploadElement(upload, encode)),
      ...page.commonPrefixes.map(prefix => group('CommonPrefixes', text('Prefix', encode(prefix)))),
    ),
  )
}

const collateUploads = (uploads: readonly Upload[], query: Query): Page<Upload> => {
  const prefix = queryValue(query, 'prefix') ?? ''
  const marker = queryValue(query, 'key-marker') ?? ''
  const idMarker = queryValue(query, 'upload-id-marker') ?? ''
  const isBehind = ({ record }: Upload): boolean => {
    const order = compareUtf8(record.objectKey, marker)
    return order > 0 || (order === 0 && idMarker !== '' && record.id > idMarker)
  }
  const behind = uploads
    .filter(upload => upload.record.objectKey.startsWith(prefix) && isBehind(upload))
    .sort(byKeyAndId)
  return collate(behind, ({ record }) => record.objectKey, {
    prefix,
    delimiter: queryValue(query, 'delimiter') ?? '',
    marker,
    max: integerParameter(query, 'max-uploads', MOST),
  })
}

const byKeyAndId = ({ record: a }: Upload, { record: b }: Upload): number =>
  compareUtf8(a.objectKey, b.objectKey) || compareUtf8(a.id, b.id)

const uploadElement = ({ record }: Upload, encode: (name: string) => string): string =>
  group(
    'Upload',
    text('Key', encode(record.objectKey)),
    text('UploadId', record.id),
    owner('Initiator'),
    owner(),
    text('StorageClass', record.properties.storageClass),
    text('Initiated', record.initiated),
    text('ChecksumAlgorithm', record.checksum?.algorithm),
    text('ChecksumType', record.checksum?.type),
  )

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListParts.html */
export const listParts = (call: ObjectCall): S3Response => {
  const { bucket, objectKey, request } = call
  const { record, parts } = openUpload(call)
  demandChecksumKey(record, readTriple(request.headers, 'object'))
  const marker = integerParameter(request.query, 'part-number-marker', Number.MAX_SAFE_INTEGER, 0)
  const max = integerParameter(request.query, 'max-parts', MOST)
  const behind = [...parts.values()]
    .filter(({ number }) => number > marker)
    .sort((a, b) => a.number - b.number)
  const page = behind.slice(0, max)
  const isTruncated = max > 0 && behind.length > max
  return xmlAnswer(
    document(
      'ListPartsResult',
      text('Bucket', bucket.record.name),
      text('Key', nameEncoding(request.query)(objectKey)),
      text('UploadId', record.id),
      owner('Initiator'),
      owner(),
      text('StorageClass', record.properties.storageClass),
      text('ChecksumAlgorithm', record.checksum?.algorithm),
      text('ChecksumType', record.checksum?.type),
      text('PartNumberMarker', marker),
      text('NextPartNumberMarker', isTruncated ? page.at(-1)?.number : undefined),
      text('MaxParts', max),
      text('IsTruncated', isTruncated),
      ...page.map(part => partElement(part, record.checksum !== undefined)),
    ),
  )
}

const partElement = (part: Part, withChecksum: boolean): string =>
  group(
    'Part',
    text('PartNumber', part.number),
    text('LastModified', part.lastModified),
    text('ETag', quoted(part.etag)),
    text('Size', part.segment.length),
    ...(withChecksum ? checksumElements(part.checksum).slice(0, 1) : []),
  )
