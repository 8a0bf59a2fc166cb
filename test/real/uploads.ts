import { createHash } from 'node:crypto'
import { crc32 } from 'node:zlib'
import { bytesOf, KIB } from './bytes.ts'
import type { Endpoint, KeyPair } from './stage.ts'
import { type ChunkedBody, signChunked, type Trailer } from './wire/chunks.ts'
import type { WireRequest } from './wire/http.ts'
import { sign, type Wanted } from './wire/signing.ts'

/** What every upload here carries. */
export const BYTES = bytesOf(200 * KIB, 'upload')

const CHUNK = 64 * KIB

/** `bytes` in chunks as AWS's own SDKs cut them. */
export const toChunks = (bytes: Buffer): readonly Buffer[] =>
  Array.from({ length: Math.ceil(bytes.length / CHUNK) }, (_, index) =>
    bytes.subarray(index * CHUNK, (index + 1) * CHUNK),
  )

export const flipByte = (bytes: Uint8Array, offset: number): Buffer => {
  const flipped = Buffer.from(bytes)
  flipped.writeUInt8(flipped.readUInt8(offset) ^ 1, offset)
  return flipped
}

export const crc32Of = (bytes: Uint8Array): string => {
  const sum = Buffer.alloc(4)
  sum.writeUInt32BE(crc32(bytes))
  return sum.toString('base64')
}

export const md5Of = (bytes: Uint8Array): string => createHash('md5').update(bytes).digest('base64')

export const crc32Trailer = (bytes: Uint8Array): Trailer => ({
  name: 'x-amz-checksum-crc32',
  value: crc32Of(bytes),
})

/** Says what to send where, signed. */
export interface Uploader {
  plain(wanted: Partial<Wanted>): Promise<WireRequest>
  chunked(body: Partial<ChunkedBody>): Promise<WireRequest>
}

/** Signs uploads of `BYTES` to one place. */
export const uploaderTo = (
  endpoint: Endpoint,
  credentials: KeyPair,
  target: Pick<Wanted, 'bucket' | 'objectKey' | 'query'>,
): Uploader => {
  const put = { method: 'PUT', ...target }
  return {
    plain: wanted => sign(endpoint, credentials, { ...put, body: BYTES, ...wanted }),
    chunked: body =>
      signChunked(endpoint, credentials, put, { chunks: toChunks(BYTES), signed: true, ...body }),
  }
}
