import { createHash, createHmac } from 'node:crypto'
import { crc32 } from 'node:zlib'
import { bodyHash, bodySlices } from './body.ts'
import { CLIENT, REGION } from './client-credentials.ts'

/**
 * How the client vouches for a body: not at all, by the SHA-256 of the whole in its signed head, by a signature on
 * each chunk, or by a CRC32 behind it.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html
 */
export type Payload = 'unsigned' | 'hex' | 'signed chunks' | 'trailer'

export const PAYLOADS: readonly Payload[] = ['unsigned', 'hex', 'signed chunks', 'trailer']

/** What the signature of a request's head says, from which the first chunk's goes on. */
export interface Seed {
  readonly signature: string
  /** As in `x-amz-date`. */
  readonly date: string
}

/** Bytes of a chunk, as the AWS SDKs cut them at least. */
const CHUNK = 64 * 1024

const TRAILER = 'x-amz-checksum-crc32'

/** The headers by which a PUT of `size` bytes says its payload. */
export const payloadHeaders = (payload: Payload, size: number): Record<string, string> => {
  switch (payload) {
    case 'unsigned':
      return { 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD', 'content-length': String(size) }
    case 'hex':
      return { 'x-amz-content-sha256': bodyHash(size), 'content-length': String(size) }
    case 'signed chunks':
      return {
        ...chunkedHeaders(payload, size),
        'x-amz-content-sha256': 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD',
      }
    case 'trailer':
      return {
        ...chunkedHeaders(payload, size),
        'x-amz-content-sha256': 'STREAMING-UNSIGNED-PAYLOAD-TRAILER',
        'x-amz-sdk-checksum-algorithm': 'CRC32',
        'x-amz-trailer': TRAILER,
      }
  }
}

const chunkedHeaders = (payload: Payload, size: number): Record<string, string> => ({
  'content-encoding': 'aws-chunked',
  'x-amz-decoded-content-length': String(size),
  'content-length': String(encodedLength(payload, size)),
})

const encodedLength = (payload: Payload, size: number): number => {
  let length = 0
  for (const chunk of chunksOf(size)) {
    length += headOf(chunk.length, EMPTY_SIGNATURE, payload).length + chunk.length + CRLF.length
  }
  return length + endOf(payload, EMPTY_SIGNATURE, 0).length
}

const CRLF = '\r\n'
const EMPTY_SIGNATURE = '0'.repeat(64)
const EMPTY_HASH = createHash('sha256').digest('hex')

interface Chunk {
  readonly offset: number
  readonly length: number
}

function* chunksOf(size: number): Generator<Chunk> {
  for (let offset = 0; offset < size; offset += CHUNK) {
    yield { offset, length: Math.min(CHUNK, size - offset) }
  }
}

const headOf = (length: number, signature: string, payload: Payload): string => {
  const extension = payload === 'signed chunks' ? `;chunk-signature=${signature}` : ''
  return `${length.toString(16)}${extension}${CRLF}`
}

const endOf = (payload: Payload, signature: string, crc: number): string => {
  const head = headOf(0, signature, payload)
  return payload === 'trailer' ? `${head}${TRAILER}:${base64Of(crc)}${CRLF}${CRLF}` : head + CRLF
}

const base64Of = (crc: number): string => {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(crc)
  return bytes.toString('base64')
}

/** The pieces of a PUT's body of `size` bytes, as they go over the wire. */
export const payloadPieces = (
  payload: Payload,
  size: number,
  seed: Seed,
): Iterable<Buffer | string> =>
  payload === 'unsigned' || payload === 'hex'
    ? bodySlices(0, size)
    : chunkedPieces(payload, size, seed)

function* chunkedPieces(payload: Payload, size: number, seed: Seed): Generator<Buffer | string> {
  const sign = createChunkSigner(seed)
  let signature = seed.signature
  let crc = 0
  for (const { offset, length } of chunksOf(size)) {
    if (payload === 'signed chunks') signature = sign(signature, hashOf(offset, length))
    yield headOf(length, signature, payload)
    for (const slice of bodySlices(offset, length)) {
      if (payload === 'trailer') crc = crc32(slice, crc)
      yield slice
    }
    yield CRLF
  }
  yield endOf(payload, sign(signature, EMPTY_HASH), crc)
}

const hashOf = (offset: number, length: number): string => {
  const hash = createHash('sha256')
  for (const slice of bodySlices(offset, length)) hash.update(slice)
  return hash.digest('hex')
}

const createChunkSigner = ({ date }: Seed): ((before: string, chunkHash: string) => string) => {
  const day = date.slice(0, 8)
  const scope = `${day}/${REGION}/s3/aws4_request`
  const key = [day, REGION, 's3', 'aws4_request'].reduce<Buffer>(
    (secret, part) => createHmac('sha256', secret).update(part).digest(),
    Buffer.from(`AWS4${CLIENT.secretAccessKey}`),
  )
  return (before, chunkHash) =>
    createHmac('sha256', key)
      .update(['AWS4-HMAC-SHA256-PAYLOAD', date, scope, before, EMPTY_HASH, chunkHash].join('\n'))
      .digest('hex')
}
