import { createHash, createHmac } from 'node:crypto'
import { type Received, sendRaw } from './client.ts'
import { APP } from './proxy.ts'

/*
 * A client of Cloud Storage's XML API that signs GOOG4-HMAC-SHA256 by hand, step by step as Google's pages have it, and
 * shares no line with the proxy. https://cloud.google.com/storage/docs/authentication/canonical-requests,
 * https://cloud.google.com/storage/docs/authentication/signatures
 */

export interface GoogSending {
  readonly method?: string
  /** Path as it shall stand on the wire. */
  readonly path: string
  readonly query?: Readonly<Record<string, string>>
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Buffer | string
  readonly credentials?: { readonly accessKeyId: string; readonly secretAccessKey: string }
  /** `auto` when left out, as Google's own samples have it. */
  readonly location?: string
  readonly now?: Date
}

const hmac = (key: string | Buffer, text: string): Buffer =>
  createHmac('sha256', key).update(text).digest()

const encode = (text: string): string =>
  encodeURIComponent(text).replace(
    /[!'()*]/g,
    mark => `%${mark.charCodeAt(0).toString(16).toUpperCase()}`,
  )

const queryText = (query: Readonly<Record<string, string>>): string =>
  Object.entries(query)
    .map(([name, value]): readonly [string, string] => [encode(name), encode(value)])
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `${name}=${value}`)
    .join('&')

const time = (now: Date): string => now.toISOString().replace(/[-:]|\.\d{3}/g, '')

interface ToSign {
  readonly method: string
  readonly path: string
  readonly query: string
  readonly headers: Readonly<Record<string, string>>
  readonly payload: string
}

const signatureOf = (
  { method, path, query, headers, payload }: ToSign,
  date: string,
  scope: string,
  secret: string,
): string => {
  const names = Object.keys(headers).sort()
  const lines = names.map(name => `${name}:${headers[name]?.trim().replace(/ {2,}/g, ' ')}\n`)
  const canonical = [method, path, query, lines.join(''), names.join(';'), payload].join('\n')
  const hash = createHash('sha256').update(canonical, 'latin1').digest('hex')
  const [day = '', location = '', service = '', terminator = ''] = scope.split('/')
  const key = hmac(hmac(hmac(hmac(`GOOG4${secret}`, day), location), service), terminator)
  return hmac(key, ['GOOG4-HMAC-SHA256', date, scope, hash].join('\n')).toString('hex')
}

const lowerCase = (headers: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]))

/** The target and headers of a request whose signature stands in the Authorization header. */
export const googHeaders = (
  origin: string,
  { method = 'GET', path, query = {}, location = 'auto', ...sending }: GoogSending,
): { readonly target: string; readonly headers: Record<string, string> } => {
  const { accessKeyId, secretAccessKey } = sending.credentials ?? APP
  const date = time(sending.now ?? new Date())
  const scope = `${date.slice(0, 8)}/${location}/storage/goog4_request`
  const headers = lowerCase({
    host: new URL(origin).host,
    ...sending.headers,
    'x-goog-date': date,
  })
  const payload = headers['x-goog-content-sha256'] ?? 'UNSIGNED-PAYLOAD'
  const text = queryText(query)
  const signature = signatureOf(
    { method, path, query: text, headers, payload },
    date,
    scope,
    secretAccessKey,
  )
  const authorization = `GOOG4-HMAC-SHA256 Credential=${accessKeyId}/${scope}, SignedHeaders=${Object.keys(headers).sort().join(';')}, Signature=${signature}`
  return { target: text === '' ? path : `${path}?${text}`, headers: { ...headers, authorization } }
}

/** The target of a signed URL; `headers` are signed, and must be sent. */
export const googTarget = (
  origin: string,
  { method = 'GET', path, query = {}, location = 'auto', ...sending }: GoogSending,
): string => {
  const { accessKeyId, secretAccessKey } = sending.credentials ?? APP
  const date = time(sending.now ?? new Date())
  const scope = `${date.slice(0, 8)}/${location}/storage/goog4_request`
  const headers = lowerCase({ host: new URL(origin).host, ...sending.headers })
  const text = queryText({
    ...query,
    'X-Goog-Algorithm': 'GOOG4-HMAC-SHA256',
    'X-Goog-Credential': `${accessKeyId}/${scope}`,
    'X-Goog-Date': date,
    'X-Goog-Expires': '600',
    'X-Goog-SignedHeaders': Object.keys(headers).sort().join(';'),
  })
  const payload = headers['x-goog-content-sha256'] ?? 'UNSIGNED-PAYLOAD'
  const signature = signatureOf(
    { method, path, query: text, headers, payload },
    date,
    scope,
    secretAccessKey,
  )
  return `${path}?${text}&X-Goog-Signature=${signature}`
}

/** Signs and sends a request, as an app that was written for Cloud Storage. */
export const sendGoog = (origin: string, sending: GoogSending): Promise<Received> => {
  const { target, headers } = googHeaders(origin, sending)
  const body = sending.body ?? ''
  const method = sending.method ?? 'GET'
  const length = method === 'PUT' || method === 'POST' ? String(Buffer.byteLength(body)) : undefined
  const framed = length === undefined ? headers : { ...headers, 'content-length': length }
  return sendRaw(origin, method, target, framed, body)
}
