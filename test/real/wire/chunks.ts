import { createHmac } from 'node:crypto'
import { type Endpoint, type KeyPair, REGION } from '../stage.ts'
import type { WireRequest } from './http.ts'
import { sha256Hex, sign, type Wanted } from './signing.ts'

/** A trailing checksum. */
export interface Trailer {
  readonly name: string
  readonly value: string
}

/** A body in aws-chunked framing, before it is framed. */
export interface ChunkedBody {
  readonly chunks: readonly Uint8Array[]
  /** Whether each chunk, and the trailer, carry a signature. */
  readonly signed: boolean
  readonly trailer?: Trailer
  /** What the head says the length is, when that is not true. */
  readonly decodedLength?: number
  /** Spoils the framing before the head, which tells its length, is signed. */
  readonly spoil?: (framed: Buffer) => Uint8Array
}

const payloadHashOf = ({ signed, trailer }: ChunkedBody): string => {
  if (!signed) return 'STREAMING-UNSIGNED-PAYLOAD-TRAILER'
  const suffix = trailer === undefined ? '' : '-TRAILER'
  return `STREAMING-AWS4-HMAC-SHA256-PAYLOAD${suffix}`
}

const hmac = (key: string | Buffer, text: string): Buffer =>
  createHmac('sha256', key).update(text).digest()

const signingKeyOf = ({ secretAccessKey }: KeyPair, day: string): Buffer =>
  [day, REGION, 's3', 'aws4_request'].reduce(hmac, Buffer.from(`AWS4${secretAccessKey}`))

/** The chain of signatures that begins with the request's own. */
class Chain {
  readonly #key: Buffer
  readonly #scope: string
  readonly #date: string
  #last: string
  constructor(credentials: KeyPair, { headers }: WireRequest) {
    const date = headers['x-amz-date'] ?? ''
    const day = date.slice(0, 8)
    this.#key = signingKeyOf(credentials, day)
    this.#scope = `${day}/${REGION}/s3/aws4_request`
    this.#date = date
    this.#last = /Signature=(\w+)/.exec(headers['authorization'] ?? '')?.[1] ?? ''
  }

  /** https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html#sigv4-chunked-body-definition */
  chunk(bytes: Uint8Array): string {
    return this.#next('AWS4-HMAC-SHA256-PAYLOAD', [sha256Hex(''), sha256Hex(bytes)])
  }

  /** https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming-trailers.html */
  trailer({ name, value }: Trailer): string {
    return this.#next('AWS4-HMAC-SHA256-TRAILER', [sha256Hex(`${name}:${value}\n`)])
  }

  #next(algorithm: string, hashes: readonly string[]): string {
    const text = [algorithm, this.#date, this.#scope, this.#last, ...hashes].join('\n')
    this.#last = hmac(this.#key, text).toString('hex')
    return this.#last
  }
}

const frameChunk = (bytes: Uint8Array, chain: Chain | undefined): Buffer => {
  const signature = chain === undefined ? '' : `;chunk-signature=${chain.chunk(bytes)}`
  const head = `${bytes.length.toString(16)}${signature}\r\n`
  // The empty chunk at the end has no line of its own: trailers or an empty line follow.
  const end = bytes.length === 0 ? '' : '\r\n'
  return Buffer.concat([Buffer.from(head), bytes, Buffer.from(end)])
}

const frameTrailer = (trailer: Trailer | undefined, chain: Chain | undefined): Buffer => {
  if (trailer === undefined) return Buffer.from('\r\n')
  const lines = [`${trailer.name}:${trailer.value}`]
  if (chain !== undefined) lines.push(`x-amz-trailer-signature:${chain.trailer(trailer)}`)
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n`)
}

const frame = (body: ChunkedBody, chain: Chain | undefined): Uint8Array => {
  const framed = Buffer.concat([
    ...body.chunks.map(bytes => frameChunk(bytes, chain)),
    frameChunk(Buffer.alloc(0), chain),
    frameTrailer(body.trailer, chain),
  ])
  return body.spoil?.(framed) ?? framed
}

const lengthOf = (chunks: readonly Uint8Array[]): number =>
  chunks.reduce((sum, { length }) => sum + length, 0)

/** The length of a framed body, which the signature of the head covers, is known before its signatures are. */
const framedLengthOf = (body: ChunkedBody, credentials: KeyPair): number => {
  const anyHead = { method: '', target: '', headers: {} }
  return frame(body, body.signed ? new Chain(credentials, anyHead) : undefined).length
}

/** Signs a request with an aws-chunked body. */
export const signChunked = async (
  endpoint: Endpoint,
  credentials: KeyPair,
  wanted: Wanted,
  body: ChunkedBody,
): Promise<WireRequest> => {
  const headers = {
    ...wanted.headers,
    'content-encoding': 'aws-chunked',
    'content-length': String(framedLengthOf(body, credentials)),
    'x-amz-decoded-content-length': String(body.decodedLength ?? lengthOf(body.chunks)),
    ...(body.trailer && { 'x-amz-trailer': body.trailer.name }),
  }
  const payloadHash = payloadHashOf(body)
  const head = await sign(endpoint, credentials, { ...wanted, headers, payloadHash })
  const chain = body.signed ? new Chain(credentials, head) : undefined
  return { ...head, body: frame(body, chain) }
}
