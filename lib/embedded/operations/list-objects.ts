import { xmlAnswer } from '../../s3/answer.ts'
import { integerParameter, nameEncoding } from '../../s3/listing-parameters.ts'
import { type Query, queryValue } from '../../s3/query.ts'
import type { S3Response } from '../../s3/response.ts'
import type { BucketCall } from '../call.ts'
import { document, group, owner, quoted, text } from '../document.ts'
import type { ObjectRecord } from '../store/records.ts'
import { collate, decodeToken, encodeToken, type Page } from './collate.ts'

const MAX_KEYS = 1000

/** What both versions of the listing ask for and answer alike. */
interface Listing {
  readonly page: Page<ObjectRecord>
  readonly encode: (name: string) => string
  readonly common: readonly string[]
}

const list = ({ bucket, request: { query } }: BucketCall, marker: string): Listing => {
  const prefix = queryValue(query, 'prefix') ?? ''
  const delimiter = queryValue(query, 'delimiter') ?? ''
  const max = integerParameter(query, 'max-keys', MAX_KEYS)
  const encode = nameEncoding(query)
  const objects = bucket.objects(prefix, marker)
  const page = collate(objects, ({ objectKey }) => objectKey, { prefix, delimiter, marker, max })
  const common = [
    text('Name', bucket.record.name),
    text('Prefix', encode(prefix)),
    text('MaxKeys', max),
    text('Delimiter', delimiter === '' ? undefined : encode(delimiter)),
    text('EncodingType', queryValue(query, 'encoding-type')),
    text('IsTruncated', page.isTruncated),
  ]
  return { page, encode, common }
}

const contents = ({ page, encode }: Listing, withOwner: boolean): readonly string[] => [
  ...page.items.map(object => objectElement(object, encode, withOwner)),
  ...page.commonPrefixes.map(prefix => group('CommonPrefixes', text('Prefix', encode(prefix)))),
]

const objectElement = (
  object: ObjectRecord,
  encode: Listing['encode'],
  withOwner: boolean,
): string =>
  group(
    'Contents',
    text('Key', encode(object.objectKey)),
    text('LastModified', object.lastModified),
    text('ETag', quoted(object.etag)),
    text('ChecksumAlgorithm', object.checksum?.algorithm),
    text('ChecksumType', object.checksum?.type),
    text('Size', object.size),
    withOwner ? owner() : '',
    text('StorageClass', object.properties.storageClass),
  )

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjects.html */
export const listObjects = (call: BucketCall): S3Response => {
  const marker = queryValue(call.request.query, 'marker') ?? ''
  const listing = list(call, marker)
  const { page, encode } = listing
  // Without a delimiter the last key is the next marker, and S3 leaves it to the client to see that.
  const hasNext = page.isTruncated && (queryValue(call.request.query, 'delimiter') ?? '') !== ''
  return xmlAnswer(
    document(
      'ListBucketResult',
      ...listing.common,
      text('Marker', encode(marker)),
      text('NextMarker', hasNext ? encode(page.last) : undefined),
      ...contents(listing, true),
    ),
  )
}

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html */
export const listObjectsV2 = (call: BucketCall): S3Response => {
  const { query } = call.request
  const listing = list(call, markerOf(query))
  const { page, encode } = listing
  const startAfter = queryValue(query, 'start-after')
  return xmlAnswer(
    document(
      'ListBucketResult',
      ...listing.common,
      text('KeyCount', page.items.length + page.commonPrefixes.length),
      text('StartAfter', startAfter === undefined ? undefined : encode(startAfter)),
      text('ContinuationToken', queryValue(query, 'continuation-token')),
      text('NextContinuationToken', page.isTruncated ? encodeToken(page.last) : undefined),
      ...contents(listing, queryValue(query, 'fetch-owner') === 'true'),
    ),
  )
}

const markerOf = (query: Query): string => {
  const token = queryValue(query, 'continuation-token')
  return token === undefined ? (queryValue(query, 'start-after') ?? '') : decodeToken(token)
}
