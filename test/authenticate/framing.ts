import { createHash, createHmac, createSecretKey, type KeyObject } from 'node:crypto'
import type { ChunkSeal } from '../../lib/authenticate/chunk-signatures.ts'

/** The seal that signed bodies of the tests hang on. */
export const SEAL: ChunkSeal = {
  key: createSecretKey(Buffer.alloc(32, 1)),
  date: '20130524T000000Z',
  scope: { date: '20130524', region: 'us-east-1', service: 's3' },
  seed: 'a'.repeat(64),
}

/** A body in pieces of the given sizes, the last of them empty. */
export const chunksOf = (body: Buffer, size: number): Buffer[] => {
  const count = Math.ceil(body.length / size)
  const chunks = Array.from({ length: count }, (_, i) => body.subarray(i * size, (i + 1) * size))
  return [...chunks, Buffer.alloc(0)]
}

const sha256 = (data: Buffer | string): string => createHash('sha256').update(data).digest('hex')
const hmac = (key: KeyObject, text: string): string =>
  createHmac('sha256', key).update(text).digest('hex')

const frame = (head: string, data: Buffer): Buffer =>
  Buffer.concat([Buffer.from(`${head}\r\n`), data, Buffer.from(data.length > 0 ? '\r\n' : '')])

const trailerLine = (trailer: readonly [string, string] | undefined): string =>
  trailer === undefined ? '' : `${trailer[0]}:${trailer[1]}`

/** Frames chunks as aws-chunked without signatures. */
export const frameUnsigned = (
  chunks: readonly Buffer[],
  trailer?: readonly [name: string, value: string],
): Buffer =>
  Buffer.concat([
    ...chunks.map(chunk => frame(chunk.length.toString(16), chunk)),
    Buffer.from(trailer === undefined ? '\r\n' : `${trailerLine(trailer)}\r\n\r\n`),
  ])

/** Frames chunks as aws-chunked, each with its signature; the trailer with its own. */
export const frameSigned = (
  chunks: readonly Buffer[],
  { key, date, scope, seed }: ChunkSeal,
  trailer?: readonly [name: string, value: string],
): Buffer => {
  let previous = seed
  const next = (algorithm: string, ...hashes: string[]): string => {
    const where = `${scope.date}/${scope.region}/${scope.service}/aws4_request`
    previous = hmac(key, [algorithm, date, where, previous, ...hashes].join('\n'))
    return previous
  }
  const framed = chunks.map(chunk => {
    const signature = next('AWS4-HMAC-SHA256-PAYLOAD', sha256(''), sha256(chunk))
    return frame(`${chunk.length.toString(16)};chunk-signature=${signature}`, chunk)
  })
  if (trailer === undefined) return Buffer.concat([...framed, Buffer.from('\r\n')])
  const signature = next('AWS4-HMAC-SHA256-TRAILER', sha256(`${trailerLine(trailer)}\n`))
  const end = `${trailerLine(trailer)}\r\nx-amz-trailer-signature:${signature}\r\n\r\n`
  return Buffer.concat([...framed, Buffer.from(end)])
}
