import { type Operation, type OperationName, operationNamed } from '../s3/operation.ts'

/** Where a call says which bucket and file it is about, which is what the policy is asked. */
export type PlaceKind =
  /** Of the whole account, or of the bucket that `bucketName` names. */
  | 'account'
  /** `bucketId`. */
  | 'bucket'
  /** `bucketId`, and what file names begin with. */
  | 'prefix'
  /** `bucketId` and `fileName`. */
  | 'name'
  /** `fileId`, of a stored file or of a large file under way. */
  | 'file'
  /** The path: a bucket and a file name. */
  | 'path'
  /** What the upload URL holds, or a header that names the file. */
  | 'upload'
  /** `sourceFileId`, with a destination that is another place. */
  | 'copy'

/** Where a call carries a customer key. https://www.backblaze.com/docs/cloud-storage-server-side-encryption */
export type KeyCarrier = 'headers' | 'document' | 'none'

interface Row {
  /** The S3 operation that the policy takes the call for: one policy, whatever a client speaks. */
  readonly operation: OperationName
  readonly place: PlaceKind
  readonly key: KeyCarrier
  /** Whether sending it twice does no more than sending it once. */
  readonly repeatable: boolean
  /** Field that holds a listing's prefix. */
  readonly prefixField?: string
}

const row = (
  operation: OperationName,
  place: PlaceKind,
  traits: Partial<Omit<Row, 'operation' | 'place'>> = {},
): Row => ({
  operation,
  place,
  key: 'none',
  repeatable: operationNamed(operation).repeatable,
  ...traits,
})

/**
 * THE TABLE: every call of B2's native API that is served. What is not here is refused by name.
 *
 * Source: https://www.backblaze.com/apidocs
 */
const TABLE = {
  b2_cancel_large_file: row('AbortMultipartUpload', 'file'),
  b2_copy_file: row('CopyObject', 'copy', { key: 'document' }),
  b2_copy_part: row('UploadPartCopy', 'copy', { key: 'document' }),
  b2_create_bucket: row('CreateBucket', 'account', { repeatable: false }),
  b2_delete_bucket: row('DeleteBucket', 'bucket'),
  b2_delete_file_version: row('DeleteObject', 'file'),
  b2_download_file_by_id: row('GetObject', 'file', { key: 'headers' }),
  b2_download_file_by_name: row('GetObject', 'path', { key: 'headers' }),
  b2_finish_large_file: row('CompleteMultipartUpload', 'file'),
  b2_get_bucket_notification_rules: row('GetBucketNotificationConfiguration', 'bucket'),
  b2_get_download_authorization: row('GetObject', 'prefix', { prefixField: 'fileNamePrefix' }),
  b2_get_file_info: row('HeadObject', 'file'),
  b2_get_upload_part_url: row('UploadPart', 'file', { repeatable: true }),
  b2_get_upload_url: row('PutObject', 'bucket', { repeatable: true }),
  b2_hide_file: row('DeleteObject', 'name', { repeatable: false }),
  b2_list_buckets: row('ListBuckets', 'account'),
  b2_list_file_names: row('ListObjectsV2', 'prefix', { prefixField: 'prefix' }),
  b2_list_file_versions: row('ListObjectVersions', 'prefix', { prefixField: 'prefix' }),
  b2_list_parts: row('ListParts', 'file'),
  b2_list_unfinished_large_files: row('ListMultipartUploads', 'prefix', {
    prefixField: 'namePrefix',
  }),
  b2_set_bucket_notification_rules: row('PutBucketNotificationConfiguration', 'bucket'),
  b2_start_large_file: row('CreateMultipartUpload', 'name', { key: 'document' }),
  b2_update_bucket: row('PutBucketTagging', 'bucket', { repeatable: false }),
  b2_update_file_legal_hold: row('PutObjectLegalHold', 'file'),
  b2_update_file_retention: row('PutObjectRetention', 'file'),
  b2_upload_file: row('PutObject', 'upload', { key: 'headers', repeatable: false }),
  b2_upload_part: row('UploadPart', 'upload', { key: 'headers', repeatable: false }),
} as const satisfies Record<string, Row>

export type CallName = keyof typeof TABLE | 'b2_authorize_account'

export interface Call extends Omit<Row, 'operation'> {
  readonly name: CallName
  readonly operation: Operation
}

/** The calls by name, but for `b2_authorize_account`, which no policy is asked about. */
export const CALLS: ReadonlyMap<string, Call> = new Map(
  Object.entries(TABLE).map(([name, { operation, ...rest }]: [string, Row]) => [
    name,
    { name: name as CallName, operation: operationNamed(operation), ...rest },
  ]),
)

/** What else a change of a bucket's field is, in S3's operations. */
const BUCKET_FIELDS: Readonly<Record<string, OperationName>> = {
  bucketType: 'PutBucketAcl',
  corsRules: 'PutBucketCors',
  defaultRetention: 'PutObjectLockConfiguration',
  defaultServerSideEncryption: 'PutBucketEncryption',
  fileLockEnabled: 'PutObjectLockConfiguration',
  lifecycleRules: 'PutBucketLifecycleConfiguration',
  replicationConfiguration: 'PutBucketReplication',
}

/** The operations that the policy must allow for a call with these fields: `b2_update_bucket` is several in one. */
export const operationsOf = (
  call: Call,
  fields: Readonly<Record<string, unknown>>,
): readonly Operation[] => {
  if (call.name !== 'b2_update_bucket') return [call.operation]
  const changed = Object.keys(BUCKET_FIELDS)
    .filter(field => fields[field] !== undefined && fields[field] !== null)
    .flatMap(field => BUCKET_FIELDS[field] ?? [])
  return changed.length === 0 ? [call.operation] : [...new Set(changed)].map(operationNamed)
}
