import { createHash } from 'node:crypto'
import type { Test } from 'tap'
import { sdkAuthorization } from './obs-sdk.ts'
import { UPSTREAM } from './proxy.ts'
import { type Answer, type Seen, startUpstream, type Upstream } from './upstream.ts'

const SSE = 'x-obs-server-side-encryption'
const CUSTOMER = `${SSE}-customer`
const SOURCE = 'x-obs-copy-source-server-side-encryption-customer'

interface Stored {
  readonly body: Buffer
  /** MD5 of the customer key that it is encrypted with. */
  readonly keyMd5: string | undefined
  /** The provider's own method that it is encrypted with. */
  readonly method: Readonly<Record<string, string>>
}

/** With the bucket, which the host names unless the request names none. */
const pathOf = ({ target, headers }: Seen): string => {
  const path = target.split('?')[0] ?? ''
  const hosted = /^(.+)\.127\.0\.0\.1/.exec(headers['host'] ?? '')?.[1]
  return hosted === undefined ? path : `/${hosted}${path}`
}
const queryOf = ({ target }: Seen): string => target.split('?')[1] ?? ''

const placeOf = (seen: Seen): string => `${pathOf(seen)}?${queryOf(seen)}`

/** What the vendor's own signer makes of the request that came. */
const expectedAuthorization = (seen: Seen): string => {
  const names: Readonly<Record<string, string>> = {
    'content-md5': 'Content-MD5',
    'content-type': 'Content-Type',
    date: 'Date',
  }
  const headers = Object.fromEntries(
    Object.entries(seen.headers).map(([name, value]) => [names[name] ?? name, value]),
  )
  const query = queryOf(seen).replace(/=(?=&|$)/g, '')
  const request = {
    method: seen.method,
    headers,
    uri: pathOf(seen),
    urlPath: query === '' ? '' : `?${query}`,
  }
  return sdkAuthorization('OBS', request, UPSTREAM.accessKeyId, UPSTREAM.secretAccessKey)
}

const refuse = (status: number, code: string, message = code): Answer => ({
  status,
  headers: { 'x-obs-error-code': code, 'x-obs-request-id': 'OBS1' },
  body: `<?xml version="1.0"?><Error><Code>${code}</Code><Message>${message}</Message></Error>`,
})

const md5Of = (key: string | undefined): string =>
  createHash('md5')
    .update(Buffer.from(key ?? '', 'base64'))
    .digest('base64')

const methodOf = ({ headers }: Seen): Record<string, string> =>
  Object.fromEntries(
    [SSE, `${SSE}-kms-key-id`, 'x-obs-server-side-data-encryption', 'x-obs-sse-kms-key-project-id']
      .filter(name => headers[name] !== undefined)
      .map(name => [name, headers[name] ?? '']),
  )

const customerEcho = (keyMd5: string | undefined): Record<string, string> =>
  keyMd5 === undefined
    ? {}
    : { [`${CUSTOMER}-algorithm`]: 'AES256', [`${CUSTOMER}-key-md5`]: keyMd5 }

const mixes = ({ headers }: Seen): boolean =>
  Object.keys(headers).some(name => /^(?:x-(?:amz|goog|bz|cos)|opc)-/.test(name))

const isTwoMethods = ({ headers }: Seen): boolean =>
  headers[SSE] !== undefined && headers[`${CUSTOMER}-key`] !== undefined

/** Objects as OBS keeps them: each says by which of the methods it is encrypted. */
class Objects {
  readonly #stored = new Map<string, Stored>()

  put(seen: Seen): Answer {
    const { headers } = seen
    const key = headers[`${CUSTOMER}-key`]
    if (key !== undefined && md5Of(key) !== headers[`${CUSTOMER}-key-md5`]) {
      return refuse(400, 'InvalidArgument')
    }
    const source = headers['x-obs-copy-source']
    const body = source === undefined ? seen.body : this.#source(source, headers)
    if (body === undefined) return refuse(403, 'AccessDenied')
    const stored = {
      body,
      keyMd5: key === undefined ? undefined : md5Of(key),
      method: methodOf(seen),
    }
    this.#stored.set(pathOf(seen), stored)
    return {
      headers: {
        etag: '"0f91242c7f3d86f98ae572a686d0696e"',
        'x-obs-request-id': '8DF400000163D45E0017055619BD02B8',
        'x-obs-id-2': '32AAAUgAIAABAAAQ',
        ...customerEcho(stored.keyMd5),
        ...stored.method,
      },
      body:
        source === undefined
          ? ''
          : '<CopyObjectResult><ETag>"0f91242c7f3d86f98ae572a686d0696e"</ETag></CopyObjectResult>',
    }
  }

  get(seen: Seen): Answer {
    const stored = this.#stored.get(pathOf(seen))
    if (stored === undefined) return refuse(404, 'NoSuchKey')
    const given = seen.headers[`${CUSTOMER}-key-md5`]
    if (stored.keyMd5 !== undefined && given === undefined) {
      return refuse(400, 'InvalidRequest', 'The object was stored using a form of SSE-C.')
    }
    if (stored.keyMd5 !== given) return refuse(403, 'AccessDenied')
    return {
      headers: { 'x-obs-storage-class': 'WARM', ...customerEcho(stored.keyMd5), ...stored.method },
      body: stored.body,
    }
  }

  remove(seen: Seen): Answer {
    this.#stored.delete(pathOf(seen))
    return { status: 204 }
  }

  /** What is stored, by path and bucket. */
  at(path: string): Stored | undefined {
    return this.#stored.get(path)
  }

  #source(source: string, headers: Readonly<Record<string, string>>): Buffer | undefined {
    const found = this.#stored.get(`/${decodeURIComponent(source).replace(/^\//, '')}`)
    return found?.keyMd5 === headers[`${SOURCE}-key-md5`] ? found?.body : undefined
  }
}

export interface ObsUpstream extends Upstream {
  readonly objects: Objects
  /** Documents that were written, by target. */
  readonly documents: Map<string, string>
}

/**
 * An OBS of the tests: it recomputes each signature with the signer of the vendor's own SDK,
 * and refuses what OBS's pages forbid.
 */
export const startObsUpstream = async (t: Test): Promise<ObsUpstream> => {
  const objects = new Objects()
  const documents = new Map<string, string>()
  const document = (seen: Seen): Answer => {
    if (seen.method === 'PUT') documents.set(placeOf(seen), seen.body.toString())
    if (seen.method === 'DELETE') documents.delete(placeOf(seen))
    const body = documents.get(placeOf(seen))
    if (seen.method === 'GET' && body === undefined) return refuse(404, 'NoSuchConfiguration')
    return { status: seen.method === 'DELETE' ? 204 : 200, body: body ?? '' }
  }
  const answer = (seen: Seen): Answer => {
    if (queryOf(seen) !== '' || /^\/[^/]*\/?$/.test(pathOf(seen))) return document(seen)
    if (seen.method === 'PUT') return objects.put(seen)
    return seen.method === 'DELETE' ? objects.remove(seen) : objects.get(seen)
  }
  const upstream = await startUpstream(t, seen => {
    if (seen.headers['authorization'] !== expectedAuthorization(seen)) {
      return refuse(403, 'SignatureDoesNotMatch')
    }
    return mixes(seen) || isTwoMethods(seen) ? refuse(400, 'InvalidArgument') : answer(seen)
  })
  return Object.assign(Object.create(upstream) as Upstream, { objects, documents })
}
