import { type CustomerKey, customerKey } from '../keys/customer-key.ts'
import { S3Error } from '../s3/error.ts'
import type { Headers } from '../s3/headers.ts'
import { keyFault, keyMd5, MD5_RULE, md5Fault } from './key-md5.ts'

/** The two places where a header triple can stand. */
export type KeyPlace = 'object' | 'source'

const tripleNames = (prefix: string) => ({
  algorithm: `${prefix}-customer-algorithm`,
  key: `${prefix}-customer-key`,
  md5: `${prefix}-customer-key-md5`,
})

/** The header triple's names. https://docs.aws.amazon.com/AmazonS3/latest/userguide/ServerSideEncryptionCustomerKeys.html */
export const SSE_C_HEADERS = {
  object: tripleNames('x-amz-server-side-encryption'),
  source: tripleNames('x-amz-copy-source-server-side-encryption'),
} as const satisfies Record<KeyPlace, unknown>

const NAMES: Readonly<Record<KeyPlace, ReadonlySet<string>>> = {
  object: new Set(Object.values(SSE_C_HEADERS.object)),
  source: new Set(Object.values(SSE_C_HEADERS.source)),
}

/** Whether the header is one of the triple's at that place. */
export const isTripleHeader = (place: KeyPlace, name: string): boolean => NAMES[place].has(name)

/** Whether the header asks for one of the provider's own methods (SSE-S3, SSE-KMS, their options). */
export const isOtherMethodHeader = (name: string): boolean =>
  (name.startsWith('x-amz-server-side-encryption') && !NAMES.object.has(name)) ||
  name === 'x-obs-server-side-data-encryption' ||
  name === 'x-obs-sse-kms-key-project-id'

/** The header triple that carries `key`. */
export const triple = (
  place: KeyPlace,
  key: CustomerKey,
): readonly (readonly [name: string, value: string])[] => {
  const names = SSE_C_HEADERS[place]
  return [
    [names.algorithm, 'AES256'],
    [names.key, key.base64.expose()],
    [names.md5, key.md5],
  ]
}

const REQUESTS =
  'Requests specifying Server Side Encryption with Customer provided keys must provide'

// AWS names the plain SSE header here, whatever was wrong with the triple (recorded by localstack's snapshots).
const fault = (message: string, value: string): S3Error =>
  new S3Error('InvalidArgument', message, {
    details: { ArgumentName: 'x-amz-server-side-encryption', ArgumentValue: value },
  })

/**
 * The triple that a client itself brought, checked as AWS checks it; undefined when there is none.
 *
 * @throws {S3Error} `InvalidEncryptionAlgorithmError`, `InvalidArgument` in AWS's words
 */
export const clientTriple = (headers: Headers, place: KeyPlace): CustomerKey | undefined => {
  const names = SSE_C_HEADERS[place]
  const algorithm = headers.get(names.algorithm)
  const key = headers.get(names.key)
  const md5 = headers.get(names.md5)
  if (algorithm === undefined && key === undefined && md5 === undefined) return undefined
  if (algorithm === undefined) throw fault(`${REQUESTS} a valid encryption algorithm.`, 'null')
  if (algorithm !== 'AES256') {
    throw new S3Error('InvalidEncryptionAlgorithmError', undefined, {
      details: { ArgumentName: 'x-amz-server-side-encryption', ArgumentValue: algorithm },
    })
  }
  if (key === undefined) throw fault(`${REQUESTS} an appropriate secret key.`, 'null')
  if (md5 === undefined) {
    throw fault(`${REQUESTS} the client calculated MD5 of the secret key. ${MD5_RULE}`, 'null')
  }
  return checkedKey(key, md5)
}

const checkedKey = (key: string, md5: string): CustomerKey => {
  const bytes = Buffer.from(key, 'base64')
  if (bytes.length !== 32 || bytes.toString('base64') !== key) {
    throw fault(keyFault(bytes), 'AES256')
  }
  if (keyMd5(bytes) !== md5) throw fault(md5Fault(key, bytes, md5), 'null')
  return customerKey('client', 'own', bytes)
}

/** Whether an answer's headers say that `key` encrypted what the answer speaks of. */
export const echoes = (answer: Headers, key: CustomerKey): boolean =>
  answer.get(SSE_C_HEADERS.object.algorithm) === 'AES256' &&
  answer.get(SSE_C_HEADERS.object.md5) === key.md5

/** Whether an answer's headers speak of SSE-C at all. */
export const echoesAny = (answer: Headers): boolean => answer.has(SSE_C_HEADERS.object.algorithm)
