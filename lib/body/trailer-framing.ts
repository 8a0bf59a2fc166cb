import type { BodyFilter, Trailer } from '../s3/body.ts'

// MinIO refuses chunks over 16 MiB (cmd/streaming-v4-unsigned.go); AWS wants 8 KiB at least in all but the last.
const CHUNK = 1024 * 1024

/** Characters of each checksum in base64. */
const VALUE_LENGTH: Readonly<Record<string, number>> = {
  'x-amz-checksum-crc32': 8,
  'x-amz-checksum-crc32c': 8,
  'x-amz-checksum-crc64nvme': 12,
  'x-amz-checksum-sha1': 28,
  'x-amz-checksum-sha256': 44,
}

const CRLF = Buffer.from('\r\n')
const headOf = (size: number): string => `${size.toString(16)}\r\n`
const framed = (size: number): number => headOf(size).length + size + CRLF.length

/** Whether a trailer of that name can be framed: its length must be known before its value is. */
export const canFrame = (name: string): boolean => VALUE_LENGTH[name] !== undefined

/** Length on the wire of a body of `length` bytes, once `frameTrailer` has framed it. */
export const framedLength = (length: number, trailerName: string): number => {
  const rest = length % CHUNK
  const chunks = Math.floor(length / CHUNK) * framed(CHUNK) + (rest === 0 ? 0 : framed(rest))
  const trailer = trailerName.length + 1 + (VALUE_LENGTH[trailerName] ?? 0) + CRLF.length
  return chunks + headOf(0).length + trailer + CRLF.length
}

/**
 * Frames a plain body of `length` bytes as aws-chunked with an unsigned trailer, without holding any of it:
 * an unsigned chunk's head tells only its size, which is known in advance.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming-trailers.html
 */
export const frameTrailer = (length: number, trailer: Trailer): BodyFilter => {
  let unsent = length
  let leftInChunk = 0
  const frame = (bytes: Buffer): Buffer[] => {
    if (bytes.length === 0) return []
    const opening = leftInChunk === 0
    if (opening) leftInChunk = Math.min(CHUNK, unsent)
    const head = opening ? [Buffer.from(headOf(leftInChunk))] : []
    const data = bytes.subarray(0, leftInChunk)
    leftInChunk -= data.length
    unsent -= data.length
    const tail = leftInChunk === 0 ? [CRLF] : []
    return [...head, data, ...tail, ...frame(bytes.subarray(data.length))]
  }
  return {
    push: frame,
    end: () => [Buffer.from(`0\r\n${trailer.name}:${trailer.value()}\r\n\r\n`)],
  }
}
