import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import type { HeaderEntries } from '../s3/answer.ts'
import { S3Error } from '../s3/error.ts'
import type { Headers } from '../s3/headers.ts'
import { invalidArgument, invalidRequest, notImplemented } from './error.ts'
import type { KeyProof } from './store/records.ts'

/** The two places where a header triple can stand. */
export type KeyPlace = 'object' | 'source'

/** A customer key as a request brought it; kept no longer than the request. */
export interface CustomerKey {
  readonly bytes: Buffer
  /** Base64, as sent. */
  readonly md5: string
}

const METHOD = 'x-amz-server-side-encryption'
const PREFIX: Readonly<Record<KeyPlace, string>> = {
  object: `${METHOD}-customer-`,
  source: `x-amz-copy-source-server-side-encryption-customer-`,
}
const MUST_PROVIDE =
  'Requests specifying Server Side Encryption with Customer provided keys must provide'

/** Whether a header is one of a triple's. */
export const isTripleHeader = (name: string): boolean =>
  name.startsWith(PREFIX.object) || name.startsWith(PREFIX.source)

// AWS names the plain SSE header here, whatever was wrong with the triple (recorded by localstack's snapshots,
// tests/aws/services/s3/test_s3.snapshot.json, class TestS3SSECEncryption; so are all messages of this file).
const fault = (message: string, value = 'null'): S3Error => invalidArgument(message, METHOD, value)

/**
 * The key of a header triple; undefined when there is none.
 *
 * @throws {S3Error} `InvalidEncryptionAlgorithmError`, `InvalidArgument`
 */
export const readTriple = (headers: Headers, place: KeyPlace): CustomerKey | undefined => {
  const algorithm = headers.get(`${PREFIX[place]}algorithm`)
  const key = headers.get(`${PREFIX[place]}key`)
  const md5 = headers.get(`${PREFIX[place]}key-md5`)
  if (algorithm === undefined && key === undefined && md5 === undefined) return undefined
  checkAlgorithm(algorithm)
  if (key === undefined) throw fault(`${MUST_PROVIDE} an appropriate secret key.`)
  if (md5 === undefined) {
    throw fault(`${MUST_PROVIDE} the client calculated MD5 of the secret key.`)
  }
  return { bytes: decodeKey(key, md5), md5 }
}

const checkAlgorithm = (algorithm: string | undefined): void => {
  if (algorithm === undefined) throw fault(`${MUST_PROVIDE} a valid encryption algorithm.`)
  if (algorithm === 'AES256') return
  throw new S3Error('InvalidEncryptionAlgorithmError', undefined, {
    details: { ArgumentName: METHOD, ArgumentValue: algorithm },
  })
}

// The MD5 before the length: 24-byte keys with a wrong MD5 were told the MD5 (aws/aws-sdk-go#1726, aws/aws-cli#6906).
const decodeKey = (key: string, md5: string): Buffer => {
  const bytes = Buffer.from(key, 'base64')
  const isBase64 = bytes.toString('base64') === key
  if (isBase64 && createHash('md5').update(bytes).digest('base64') !== md5) {
    throw fault('The calculated MD5 hash of the key did not match the hash that was provided.')
  }
  if (!isBase64 || bytes.length !== 32) {
    throw fault('The secret key was invalid for the specified algorithm.')
  }
  return bytes
}

/**
 * The key that an object shall be written with; undefined for plaintext.
 *
 * @throws {S3Error} also for the provider's own methods: there is no key here that the client does not bring
 */
export const writeKey = (headers: Headers): CustomerKey | undefined => {
  const method = headers.get(METHOD)
  const hasTriple = [...headers.keys()].some(name => name.startsWith(PREFIX.object))
  if (method !== undefined && hasTriple) {
    throw fault(
      'Server Side Encryption with Customer provided key is incompatible with the encryption method specified',
      method,
    )
  }
  if (method !== undefined) throw notImplemented(METHOD)
  return readTriple(headers, 'object')
}

/**
 * The key of a request that reads an object or adds to an upload, and therefore cannot choose a method.
 *
 * @throws {S3Error}
 */
export const givenKey = (headers: Headers): CustomerKey | undefined => {
  const method = headers.get(METHOD)
  if (method !== undefined) {
    throw fault('x-amz-server-side-encryption header is not supported for this operation.', method)
  }
  return readTriple(headers, 'object')
}

/** What is kept of a key: enough to tell it from another. */
export const prove = (key: CustomerKey | undefined): KeyProof | undefined => {
  if (key === undefined) return undefined
  const salt = randomBytes(16)
  return { salt: salt.toString('base64'), hmac: hmacOf(salt, key).toString('base64') }
}

const hmacOf = (salt: Buffer, key: CustomerKey): Buffer =>
  createHmac('sha256', salt).update(key.bytes).digest()

const isProven = (proof: KeyProof, key: CustomerKey): boolean =>
  timingSafeEqual(Buffer.from(proof.hmac, 'base64'), hmacOf(Buffer.from(proof.salt, 'base64'), key))

/**
 * Demands that an object be read with the key it was written with, and with none when it is plaintext.
 *
 * @throws {S3Error} `InvalidRequest`, `AccessDenied`
 */
export const demandKey = (proof: KeyProof | undefined, key: CustomerKey | undefined): void => {
  if (proof === undefined && key === undefined) return
  if (proof === undefined) {
    throw invalidRequest('The encryption parameters are not applicable to this object.')
  }
  if (key === undefined) {
    throw invalidRequest(
      'The object was stored using a form of Server Side Encryption. The correct parameters must be provided to retrieve the object.',
    )
  }
  if (!isProven(proof, key))
    throw new S3Error('AccessDenied', `${MUST_PROVIDE} the correct secret key.`)
}

/**
 * Demands that a part come with the key of its upload, and with none when that has none.
 *
 * @throws {S3Error} `InvalidRequest`
 */
export const demandUploadKey = (
  proof: KeyProof | undefined,
  key: CustomerKey | undefined,
): void => {
  if ((proof === undefined) !== (key === undefined)) {
    throw invalidRequest(
      'The multipart upload initiate requested encryption. Subsequent part requests must include the appropriate encryption parameters.',
    )
  }
  if (proof && key && !isProven(proof, key)) throw otherKey()
}

/**
 * Demands the key of an upload where its checksums are told: on CompleteMultipartUpload and ListParts.
 *
 * @throws {S3Error} `InvalidRequest`
 */
export const demandChecksumKey = (
  upload: { readonly proof?: KeyProof | undefined; readonly checksum?: unknown },
  key: CustomerKey | undefined,
): void => {
  const { proof, checksum } = upload
  if (proof && key && !isProven(proof, key)) throw otherKey()
  if (proof && checksum !== undefined && key === undefined) {
    throw invalidRequest(
      'The object was stored using a form of Server Side Encryption. Correct SSE-C request parameters are required for this request when specifying checksums for each part.',
    )
  }
}

const otherKey = (): S3Error =>
  invalidRequest('The provided encryption parameters did not match the ones used originally.')

/** The headers that confirm a key. */
export const echo = (key: CustomerKey | undefined): HeaderEntries =>
  key === undefined
    ? []
    : [
        [`${PREFIX.object}algorithm`, 'AES256'],
        [`${PREFIX.object}key-md5`, key.md5],
      ]
