import type { Saying } from '../dialect/to-upstream.ts'
import type { Headers } from '../s3/headers.ts'
import type { Operation, OperationName } from '../s3/operation.ts'
import { notImplemented, Refused } from './error.ts'

const SSE = 'x-amz-server-side-encryption'
const SOURCE_SSE = 'x-amz-copy-source-server-side-encryption'

/** What is about the request itself, is verified before it comes here, or asks for what may be left out of an answer. */
const SILENT = new Set([
  'x-amz-checksum-mode',
  'x-amz-content-sha256',
  'x-amz-date',
  'x-amz-decoded-content-length',
  'x-amz-object-attributes',
  'x-amz-optional-object-attributes',
  'x-amz-request-payer',
  'x-amz-sdk-checksum-algorithm',
  'x-amz-security-token',
  'x-amz-te',
  'x-amz-trailer',
  'x-amz-user-agent',
])

const CREATING: readonly string[] = ['x-amz-acl', 'x-amz-storage-class', SSE]
const COPYING: readonly string[] = ['x-amz-copy-source']
const SOURCE_CONDITIONS = [
  'if-match',
  'if-none-match',
  'if-modified-since',
  'if-unmodified-since',
].map(name => `x-amz-copy-source-${name}`)

/** The other headers of S3's that are carried out, by operation. */
const CARRIED_OUT: Partial<Readonly<Record<OperationName, readonly string[]>>> = {
  CreateBucket: ['x-amz-acl', 'x-amz-bucket-object-lock-enabled'],
  PutBucketAcl: ['x-amz-acl'],
  PutObject: CREATING,
  CreateMultipartUpload: CREATING,
  CopyObject: [...CREATING, ...COPYING, ...SOURCE_CONDITIONS, 'x-amz-metadata-directive'],
  UploadPartCopy: [...COPYING, ...SOURCE_CONDITIONS, 'x-amz-copy-source-range'],
  DeleteObject: ['x-amz-bypass-governance-retention'],
  DeleteObjects: ['x-amz-bypass-governance-retention'],
}

const isKnown = (name: string, { name: operation, object, source }: Operation): boolean =>
  SILENT.has(name) ||
  name.startsWith('x-amz-checksum-') ||
  name.endsWith('expected-bucket-owner') ||
  (name.startsWith('x-amz-meta-') && WITH_METADATA.has(operation)) ||
  (object && name.startsWith(`${SSE}-customer-`)) ||
  (source && name.startsWith(`${SOURCE_SSE}-customer-`)) ||
  CARRIED_OUT[operation]?.includes(name) === true

const WITH_METADATA: ReadonlySet<OperationName> = new Set([
  'PutObject',
  'CreateMultipartUpload',
  'CopyObject',
])

const CONDITIONS = ['if-match', 'if-none-match']

const refuseConditions = (headers: Headers, { class: kind }: Operation): void => {
  const condition = kind === 'read' ? undefined : CONDITIONS.find(name => headers.has(name))
  if (condition !== undefined)
    throw notImplemented(
      `B2's native API has no conditional writes, and ${condition} must not be forgotten.`,
    )
}

const checkValues = (headers: Headers): void => {
  const acl = headers.get('x-amz-acl') ?? 'private'
  if (acl !== 'private' && acl !== 'bucket-owner-full-control')
    throw notImplemented(`B2 has access by bucket alone, so no object gets the ACL ${acl}.`)
  const storageClass = headers.get('x-amz-storage-class') ?? 'STANDARD'
  if (storageClass !== 'STANDARD')
    throw new Refused(
      400,
      'InvalidStorageClass',
      `B2 has one storage class, STANDARD, and not ${storageClass}.`,
    )
  const method = headers.get(SSE) ?? 'AES256'
  if (method !== 'AES256')
    throw notImplemented(`B2 has SSE-B2 (AES256) and SSE-C, and not ${method}.`)
}

/**
 * Makes sure that nothing that a request says is forgotten: what B2 has no word for is refused by name.
 *
 * @throws {Refused}
 */
export const checkWords = ({ headers }: Saying, operation: Operation): void => {
  for (const name of headers.keys()) {
    if (name.startsWith('x-amz-') && !isKnown(name, operation))
      throw notImplemented(
        `B2's native API has nothing for the header ${name} of ${operation.name}.`,
      )
  }
  refuseConditions(headers, operation)
  if (operation.level === 'object') checkValues(headers)
}

/** B2's headers for the encryption that a request asks for. https://www.backblaze.com/apidocs/b2-upload-file */
export const encryptionHeaders = (headers: Headers): readonly (readonly [string, string])[] =>
  [...headers].flatMap(([name, value]) =>
    name.startsWith(SSE) ? [[name.replace('x-amz-', 'x-bz-'), value] as const] : [],
  )

/** B2's field for the encryption that is asked for; undefined for none. https://www.backblaze.com/apidocs/b2-copy-file */
export const encryptionField = (
  headers: Headers,
  place: 'object' | 'source',
): object | undefined => {
  const prefix = place === 'object' ? SSE : SOURCE_SSE
  const [algorithm, customerKey, customerKeyMd5] = ['algorithm', 'key', 'key-md5'].map(part =>
    headers.get(`${prefix}-customer-${part}`),
  )
  // Half of a key is not forgotten either: B2 refuses it.
  if ((algorithm ?? customerKey ?? customerKeyMd5) !== undefined)
    return { mode: 'SSE-C', algorithm, customerKey, customerKeyMd5 }
  return headers.has(prefix) ? { mode: 'SSE-B2', algorithm: 'AES256' } : undefined
}

/** Whether a request asks for any encryption. */
export const isEncrypting = (headers: Headers): boolean => encryptionHeaders(headers).length > 0
