import type { Address } from './address.ts'
import { S3Error } from './error.ts'
import type { Headers } from './headers.ts'
import { ORDINARY_PARAMETERS, unknownParameter } from './parameters.ts'
import { hasParameter, type Query, queryValue } from './query.ts'

/** What a policy rule may speak of instead of single operations. */
export type OperationClass = 'read' | 'write' | 'list' | 'delete' | 'admin'

type Level = Address['level']

/** What an operation's request body is: an object's bytes, a document the proxy may read, or nothing. */
export type BodyKind = 'object' | 'document' | 'none'

/** Where SSE-C headers belong, by AWS's own API model (reference: botocore `s3/2006-03-01`). */
export interface SseCTraits {
  /** Takes `x-amz-server-side-encryption-customer-*` (the object's triple). */
  readonly object: boolean
  /** Takes `x-amz-copy-source-server-side-encryption-customer-*`. */
  readonly source: boolean
  /** Answers with algorithm and key MD5, so that what was stored can be confirmed. */
  readonly echo: boolean
}

export type OperationName = (typeof TABLE)[number][0]

export interface Operation extends SseCTraits {
  readonly name: OperationName
  readonly method: string
  readonly level: Level
  readonly class: OperationClass
  readonly body: BodyKind
  /** Whether sending it twice does no more than sending it once. */
  readonly repeatable: boolean
}

type Row = readonly [
  name: string,
  method: string,
  level: Level,
  /**
   * `acl`: the query has it. `a&b`: has both. `a=1`: has it with that value. `copy`: has `x-amz-copy-source`.
   * `form`: the body is a browser's form.
   */
  discriminator: string,
  operationClass: OperationClass,
  body: BodyKind,
  sseC: string,
]

/**
 * THE TABLE: every S3 operation that the proxy knows, most specific first within method and level.
 *
 * `sseC` is a set of letters: D the object's triple, S the copy source's triple, R echoed in the answer.
 * Source: botocore's service model, and https://docs.aws.amazon.com/AmazonS3/latest/API/API_Operations_Amazon_Simple_Storage_Service.html
 */
const TABLE = [
  ['ListBuckets', 'GET', 'service', '', 'list', 'none', ''],
  ['HeadApiVersion', 'HEAD', 'service', 'apiversion', 'list', 'none', ''],

  ['GetBucketAccelerateConfiguration', 'GET', 'bucket', 'accelerate', 'admin', 'none', ''],
  ['GetBucketAcl', 'GET', 'bucket', 'acl', 'admin', 'none', ''],
  ['GetBucketAnalyticsConfiguration', 'GET', 'bucket', 'analytics&id', 'admin', 'none', ''],
  ['ListBucketAnalyticsConfigurations', 'GET', 'bucket', 'analytics', 'admin', 'none', ''],
  ['GetBucketCors', 'GET', 'bucket', 'cors', 'admin', 'none', ''],
  ['GetBucketEncryption', 'GET', 'bucket', 'encryption', 'admin', 'none', ''],
  [
    'GetBucketIntelligentTieringConfiguration',
    'GET',
    'bucket',
    'intelligent-tiering&id',
    'admin',
    'none',
    '',
  ],
  [
    'ListBucketIntelligentTieringConfigurations',
    'GET',
    'bucket',
    'intelligent-tiering',
    'admin',
    'none',
    '',
  ],
  ['GetBucketInventoryConfiguration', 'GET', 'bucket', 'inventory&id', 'admin', 'none', ''],
  ['ListBucketInventoryConfigurations', 'GET', 'bucket', 'inventory', 'admin', 'none', ''],
  ['GetBucketLifecycleConfiguration', 'GET', 'bucket', 'lifecycle', 'admin', 'none', ''],
  ['GetBucketLocation', 'GET', 'bucket', 'location', 'list', 'none', ''],
  ['GetBucketLogging', 'GET', 'bucket', 'logging', 'admin', 'none', ''],
  ['GetBucketMetricsConfiguration', 'GET', 'bucket', 'metrics&id', 'admin', 'none', ''],
  ['ListBucketMetricsConfigurations', 'GET', 'bucket', 'metrics', 'admin', 'none', ''],
  ['GetBucketNotificationConfiguration', 'GET', 'bucket', 'notification', 'admin', 'none', ''],
  ['GetObjectLockConfiguration', 'GET', 'bucket', 'object-lock', 'admin', 'none', ''],
  ['GetBucketOwnershipControls', 'GET', 'bucket', 'ownershipControls', 'admin', 'none', ''],
  ['GetBucketPolicy', 'GET', 'bucket', 'policy', 'admin', 'none', ''],
  ['GetBucketPolicyStatus', 'GET', 'bucket', 'policyStatus', 'admin', 'none', ''],
  ['GetPublicAccessBlock', 'GET', 'bucket', 'publicAccessBlock', 'admin', 'none', ''],
  ['GetBucketReplication', 'GET', 'bucket', 'replication', 'admin', 'none', ''],
  ['GetBucketRequestPayment', 'GET', 'bucket', 'requestPayment', 'admin', 'none', ''],
  ['GetBucketTagging', 'GET', 'bucket', 'tagging', 'admin', 'none', ''],
  ['GetBucketVersioning', 'GET', 'bucket', 'versioning', 'list', 'none', ''],
  ['GetBucketWebsite', 'GET', 'bucket', 'website', 'admin', 'none', ''],
  ['ListMultipartUploads', 'GET', 'bucket', 'uploads', 'list', 'none', ''],
  ['ListObjectVersions', 'GET', 'bucket', 'versions', 'list', 'none', ''],
  ['ListObjectsV2', 'GET', 'bucket', 'list-type=2', 'list', 'none', ''],
  ['ListObjects', 'GET', 'bucket', '', 'list', 'none', ''],
  ['HeadApiVersion', 'HEAD', 'bucket', 'apiversion', 'list', 'none', ''],
  ['HeadBucket', 'HEAD', 'bucket', '', 'list', 'none', ''],

  ['PutBucketAccelerateConfiguration', 'PUT', 'bucket', 'accelerate', 'admin', 'document', ''],
  ['PutBucketAcl', 'PUT', 'bucket', 'acl', 'admin', 'document', ''],
  ['PutBucketAnalyticsConfiguration', 'PUT', 'bucket', 'analytics', 'admin', 'document', ''],
  ['PutBucketCors', 'PUT', 'bucket', 'cors', 'admin', 'document', ''],
  ['PutBucketEncryption', 'PUT', 'bucket', 'encryption', 'admin', 'document', ''],
  [
    'PutBucketIntelligentTieringConfiguration',
    'PUT',
    'bucket',
    'intelligent-tiering',
    'admin',
    'document',
    '',
  ],
  ['PutBucketInventoryConfiguration', 'PUT', 'bucket', 'inventory', 'admin', 'document', ''],
  ['PutBucketLifecycleConfiguration', 'PUT', 'bucket', 'lifecycle', 'admin', 'document', ''],
  ['PutBucketLogging', 'PUT', 'bucket', 'logging', 'admin', 'document', ''],
  ['PutBucketMetricsConfiguration', 'PUT', 'bucket', 'metrics', 'admin', 'document', ''],
  ['PutBucketNotificationConfiguration', 'PUT', 'bucket', 'notification', 'admin', 'document', ''],
  ['PutObjectLockConfiguration', 'PUT', 'bucket', 'object-lock', 'admin', 'document', ''],
  ['PutBucketOwnershipControls', 'PUT', 'bucket', 'ownershipControls', 'admin', 'document', ''],
  ['PutBucketPolicy', 'PUT', 'bucket', 'policy', 'admin', 'document', ''],
  ['PutPublicAccessBlock', 'PUT', 'bucket', 'publicAccessBlock', 'admin', 'document', ''],
  ['PutBucketReplication', 'PUT', 'bucket', 'replication', 'admin', 'document', ''],
  ['PutBucketRequestPayment', 'PUT', 'bucket', 'requestPayment', 'admin', 'document', ''],
  ['PutBucketTagging', 'PUT', 'bucket', 'tagging', 'admin', 'document', ''],
  ['PutBucketVersioning', 'PUT', 'bucket', 'versioning', 'admin', 'document', ''],
  ['PutBucketWebsite', 'PUT', 'bucket', 'website', 'admin', 'document', ''],
  ['CreateBucket', 'PUT', 'bucket', '', 'admin', 'document', ''],

  ['DeleteObjects', 'POST', 'bucket', 'delete', 'delete', 'document', ''],
  // Once its form is read, it goes on as a PutObject: the policy is asked about that.
  ['PostObject', 'POST', 'bucket', 'form', 'write', 'object', 'DR'],

  ['DeleteBucketAnalyticsConfiguration', 'DELETE', 'bucket', 'analytics', 'admin', 'none', ''],
  ['DeleteBucketCors', 'DELETE', 'bucket', 'cors', 'admin', 'none', ''],
  ['DeleteBucketEncryption', 'DELETE', 'bucket', 'encryption', 'admin', 'none', ''],
  [
    'DeleteBucketIntelligentTieringConfiguration',
    'DELETE',
    'bucket',
    'intelligent-tiering',
    'admin',
    'none',
    '',
  ],
  ['DeleteBucketInventoryConfiguration', 'DELETE', 'bucket', 'inventory', 'admin', 'none', ''],
  ['DeleteBucketLifecycle', 'DELETE', 'bucket', 'lifecycle', 'admin', 'none', ''],
  ['DeleteBucketMetricsConfiguration', 'DELETE', 'bucket', 'metrics', 'admin', 'none', ''],
  ['DeleteBucketOwnershipControls', 'DELETE', 'bucket', 'ownershipControls', 'admin', 'none', ''],
  ['DeleteBucketPolicy', 'DELETE', 'bucket', 'policy', 'admin', 'none', ''],
  ['DeletePublicAccessBlock', 'DELETE', 'bucket', 'publicAccessBlock', 'admin', 'none', ''],
  ['DeleteBucketReplication', 'DELETE', 'bucket', 'replication', 'admin', 'none', ''],
  ['DeleteBucketTagging', 'DELETE', 'bucket', 'tagging', 'admin', 'none', ''],
  ['DeleteBucketWebsite', 'DELETE', 'bucket', 'website', 'admin', 'none', ''],
  ['DeleteBucket', 'DELETE', 'bucket', '', 'admin', 'none', ''],

  ['GetObjectAcl', 'GET', 'object', 'acl', 'admin', 'none', ''],
  ['GetObjectAttributes', 'GET', 'object', 'attributes', 'read', 'none', 'D'],
  ['GetObjectLegalHold', 'GET', 'object', 'legal-hold', 'read', 'none', ''],
  ['GetObjectRetention', 'GET', 'object', 'retention', 'read', 'none', ''],
  ['GetObjectTagging', 'GET', 'object', 'tagging', 'read', 'none', ''],
  ['GetObjectTorrent', 'GET', 'object', 'torrent', 'read', 'none', ''],
  ['ListParts', 'GET', 'object', 'uploadId', 'list', 'none', 'D'],
  ['GetObject', 'GET', 'object', '', 'read', 'none', 'DR'],
  ['HeadObject', 'HEAD', 'object', '', 'read', 'none', 'DR'],

  ['PutObjectAcl', 'PUT', 'object', 'acl', 'admin', 'document', ''],
  ['PutObjectLegalHold', 'PUT', 'object', 'legal-hold', 'admin', 'document', ''],
  ['PutObjectRetention', 'PUT', 'object', 'retention', 'admin', 'document', ''],
  ['PutObjectTagging', 'PUT', 'object', 'tagging', 'write', 'document', ''],
  ['UploadPartCopy', 'PUT', 'object', 'copy&partNumber&uploadId', 'write', 'none', 'DSR'],
  ['UploadPart', 'PUT', 'object', 'partNumber&uploadId', 'write', 'object', 'DR'],
  ['CopyObject', 'PUT', 'object', 'copy', 'write', 'none', 'DSR'],
  ['PutObject', 'PUT', 'object', '', 'write', 'object', 'DR'],

  ['CreateMultipartUpload', 'POST', 'object', 'uploads', 'write', 'none', 'DR'],
  ['RestoreObject', 'POST', 'object', 'restore', 'admin', 'document', ''],
  ['SelectObjectContent', 'POST', 'object', 'select', 'read', 'document', 'D'],
  ['CompleteMultipartUpload', 'POST', 'object', 'uploadId', 'write', 'document', 'D'],

  ['OptionsObject', 'OPTIONS', 'object', '', 'read', 'none', ''],
  ['OptionsBucket', 'OPTIONS', 'bucket', '', 'list', 'none', ''],

  ['AbortMultipartUpload', 'DELETE', 'object', 'uploadId', 'delete', 'none', ''],
  ['DeleteObjectTagging', 'DELETE', 'object', 'tagging', 'write', 'none', ''],
  ['DeleteObject', 'DELETE', 'object', '', 'delete', 'none', ''],
] as const satisfies readonly Row[]

const toOperation = ([
  name,
  method,
  level,
  ,
  operationClass,
  body,
  sseC,
]: (typeof TABLE)[number]): Operation => {
  const letters: string = sseC
  return {
    name,
    method,
    level,
    class: operationClass,
    body,
    object: letters.includes('D'),
    source: letters.includes('S'),
    echo: letters.includes('R'),
    // A POST starts or ends something; all else S3 does can be sent again with the same outcome.
    repeatable: method !== 'POST' || name === 'SelectObjectContent' || name === 'DeleteObjects',
  }
}

interface Candidate {
  readonly operation: Operation
  readonly matches: (query: Query, headers: Headers) => boolean
}

const FORM = /^multipart\/form-data\s*(?:;|$)/i

const OF_HEADERS: ReadonlyMap<string, (headers: Headers) => boolean> = new Map([
  ['copy', headers => headers.has('x-amz-copy-source')],
  ['form', headers => FORM.test(headers.get('content-type') ?? '')],
])

const toCondition = (condition: string): Candidate['matches'] => {
  if (condition === '') return () => true
  const ofHeaders = OF_HEADERS.get(condition)
  if (ofHeaders !== undefined) return (_, headers) => ofHeaders(headers)
  const [name = '', value] = condition.split('=')
  return value === undefined
    ? query => hasParameter(query, name)
    : query => queryValue(query, name) === value
}

const toCandidate = (row: (typeof TABLE)[number]): Candidate => {
  const conditions = row[3].split('&').map(toCondition)
  return {
    operation: toOperation(row),
    matches: (query, headers) => conditions.every(condition => condition(query, headers)),
  }
}

/** Every operation of the table. */
export const OPERATIONS: readonly Operation[] = TABLE.map(toOperation)

/** @throws {RangeError} for a name that the table does not have; the compiler knows them all */
export const operationNamed = (name: OperationName): Operation => {
  const operation = OPERATIONS.find(each => each.name === name)
  if (operation === undefined) throw new RangeError(name)
  return operation
}

const CANDIDATES = new Map<string, readonly Candidate[]>()
for (const row of TABLE) {
  const place = `${row[1]} ${row[2]}`
  CANDIDATES.set(place, [...(CANDIDATES.get(place) ?? []), toCandidate(row)])
}

const SUB_RESOURCES = new Map<Level, ReadonlySet<string>>(
  (['service', 'bucket', 'object'] as const).map(level => [
    level,
    new Set(
      TABLE.filter(row => row[2] === level)
        .flatMap(row => row[3].split('&'))
        .filter(condition => !OF_HEADERS.has(condition))
        .map(condition => condition.split('=')[0] ?? ''),
    ),
  ]),
)

// AWS ignores parameters that begin with `x-`: https://docs.aws.amazon.com/AmazonS3/latest/userguide/LogFormat.html#LogFormatCustom
const isKnown = (level: Level, name: string): boolean =>
  ORDINARY_PARAMETERS.has(name) || SUB_RESOURCES.get(level)?.has(name) === true || /^x-/i.test(name)

/**
 * Finds the operation that a request asks for.
 *
 * A parameter that the table does not know might be a sub-resource with a meaning of its own, so it is refused
 * rather than taken for a plain object read or write.
 *
 * @throws {S3Error} `NotImplemented` for an unknown parameter, `MethodNotAllowed` for a method that the place does not take.
 */
export const recognise = (
  method: string,
  address: Address,
  query: Query,
  headers: Headers,
): Operation => {
  const unknown = query.find(({ name }) => !isKnown(address.level, name))
  if (unknown !== undefined) throw unknownParameter(unknown.name)
  const found = CANDIDATES.get(`${method} ${address.level}`)?.find(candidate =>
    candidate.matches(query, headers),
  )
  if (found === undefined) throw new S3Error('MethodNotAllowed')
  return found.operation
}
