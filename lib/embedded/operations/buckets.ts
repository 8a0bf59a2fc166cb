import { pathStyle } from '../../s3/address.ts'
import { emptyAnswer, xmlAnswer } from '../../s3/answer.ts'
import { S3Error } from '../../s3/error.ts'
import { integerParameter } from '../../s3/listing-parameters.ts'
import { queryValue } from '../../s3/query.ts'
import type { S3Response } from '../../s3/response.ts'
import { elementText, readDocument, readText } from '../body/read-document.ts'
import type { BucketCall, StoreCall } from '../call.ts'
import { document, group, owner, text } from '../document.ts'
import type { Bucket } from '../store/bucket.ts'
import { collate, decodeToken, encodeToken } from './collate.ts'

const DEFAULT_REGION = 'us-east-1'

// https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
const BUCKET_NAME = /^(?!.*\.\.)(?!\d+\.\d+\.\d+\.\d+$)[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/

export const listBuckets = ({ store, request: { query } }: StoreCall): S3Response => {
  const prefix = queryValue(query, 'prefix') ?? ''
  const marker = decodeToken(queryValue(query, 'continuation-token') ?? '')
  const max = integerParameter(query, 'max-buckets', 10_000)
  const page = collate(store.buckets(prefix, marker), ({ record }) => record.name, {
    prefix,
    delimiter: '',
    marker,
    max,
  })
  const next = page.isTruncated ? encodeToken(page.last) : undefined
  return xmlAnswer(
    document(
      'ListAllMyBucketsResult',
      owner(),
      group('Buckets', ...page.items.map(bucketElement)),
      text('Prefix', queryValue(query, 'prefix')),
      text('ContinuationToken', next),
    ),
  )
}

const bucketElement = ({ record }: Bucket): string =>
  group('Bucket', text('Name', record.name), text('CreationDate', record.createdAt))

export const createBucket = async ({ store, request }: StoreCall): Promise<S3Response> => {
  const { address } = request
  const name = address.level === 'bucket' ? address.bucket : ''
  if (!BUCKET_NAME.test(name)) {
    throw new S3Error('InvalidBucketName', undefined, { details: { BucketName: name } })
  }
  const location = await readLocation(request)
  store.createBucket({ name, location, createdAt: new Date().toISOString() })
  return emptyAnswer(200, [['location', pathStyle(address)]])
}

const readLocation = async (request: StoreCall['request']): Promise<string> => {
  if ((request.headers.get('content-length') ?? '0') === '0') {
    await readText(request)
    return DEFAULT_REGION
  }
  const configuration = await readDocument(request, 'CreateBucketConfiguration')
  return elementText(configuration, 'LocationConstraint') ?? DEFAULT_REGION
}

export const headBucket = ({ bucket }: BucketCall): S3Response =>
  emptyAnswer(200, [['x-amz-bucket-region', bucket.record.location]])

export const deleteBucket = ({ store, bucket }: BucketCall): S3Response => {
  store.removeBucket(bucket)
  return emptyAnswer(204)
}

// The region that is older than the others has no name here.
export const getBucketLocation = ({ bucket }: BucketCall): S3Response => {
  const { location } = bucket.record
  return xmlAnswer(document('LocationConstraint', location === DEFAULT_REGION ? '' : location))
}
