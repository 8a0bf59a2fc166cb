import { createHash, createHmac, type Hash, type Hmac } from 'node:crypto'
import { HttpRequest } from '@smithy/protocol-http'
import { SignatureV4 } from '@smithy/signature-v4'
import fc from 'fast-check'
import t from 'tap'
import { createAuthenticate } from '../../lib/authenticate/authenticate.ts'
import { S3Error } from '../../lib/s3/error.ts'
import { createSigningKeys } from '../../lib/sigv4/signature.ts'
import { EXAMPLE_KEY, requestOf, runFilter, signingClient, type WireRequest } from './fixtures.ts'
import { NOW } from './signing.ts'

// What AWS's own signer signs must verify: it is the oracle that shares no code with lib/sigv4.

class Sha256 {
  readonly #hash: Hash | Hmac
  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    this.#hash = secret === undefined ? createHash('sha256') : createHmac('sha256', keyOf(secret))
  }
  update(data: Uint8Array | string): void {
    this.#hash.update(data)
  }
  async digest(): Promise<Uint8Array> {
    return this.#hash.digest()
  }
  reset(): void {
    throw new Error('a hash is used once')
  }
}
const keyOf = (secret: string | ArrayBuffer | ArrayBufferView): string | Uint8Array => {
  if (typeof secret === 'string') return secret
  return ArrayBuffer.isView(secret)
    ? new Uint8Array(secret.buffer, secret.byteOffset, secret.byteLength)
    : new Uint8Array(secret)
}

const signer = new SignatureV4({
  credentials: EXAMPLE_KEY,
  region: 'eu-central-1',
  service: 's3',
  sha256: Sha256,
  uriEscapePath: false,
})
const authenticate = createAuthenticate(
  [signingClient('example', EXAMPLE_KEY)],
  createSigningKeys(),
)

/** What a client wants to say, before it is encoded and signed. */
interface Saying {
  readonly method: string
  readonly body: string
  readonly path: string
  readonly query: Readonly<Record<string, string>>
  readonly headers: Readonly<Record<string, string>>
  readonly plus: Plus
}

/** How the client writes `+` and space in its query: escaped, `+` for itself, or `+` for a space. */
type Plus = 'none' | 'plus' | 'space'

const percentEncode = (text: string, kept: RegExp): string =>
  [...Buffer.from(text)]
    .map(byte => {
      const character = String.fromCharCode(byte)
      return kept.test(character)
        ? character
        : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`
    })
    .join('')
const UNRESERVED = /[A-Za-z0-9\-._~]/
// What RFC 3986 lets stand in a path, and many clients leave there.
const IN_PATH = /[A-Za-z0-9\-._~!$&'()*+,;=:@]/

const escapeParameter = (text: string, plus: Plus): string => {
  const escaped = percentEncode(text, UNRESERVED)
  if (plus === 'plus') return escaped.replaceAll('%2B', '+')
  return plus === 'space' ? escaped.replaceAll('%20', '+') : escaped
}

const text = fc.oneof(
  fc.string({ unit: fc.constantFrom(...'aZ09-._~+ %&=/?!*\'()$,:@"<>') }),
  fc.string({ unit: 'grapheme' }),
)
// Smithy takes every Unicode space of a header for the ASCII one; its bytes on the wire are not.
const headerValue = text.map(value => value.replace(/[^\S ]/g, ' '))

const segment = fc.oneof(
  { weight: 1, arbitrary: fc.constantFrom('', '.', '..') },
  { weight: 3, arbitrary: text },
)
const path = fc
  .tuple(fc.array(segment, { minLength: 1, maxLength: 4 }), fc.constantFrom(UNRESERVED, IN_PATH))
  .map(
    ([segments, kept]) => `/bucket/${segments.map(each => percentEncode(each, kept)).join('/')}x`,
  )

const record = (names: readonly string[], value: fc.Arbitrary<string>) =>
  fc.dictionary(fc.constantFrom(...names), value, { maxKeys: names.length })

const headers = record(
  ['x-amz-meta-a', 'X-Amz-Meta-B', 'x-amz-acl', 'Content-Type', 'range', 'x-other'],
  headerValue,
)
const plus = fc.constantFrom<Plus>('none', 'plus', 'space')
const sayings: fc.Arbitrary<Saying> = fc.oneof(
  fc.record({
    method: fc.constantFrom('GET', 'HEAD', 'DELETE'),
    body: fc.constant(''),
    path,
    query: record(['versionId', 'response-content-disposition', 'x-custom'], text),
    headers,
    plus,
  }),
  fc.record({
    method: fc.constant('GET'),
    body: fc.constant(''),
    path: fc.constantFrom('/bucket', '/bucket/'),
    query: record(['prefix', 'delimiter', 'marker', 'max-keys'], text),
    headers,
    plus,
  }),
  fc.record({
    method: fc.constant('PUT'),
    body: text,
    path,
    query: record(['versionId', 'x-id'], text),
    headers,
    plus,
  }),
)

const HOST = 'localhost:9000'

const unsignedRequest = ({ method, path, query, headers, body }: Saying, more: object) =>
  new HttpRequest({
    method,
    hostname: 'localhost',
    path,
    query: { ...query },
    headers: {
      host: HOST,
      'content-length': String(Buffer.byteLength(body)),
      ...headers,
      ...more,
    },
    body,
  })

const toWire = (
  { method, path, query, headers }: Pick<HttpRequest, 'method' | 'path' | 'query' | 'headers'>,
  plus: Plus,
): WireRequest => {
  const parameters = Object.entries(query).map(([name, value]) =>
    [name, String(value)].map(each => escapeParameter(each, plus)).join('='),
  )
  return {
    method,
    target: parameters.length === 0 ? path : `${path}?${parameters.join('&')}`,
    rawHeaders: Object.entries(headers).flatMap(([name, value]) => [name, binary(value)]),
  }
}

const binary = (value: string): string => Buffer.from(value).toString('latin1')

const signInHeader = async (saying: Saying): Promise<WireRequest> => {
  const signed = await signer.sign(unsignedRequest(saying, {}), { signingDate: NOW })
  return toWire({ ...signed, query: signed.query ?? {} }, saying.plus)
}

const presign = async (saying: Saying, hoistsAcl: boolean): Promise<WireRequest> => {
  const signed = await signer.presign(
    unsignedRequest(saying, { 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD' }),
    {
      signingDate: NOW,
      expiresIn: 600,
      ...(hoistsAcl ? {} : { unhoistableHeaders: new Set(['x-amz-acl']) }),
    },
  )
  return toWire({ ...signed, query: signed.query ?? {} }, saying.plus)
}

const understands = (wire: WireRequest, saying: Saying): boolean => {
  const { client, query, headers, payload } = authenticate(requestOf(wire), NOW)
  const body = Buffer.from(saying.body)
  const { released, code } = payload?.filter
    ? runFilter(payload.filter, [body])
    : { released: body, code: undefined }
  return (
    client.name === 'example' &&
    code === undefined &&
    released.equals(body) &&
    query.every(({ name, value }) => saying.query[name] === value) &&
    query.length === Object.keys(saying.query).length &&
    Object.entries(saying.headers).every(
      ([name, value]) => headers.get(name.toLowerCase()) === binary(value),
    )
  )
}

t.test('what AWS signs in the header verifies, and says what the client said', async t => {
  const property = fc.asyncProperty(sayings, async saying =>
    understands(await signInHeader(saying), saying),
  )
  await fc.assert(property, { numRuns: 3000 })
  t.pass()
})

t.test('what AWS presigns verifies, and says what the client said', async t => {
  const property = fc.asyncProperty(sayings, fc.boolean(), async (saying, hoistsAcl) =>
    understands(await presign(saying, hoistsAcl), saying),
  )
  await fc.assert(property, { numRuns: 3000 })
  t.pass()
})

const flip = (value: string, at: number): string => {
  const place = at % value.length
  const other = String.fromCharCode(value.charCodeAt(place) ^ 1)
  return value.slice(0, place) + other + value.slice(place + 1)
}

// Smithy leaves these unsigned; the others of the sayings are all signed.
const isSigned = (name: string): boolean => !/^(authorization|x-amz-date)$/i.test(name)

const tampered = (wire: WireRequest, pick: number, at: number): WireRequest => {
  const places = wire.rawHeaders.flatMap((name, i) =>
    i % 2 === 0 && isSigned(name) && wire.rawHeaders[i + 1] !== '' ? [i + 1] : [],
  )
  const place = [-1, ...places][pick % (places.length + 1)] ?? -1
  if (place < 0) return { ...wire, target: flip(wire.target, at) }
  return {
    ...wire,
    rawHeaders: wire.rawHeaders.map((value, i) => (i === place ? flip(value, at) : value)),
  }
}

const isRefused = (wire: WireRequest): boolean => {
  try {
    authenticate(requestOf(wire), NOW)
    return false
  } catch (error) {
    return error instanceof S3Error
  }
}

t.test('what AWS signed is refused with any one signed byte changed', async t => {
  const property = fc.asyncProperty(
    sayings,
    fc.boolean(),
    fc.nat(),
    fc.nat(),
    async (saying, inHeader, pick, at) => {
      const wire = await (inHeader ? signInHeader(saying) : presign(saying, true))
      return isRefused(tampered(wire, pick, at))
    },
  )
  await fc.assert(property, { numRuns: 4000 })
  t.pass()
})
