import { createHash, createHmac, type Hash, type Hmac } from 'node:crypto'
import { HttpRequest } from '@smithy/protocol-http'
import { SignatureV4 } from '@smithy/signature-v4'
import { type Endpoint, type KeyPair, REGION } from '../stage.ts'
import type { HeaderRecord, WireRequest } from './http.ts'
import { type Place, pathOf } from './place.ts'

/** What a test wants of a server, before it is signed. */
export interface Wanted extends Partial<Place> {
  readonly method: string
  readonly query?: HeaderRecord
  readonly headers?: HeaderRecord
  readonly body?: Uint8Array | undefined
  /** Value of `x-amz-content-sha256`; of the body when left out. */
  readonly payloadHash?: string
}

type Bytes = string | ArrayBuffer | ArrayBufferView

const toBuffer = (bytes: Bytes): Uint8Array => {
  if (typeof bytes === 'string') return Buffer.from(bytes)
  return ArrayBuffer.isView(bytes)
    ? new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    : new Uint8Array(bytes)
}

/** Node's SHA-256 in the form that smithy's signer takes. */
class Sha256 {
  readonly #hash: Hash | Hmac
  constructor(secret?: Bytes) {
    this.#hash =
      secret === undefined ? createHash('sha256') : createHmac('sha256', toBuffer(secret))
  }
  update(bytes: Bytes): void {
    this.#hash.update(toBuffer(bytes))
  }
  async digest(): Promise<Uint8Array> {
    return this.#hash.digest()
  }
  reset(): void {
    throw new Error('a signer makes a hash of its own for each text')
  }
}

export const sha256Hex = (bytes: string | Uint8Array): string =>
  createHash('sha256').update(bytes).digest('hex')

const signerFor = (credentials: KeyPair): SignatureV4 =>
  new SignatureV4({
    credentials,
    region: REGION,
    service: 's3',
    sha256: Sha256,
    // S3 signs the path as it is sent.
    uriEscapePath: false,
    applyChecksum: false,
  })

const toSmithy = ({ origin }: Endpoint, wanted: Wanted, headers: HeaderRecord): HttpRequest => {
  const { protocol, host, hostname, port } = new URL(origin)
  return new HttpRequest({
    protocol,
    hostname,
    port: Number(port),
    method: wanted.method,
    path: pathOf(wanted),
    query: { ...wanted.query },
    headers: { host, ...headers, ...wanted.headers },
  })
}

const encodeQuery = (query: HttpRequest['query']): string =>
  Object.entries(query)
    .map(pair => pair.map(text => encodeURIComponent(String(text))).join('='))
    .join('&')

const targetOf = ({ path, query }: HttpRequest): string => {
  const text = encodeQuery(query)
  return text === '' ? path : `${path}?${text}`
}

/** Signs a request in its headers. */
export const sign = async (
  endpoint: Endpoint,
  credentials: KeyPair,
  wanted: Wanted,
  now: Date = new Date(),
): Promise<WireRequest> => {
  const { body } = wanted
  const payloadHash = wanted.payloadHash ?? sha256Hex(body ?? '')
  const request = toSmithy(endpoint, wanted, {
    'x-amz-content-sha256': payloadHash,
    ...(body && { 'content-length': String(body.length) }),
  })
  const signed = await signerFor(credentials).sign(request, { signingDate: now })
  return { method: wanted.method, target: targetOf(request), headers: signed.headers, body }
}
