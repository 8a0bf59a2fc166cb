import { type BodyFilter, composeFilters, type Payload, type Trailer } from '../s3/body.ts'
import { S3Error } from '../s3/error.ts'
import type { Headers } from '../s3/headers.ts'
import type { Operation } from '../s3/operation.ts'
import { EMPTY_SHA256, type PayloadMode } from '../s3/payload-hash.ts'
import { ChunkDecoder } from './aws-chunked.ts'
import { checkChecksum, checkSha256, holdLastByte, invalidChecksum } from './body-checks.ts'
import { type ChecksumAlgorithm, checksumAlgorithm, isChecksum } from './checksum.ts'
import { type ChunkSeal, createChunkSignatures } from './chunk-signatures.ts'
import { TrailerSection } from './trailer-section.ts'

type Chunked = Extract<PayloadMode, { kind: 'aws-chunked' }>

/** A checksum that came with a body, in front of it or behind. */
interface SentChecksum {
  readonly algorithm: ChecksumAlgorithm
  readonly value: () => string
}

/**
 * Judges what the head says of the body, and makes the filter that judges the body itself.
 *
 * @param seal what signed chunks hang on; none when the head carries no signature
 * @param isLenient whether bodies may come as OBS takes them: an object's length unsaid, as its SDKs leave a file's, and
 *   with a copy one that nobody has a use for, as its page prints it
 * @returns none for an operation that takes no body
 * @throws {S3Error} when the head's words about the body contradict each other
 */
export const readPayload = (
  operation: Operation,
  headers: Headers,
  mode: PayloadMode,
  seal: ChunkSeal | undefined,
  isLenient = false,
): Payload | undefined => {
  if (operation.body === 'none') {
    return isLenient && operation.source ? undefined : checkNoBody(headers, mode)
  }
  const checksum = sentChecksum(operation, headers)
  if (mode.kind === 'aws-chunked') return chunkedPayload(headers, mode, seal, checksum)
  if (headers.has('x-amz-trailer')) throw unsupportedTrailer()
  if (isLenient && headers.has('transfer-encoding')) return unsaidPayload(mode, checksum)
  const length = plainLength(operation, headers)
  return { length, ...plainBody(mode, length, checksum), trailer: undefined }
}

const checkNoBody = (headers: Headers, mode: PayloadMode): undefined => {
  const length = headers.get('content-length') ?? '0'
  if (parseLength(length) > 0 || headers.has('transfer-encoding') || mode.kind === 'aws-chunked') {
    throw new S3Error(
      'InvalidRequest',
      'The request included a body. Requests of this type must not include a non-empty body.',
    )
  }
  if (mode.kind === 'hash' && mode.sha256 !== EMPTY_SHA256) {
    throw new S3Error('XAmzContentSHA256Mismatch')
  }
}

const plainBody = (
  mode: Exclude<PayloadMode, Chunked>,
  length: number,
  checksum: SentChecksum | undefined,
): Pick<Payload, 'hash' | 'filter'> => {
  if (mode.kind === 'unsigned') {
    return { hash: 'UNSIGNED-PAYLOAD', filter: checksum && guarded(length, check(checksum)) }
  }
  const { sha256 } = mode
  const other = checksum === undefined || saysTheSame(checksum, sha256) ? [] : [check(checksum)]
  return { hash: sha256, filter: guarded(length, checkSha256(sha256), ...other) }
}

// aws-sdk-js sends SHA-256 as payload hash and as checksum: hashing once is enough.
const saysTheSame = ({ algorithm, value }: SentChecksum, sha256: string): boolean =>
  algorithm.label === 'SHA256' && value() === Buffer.from(sha256, 'hex').toString('base64')

const unsaidPayload = (
  mode: Exclude<PayloadMode, Chunked>,
  checksum: SentChecksum | undefined,
): Payload => ({
  length: 0,
  isLengthUnsaid: true,
  hash: 'UNSIGNED-PAYLOAD',
  filter: [
    ...(mode.kind === 'hash' ? [checkSha256(mode.sha256)] : []),
    ...(checksum === undefined ? [] : [check(checksum)]),
  ].reduce<BodyFilter | undefined>(composeFilters, undefined),
  trailer: undefined,
})

const chunkedPayload = (
  headers: Headers,
  mode: Chunked,
  seal: ChunkSeal | undefined,
  checksum: SentChecksum | undefined,
): Payload => {
  const length = decodedLength(headers)
  const algorithm = announcedTrailer(headers, mode)
  if (checksum !== undefined && algorithm !== undefined) throw severalChecksums()
  const signatures = mode.signed ? createChunkSignatures(sealOf(seal)) : undefined
  const rules = { allowed: mode.trailer, announced: algorithm?.header }
  const trailers = new TrailerSection(rules, signatures)
  const value = (): string => trailers.value()
  const sent = algorithm === undefined ? checksum : { algorithm, value }
  const checks = sent === undefined ? [] : [check(sent)]
  return {
    length,
    hash: 'UNSIGNED-PAYLOAD',
    filter: guarded(length, new ChunkDecoder(signatures, trailers), ...checks),
    trailer: algorithm && trailerOf(algorithm, value),
  }
}

const sealOf = (seal: ChunkSeal | undefined): ChunkSeal => {
  if (seal !== undefined) return seal
  throw new S3Error(
    'InvalidRequest',
    "Anonymous requests don't support this x-amz-content-sha256 value. Please use UNSIGNED-PAYLOAD or STREAMING-UNSIGNED-PAYLOAD-TRAILER.",
  )
}

const trailerOf = ({ header }: ChecksumAlgorithm, value: () => string): Trailer => ({
  name: header,
  value,
})

const check = ({ algorithm, value }: SentChecksum): BodyFilter => checkChecksum(algorithm, value)

const guarded = (length: number, ...filters: readonly BodyFilter[]): BodyFilter | undefined =>
  [...filters, holdLastByte(length)].reduce<BodyFilter | undefined>(composeFilters, undefined)

/**
 * The checksum among the headers. CompleteMultipartUpload's is the object's, not its document's:
 * https://docs.aws.amazon.com/AmazonS3/latest/API/API_CompleteMultipartUpload.html
 */
const sentChecksum = ({ name }: Operation, headers: Headers): SentChecksum | undefined => {
  if (name === 'CompleteMultipartUpload') return undefined
  const [algorithm, ...more] = [...headers.keys()].flatMap(name => checksumAlgorithm(name) ?? [])
  if (algorithm === undefined) return undefined
  if (more.length > 0) throw severalChecksums()
  const text = headers.get(algorithm.header) ?? ''
  if (!isChecksum(algorithm, text)) throw invalidChecksum(algorithm)
  return { algorithm, value: () => text }
}

const announcedTrailer = (headers: Headers, mode: Chunked): ChecksumAlgorithm | undefined => {
  const name = headers.get('x-amz-trailer')
  if (name === undefined) return undefined
  const algorithm = checksumAlgorithm(name.trim().toLowerCase())
  if (algorithm === undefined || !mode.trailer) throw unsupportedTrailer()
  return algorithm
}

const unsupportedTrailer = (): S3Error =>
  new S3Error('InvalidRequest', 'The value specified in the x-amz-trailer header is not supported')

const severalChecksums = (): S3Error =>
  new S3Error(
    'InvalidRequest',
    'Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.',
  )

const decodedLength = (headers: Headers): number => {
  const text = headers.get('x-amz-decoded-content-length')
  if (text === undefined) throw new S3Error('MissingContentLength')
  return parseLength(text)
}

/** A document may be left out. An object's length must be said: a provider has to be told it first. */
const plainLength = (operation: Operation, headers: Headers): number => {
  const absent = operation.body === 'document' ? '0' : undefined
  const text = headers.get('content-length') ?? absent
  if (text === undefined || headers.has('transfer-encoding')) {
    throw new S3Error('MissingContentLength')
  }
  return parseLength(text)
}

const parseLength = (text: string): number => {
  const length = /^\d+$/.test(text) ? Number(text) : Number.NaN
  if (!Number.isSafeInteger(length))
    throw new S3Error('InvalidArgument', 'The length of the body is not valid.')
  return length
}
