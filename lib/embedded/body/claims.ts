import { S3Error } from '../../s3/error.ts'
import type { Headers } from '../../s3/headers.ts'
import { invalidRequest, notImplemented } from '../error.ts'
import { CHECKSUM_ALGORITHMS, type ChecksumAlgorithm } from '../store/records.ts'
import { checksumHeader } from './checksum.ts'
import type { ExpectedChecksum } from './inspect.ts'

/** Bytes of each algorithm's digest. */
const DIGEST_BYTES: Readonly<Record<ChecksumAlgorithm, number>> = {
  CRC32: 4,
  CRC32C: 4,
  CRC64NVME: 8,
  SHA1: 20,
  SHA256: 32,
}

/** Headers that begin as a checksum's name does, and carry none. */
const NO_CHECKSUMS = new Set([
  'x-amz-checksum-algorithm',
  'x-amz-checksum-mode',
  'x-amz-checksum-type',
])

/** `Content-MD5`, base64. @throws {S3Error} `InvalidDigest` */
export const claimedMd5 = (headers: Headers): string | undefined => {
  const value = headers.get('content-md5')
  if (value !== undefined && !isBase64(value, 16)) throw new S3Error('InvalidDigest')
  return value
}

/**
 * The checksum that a request has for its body, in a header or behind the body.
 *
 * @throws {S3Error} `InvalidRequest`, `NotImplemented`; at the end `MalformedTrailerError`
 */
export const claimedChecksum = (
  headers: Headers,
  trailers: ReadonlyMap<string, string>,
): ExpectedChecksum | undefined => {
  const [name, another] = [...headers.keys()].filter(isChecksumHeader)
  if (another !== undefined) {
    throw invalidRequest(
      'Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.',
    )
  }
  if (name !== undefined) return inHeader(name, headers.get(name) ?? '')
  const trailer = headers.get('x-amz-trailer')
  if (trailer !== undefined) return inTrailer(trailer.trim().toLowerCase(), trailers)
  checkUnfulfilled(headers)
  return undefined
}

const isChecksumHeader = (name: string): boolean =>
  name.startsWith('x-amz-checksum-') && !NO_CHECKSUMS.has(name)

const algorithmOf = (header: string): ChecksumAlgorithm | undefined =>
  CHECKSUM_ALGORITHMS.find(algorithm => checksumHeader(algorithm) === header)

const inHeader = (header: string, value: string): ExpectedChecksum => {
  const algorithm = algorithmOf(header)
  if (algorithm === undefined) throw notImplemented(header)
  checkValue(algorithm, value)
  return { algorithm, expected: () => value }
}

const inTrailer = (header: string, trailers: ReadonlyMap<string, string>): ExpectedChecksum => {
  const algorithm = algorithmOf(header)
  if (algorithm === undefined) {
    throw invalidRequest('The value specified in the x-amz-trailer header is not supported')
  }
  const expected = (): string => {
    const value = trailers.get(header)
    if (value === undefined) throw new S3Error('MalformedTrailerError')
    checkValue(algorithm, value)
    return value
  }
  return { algorithm, expected }
}

const checkValue = (algorithm: ChecksumAlgorithm, value: string): void => {
  if (!isBase64(value, DIGEST_BYTES[algorithm])) {
    throw invalidRequest(`Value for ${checksumHeader(algorithm)} header is invalid.`)
  }
}

const isBase64 = (value: string, bytes: number): boolean => {
  const decoded = Buffer.from(value, 'base64')
  return decoded.length === bytes && decoded.toString('base64') === value
}

// A checksum that was announced and dropped on the way.
const checkUnfulfilled = (headers: Headers): void => {
  if (headers.has('x-amz-sdk-checksum-algorithm')) {
    throw invalidRequest(
      'x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or x-amz-trailer headers were found.',
    )
  }
}
