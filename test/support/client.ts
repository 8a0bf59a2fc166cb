import { createHash, createHmac } from 'node:crypto'
import { type IncomingHttpHeaders, request } from 'node:http'
import { SignatureV4 } from '@smithy/signature-v4'
import { APP } from './proxy.ts'

export interface Sending {
  readonly method?: string
  /** Path as it shall stand on the wire. */
  readonly path: string
  readonly query?: Readonly<Record<string, string>>
  readonly headers?: Readonly<Record<string, string>>
  /** Headers that are sent and not signed. */
  readonly unsigned?: Readonly<Record<string, string>>
  readonly body?: Buffer | string
  /** What is sent instead of `body`, which is what was signed. */
  readonly wireBody?: Buffer | string
  readonly payloadHash?: string
  readonly credentials?: { readonly accessKeyId: string; readonly secretAccessKey: string }
  readonly now?: Date
}

export interface Received {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
  readonly text: string
}

class Sha256 {
  readonly #hash
  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    this.#hash = secret === undefined ? createHash('sha256') : createHmac('sha256', bytesOf(secret))
  }
  update(data: string | ArrayBuffer | ArrayBufferView): void {
    this.#hash.update(bytesOf(data))
  }
  async digest(): Promise<Uint8Array> {
    return this.#hash.digest()
  }
}

const bytesOf = (data: string | ArrayBuffer | ArrayBufferView): Buffer => {
  if (typeof data === 'string') return Buffer.from(data)
  return ArrayBuffer.isView(data)
    ? Buffer.from(data.buffer, data.byteOffset, data.byteLength)
    : Buffer.from(data)
}

/** The oracle: AWS's own signer, told to leave the path as S3 wants it. */
export const signer = (credentials = APP, region = 'us-east-1'): SignatureV4 =>
  new SignatureV4({
    service: 's3',
    region,
    credentials,
    sha256: Sha256,
    uriEscapePath: false,
    applyChecksum: true,
  })

export const sha256 = (body: Buffer | string): string =>
  createHash('sha256').update(body).digest('hex')

const targetOf = ({ path, query = {} }: Sending): string => {
  const text = Object.entries(query)
    .map(([name, value]) =>
      value === ''
        ? encodeURIComponent(name)
        : `${encodeURIComponent(name)}=${encodeURIComponent(value)}`,
    )
    .join('&')
  return text === '' ? path : `${path}?${text}`
}

/** Signs a request with AWS's signer; gives the headers to send. */
export const signedHeaders = async (
  origin: string,
  sending: Sending,
): Promise<Record<string, string>> => {
  const { host, hostname, protocol } = new URL(origin)
  const body = sending.body ?? ''
  const signed = await signer(sending.credentials).sign(
    {
      method: sending.method ?? 'GET',
      protocol,
      hostname,
      path: sending.path,
      query: { ...sending.query },
      headers: {
        host,
        ...sending.headers,
        'x-amz-content-sha256': sending.payloadHash ?? sha256(body),
      },
    },
    { signingDate: sending.now ?? new Date() },
  )
  return { ...signed.headers, ...sending.unsigned }
}

/** Sends exactly these headers and bytes. */
export const sendRaw = (
  origin: string,
  method: string,
  target: string,
  headers: Readonly<Record<string, string>>,
  body: Buffer | string = '',
): Promise<Received> =>
  new Promise((resolve, reject) => {
    const { hostname, port } = new URL(origin)
    const outgoing = request(
      { hostname, port, method, path: target, headers, agent: false },
      answer => {
        const chunks: Buffer[] = []
        answer.on('data', chunk => chunks.push(chunk))
        answer.on('error', reject)
        answer.on('end', () => {
          const bytes = Buffer.concat(chunks)
          resolve({
            status: answer.statusCode ?? 0,
            headers: answer.headers,
            body: bytes,
            text: bytes.toString(),
          })
        })
      },
    )
    outgoing.on('error', reject)
    outgoing.end(body)
  })

/** Signs and sends a request, as an S3 client that knows nothing of SSE-C. */
export const send = async (origin: string, sending: Sending): Promise<Received> => {
  const headers = await signedHeaders(origin, sending)
  const body = sending.wireBody ?? sending.body ?? ''
  const length = Buffer.byteLength(body)
  const framed =
    length > 0 || ['PUT', 'POST'].includes(sending.method ?? 'GET')
      ? { 'content-length': String(length), ...headers }
      : headers
  return sendRaw(origin, sending.method ?? 'GET', targetOf(sending), framed, body)
}
