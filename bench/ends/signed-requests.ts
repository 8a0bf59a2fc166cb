import { createHash, createHmac, type Hash, type Hmac } from 'node:crypto'
import { HttpRequest } from '@smithy/protocol-http'
import { SignatureV4 } from '@smithy/signature-v4'
import { CLIENT, REGION } from './client-credentials.ts'
import type { Load } from './load.ts'
import { objectPath } from './object.ts'
import { payloadHeaders, type Seed } from './payload.ts'

/** So many requests differ; S3 accepts a signature for fifteen minutes, so a load repeats them. */
const DISTINCT = 256

/** A request's head as it goes over the wire, and what the signatures of its chunks go on from. */
export interface SignedHead {
  readonly head: string
  readonly seed: Seed
}

/** The heads of `load`'s requests, signed as the AWS SDK signs them: not by the code under test. */
export const signedHeads = (load: Load): Promise<readonly SignedHead[]> => {
  const signer = createSigner()
  const bodyHeaders = load.method === 'PUT' ? putHeaders(load) : GET_HEADERS
  const numbers = Array.from({ length: Math.min(load.requests, DISTINCT) }, (_, number) => number)
  return Promise.all(
    numbers.map(number => signedHead(signer, load, objectPath(load, number), bodyHeaders)),
  )
}

const GET_HEADERS = { 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD' }

const putHeaders = ({ payload, size }: Load): Record<string, string> => ({
  ...payloadHeaders(payload, size),
  'content-type': 'application/octet-stream',
})

const createSigner = (): SignatureV4 =>
  new SignatureV4({
    service: 's3',
    region: REGION,
    credentials: CLIENT,
    sha256: Sha256,
    uriEscapePath: false,
    applyChecksum: false,
  })

const signedHead = async (
  signer: SignatureV4,
  load: Load,
  path: string,
  bodyHeaders: Record<string, string>,
): Promise<SignedHead> => {
  const { method, headers } = await signer.sign(unsignedRequest(load, path, bodyHeaders))
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`)
  return {
    head: `${method} ${path} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`,
    seed: {
      signature: /Signature=([0-9a-f]{64})/.exec(headers['authorization'] ?? '')?.[1] ?? '',
      date: headers['x-amz-date'] ?? '',
    },
  }
}

/** With the headers that the AWS SDK for JavaScript sends. */
const unsignedRequest = (
  { method, port }: Load,
  path: string,
  bodyHeaders: Record<string, string>,
): HttpRequest =>
  new HttpRequest({
    method,
    hostname: '127.0.0.1',
    port,
    path,
    headers: {
      host: `127.0.0.1:${port}`,
      'user-agent': 'aws-sdk-js/3.1169.0 ua/2.1 os/linux lang/js md/nodejs api/s3#3.1169.0',
      'amz-sdk-invocation-id': '0f5c1a5e-6a0c-4d27-9c39-5d8f6b1f7f11',
      'amz-sdk-request': 'attempt=1; max=3',
      ...bodyHeaders,
    },
  })

/** SHA-256, or HMAC-SHA-256 when given a secret, as the signer wants it. */
class Sha256 {
  readonly #hash: Hash | Hmac
  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    this.#hash = secret === undefined ? createHash('sha256') : createHmac('sha256', toBytes(secret))
  }
  update(data: string | ArrayBuffer | ArrayBufferView): void {
    this.#hash.update(toBytes(data))
  }
  async digest(): Promise<Uint8Array> {
    return this.#hash.digest()
  }
}

const toBytes = (data: string | ArrayBuffer | ArrayBufferView): Buffer => {
  if (typeof data === 'string') return Buffer.from(data)
  if (ArrayBuffer.isView(data)) return Buffer.from(data.buffer, data.byteOffset, data.byteLength)
  return Buffer.from(data)
}
