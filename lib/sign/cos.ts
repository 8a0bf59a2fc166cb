import { createHash, createHmac } from 'node:crypto'
import { percentDecode, uriEncode } from '../s3/encoding.ts'
import type { Headers } from '../s3/headers.ts'
import type { Query } from '../s3/query.ts'
import type { Secret } from '../s3/secret.ts'

/** What Tencent COS signs of a request. */
export interface CosParts {
  readonly method: string
  /** As it stands on the wire; without the bucket where the host names that. */
  readonly path: string
  readonly query: Query
  /** Those that are signed, and no other. */
  readonly headers: Headers
}

export interface CosCredentials {
  readonly accessKeyId: string
  readonly secretAccessKey: Secret<string>
}

/** Seconds that a signature counts: before now for clocks that differ, after it for a body that takes its time. */
const BEFORE = 300
const AFTER = 3600

const hmac = (key: string, text: string): string =>
  createHmac('sha1', key).update(text).digest('hex')

type Pairs = readonly (readonly [name: string, value: string])[]

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

const encoded = (pairs: Pairs): Pairs =>
  pairs
    .map(([name, value]) => [uriEncode(name).toLowerCase(), uriEncode(value)] as const)
    .sort(([a], [b]) => compare(a, b))

const namesOf = (pairs: Pairs): string => pairs.map(([name]) => name).join(';')
const textOf = (pairs: Pairs): string => pairs.map(([name, value]) => `${name}=${value}`).join('&')

const utf8 = (binary: string): string => Buffer.from(binary, 'latin1').toString('utf8')

/**
 * The Authorization header of Tencent COS's own signature, with HMAC-SHA1.
 * https://www.tencentcloud.com/document/product/436/7778
 */
export const cosAuthorization = (
  { method, path, query, headers }: CosParts,
  { accessKeyId, secretAccessKey }: CosCredentials,
  now: Date,
): string => {
  const seconds = Math.floor(now.getTime() / 1000)
  const time = `${seconds - BEFORE};${seconds + AFTER}`
  const parameters = encoded(query.map(({ name, value }) => [name, value] as const))
  const signed = encoded([...headers].map(([name, value]) => [name, utf8(value)] as const))
  const said = [method.toLowerCase(), percentDecode(path), textOf(parameters), textOf(signed), '']
  const hash = createHash('sha1').update(said.join('\n')).digest('hex')
  const text = ['sha1', time, hash, ''].join('\n')
  const signature = hmac(hmac(secretAccessKey.expose(), time), text)
  return [
    'q-sign-algorithm=sha1',
    `q-ak=${accessKeyId}`,
    `q-sign-time=${time}`,
    `q-key-time=${time}`,
    `q-header-list=${namesOf(signed)}`,
    `q-url-param-list=${namesOf(parameters)}`,
    `q-signature=${signature}`,
  ].join('&')
}
