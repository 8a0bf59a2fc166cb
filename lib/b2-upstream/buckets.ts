import type { Account } from '../b2/account.ts'
import { type Fields, fieldsOf, textOf } from '../b2/fields.ts'
import { emptyAnswer, xmlAnswer } from '../s3/answer.ts'
import { queryValue } from '../s3/query.ts'
import type { S3Response } from '../s3/response.ts'
import { elementText } from '../s3/xml.ts'
import { document, group, text } from '../s3/xml-write.ts'
import { notImplemented, Refused } from './error.ts'
import type { BucketRequest, Request } from './request.ts'

/** B2 does not tell when a bucket was made, and S3's clients want to be told. */
const UNKNOWN_DATE = new Date(0).toISOString()

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

/** ListBuckets. https://www.backblaze.com/apidocs/b2-list-buckets */
export const listBuckets = async ({ native, saying, signal }: Request): Promise<S3Response> => {
  if (queryValue(saying.query, 'max-buckets') || queryValue(saying.query, 'continuation-token'))
    throw notImplemented('B2 lists all buckets at once.')
  const prefix = queryValue(saying.query, 'prefix') ?? ''
  let owner = ''
  const ofAccount = ({ account }: Account): Fields => {
    owner = account
    return { accountId: account }
  }
  const said = await native.call('b2_list_buckets', ofAccount, signal)
  const listed = Array.isArray(said['buckets']) ? said['buckets'].map(fieldsOf) : []
  const names = listed
    .map(bucket => textOf(bucket, 'bucketName') ?? '')
    .filter(name => name.startsWith(prefix))
    .sort(compare)
  const buckets = names.map(name =>
    group('Bucket', text('Name', name), text('CreationDate', UNKNOWN_DATE)),
  )
  return xmlAnswer(
    document(
      'ListAllMyBucketsResult',
      group('Owner', text('ID', owner)),
      group('Buckets', ...buckets),
    ),
  )
}

export const headBucket = async (request: BucketRequest): Promise<S3Response> => {
  await request.places.bucketId(request.address.bucket, request.signal)
  return emptyAnswer(200, [['x-amz-bucket-region', request.native.upstream.region]])
}

// us-east-1 is told by an empty element: https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketLocation.html
export const getLocation = async (request: BucketRequest): Promise<S3Response> => {
  await request.places.bucketId(request.address.bucket, request.signal)
  const { region } = request.native.upstream
  return xmlAnswer(document('LocationConstraint', region === 'us-east-1' ? '' : region))
}

/** B2 keeps versions in every bucket. */
export const getVersioning = async (request: BucketRequest): Promise<S3Response> => {
  await request.places.bucketId(request.address.bucket, request.signal)
  return xmlAnswer(document('VersioningConfiguration', text('Status', 'Enabled')))
}

const documentOf = ({ saying: { body } }: Request): string =>
  body.kind === 'bytes' ? body.bytes.toString('utf8') : ''

export const putVersioning = async (request: BucketRequest): Promise<S3Response> => {
  await request.places.bucketId(request.address.bucket, request.signal)
  if (elementText(documentOf(request), 'Status') !== 'Enabled')
    throw notImplemented(
      'B2 keeps versions in every bucket, so that versioning cannot be suspended.',
    )
  return emptyAnswer(200)
}

/** Canned ACLs, which are B2's types of buckets. */
const TYPES: ReadonlyMap<string, string> = new Map([
  ['private', 'allPrivate'],
  ['public-read', 'allPublic'],
])

const typeOf = ({ saying }: BucketRequest, acl: string): string => {
  const type = TYPES.get(acl)
  if (type === undefined || documentOf({ saying } as Request).includes('<AccessControlPolicy'))
    throw notImplemented('A bucket of B2 is private or public-read, and has no other ACL.')
  return type
}

const checkLocation = (request: BucketRequest): void => {
  const asked = elementText(documentOf(request), 'LocationConstraint')
  const { region } = request.native.upstream
  if (asked === undefined || asked === region) return
  throw new Refused(
    400,
    'IllegalLocationConstraintException',
    `The account's region is ${region}, as far as this proxy is told, and not ${asked}.`,
  )
}

/** CreateBucket. https://www.backblaze.com/apidocs/b2-create-bucket */
export const createBucket = async (request: BucketRequest): Promise<S3Response> => {
  const { address, saying, native, signal } = request
  checkLocation(request)
  const bucketType = typeOf(request, saying.headers.get('x-amz-acl') ?? 'private')
  const isLocked = saying.headers.get('x-amz-bucket-object-lock-enabled')?.toLowerCase() === 'true'
  const fields = {
    bucketName: address.bucket,
    bucketType,
    ...(isLocked && { fileLockEnabled: true }),
  }
  await native.call(
    'b2_create_bucket',
    ({ account }) => ({ accountId: account, ...fields }),
    signal,
  )
  return emptyAnswer(200, [['location', `/${address.bucket}`]])
}

/** DeleteBucket. https://www.backblaze.com/apidocs/b2-delete-bucket */
export const deleteBucket = async (request: BucketRequest): Promise<S3Response> => {
  const { address, places, native, signal } = request
  const bucketId = await places.bucketId(address.bucket, signal)
  places.forget(address.bucket)
  await native.call('b2_delete_bucket', ({ account }) => ({ accountId: account, bucketId }), signal)
  return emptyAnswer(204)
}

const updateBucket = async (request: BucketRequest, fields: Fields): Promise<void> => {
  const { address, places, native, signal } = request
  const bucketId = await places.bucketId(address.bucket, signal)
  const said = ({ account }: Account): Fields => ({ accountId: account, bucketId, ...fields })
  await native.call('b2_update_bucket', said, signal)
}

export const putAcl = async (request: BucketRequest): Promise<S3Response> => {
  const acl = request.saying.headers.get('x-amz-acl') ?? ''
  await updateBucket(request, { bucketType: typeOf(request, acl) })
  return emptyAnswer(200)
}

const XSI = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'

const grant = (grantee: string, permission: string): string =>
  group('Grant', grantee, text('Permission', permission))

/** A bucket's ACL, which goes for its objects, too: its owner's, and everyone's who may read. */
export const getAcl = async ({
  address,
  places,
  signal,
}: Request<Exclude<Request['address'], { level: 'service' }>>): Promise<S3Response> => {
  const bucket = await places.bucket(address.bucket, signal)
  const id = text('ID', textOf(bucket, 'accountId') ?? '')
  const everyone = `<Grantee ${XSI} xsi:type="Group"><URI>http://acs.amazonaws.com/groups/global/AllUsers</URI></Grantee>`
  const grants = [
    grant(`<Grantee ${XSI} xsi:type="CanonicalUser">${id}</Grantee>`, 'FULL_CONTROL'),
    ...(bucket['bucketType'] === 'allPublic' ? [grant(everyone, 'READ')] : []),
  ]
  return xmlAnswer(
    document('AccessControlPolicy', group('Owner', id), group('AccessControlList', ...grants)),
  )
}

const DEFAULT = 'defaultServerSideEncryption'

/** GetBucketEncryption. https://www.backblaze.com/docs/cloud-storage-server-side-encryption-with-the-native-api */
export const getEncryption = async (request: BucketRequest): Promise<S3Response> => {
  const bucket = await request.places.bucket(request.address.bucket, request.signal)
  const shown = fieldsOf(bucket[DEFAULT])
  const { mode } = fieldsOf(shown['value'] ?? shown)
  if (mode !== 'SSE-B2')
    throw new Refused(
      404,
      'ServerSideEncryptionConfigurationNotFoundError',
      'The server side encryption configuration was not found',
    )
  const byDefault = group('ApplyServerSideEncryptionByDefault', text('SSEAlgorithm', 'AES256'))
  return xmlAnswer(document('ServerSideEncryptionConfiguration', group('Rule', byDefault)))
}

export const putEncryption = async (request: BucketRequest): Promise<S3Response> => {
  const algorithm = elementText(documentOf(request), 'SSEAlgorithm') ?? ''
  if (algorithm !== 'AES256')
    throw notImplemented(`A bucket of B2 encrypts with SSE-B2 (AES256), and not with ${algorithm}.`)
  await updateBucket(request, { [DEFAULT]: { mode: 'SSE-B2', algorithm: 'AES256' } })
  return emptyAnswer(200)
}

export const deleteEncryption = async (request: BucketRequest): Promise<S3Response> => {
  await updateBucket(request, { [DEFAULT]: { mode: null } })
  return emptyAnswer(204)
}
