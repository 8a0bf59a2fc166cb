import type { Readable } from 'node:stream'
import { S3Error } from '../s3/error.ts'
import { type Headers, headersFromRaw } from '../s3/headers.ts'
import type { Journal } from '../s3/journal.ts'
import { CALLS, type CallName } from './calls.ts'
import { refuseCall } from './error.ts'
import { decodeB2 } from './file-name.ts'

/** One part of a query: decoded for us, raw for the provider. */
export interface B2Parameter {
  readonly name: string
  readonly value: string
  readonly raw: string
}

/** A request as received: nothing of it is believed yet. */
export interface B2Request {
  readonly call: CallName
  readonly method: string
  /** Such as `v4`; empty for a download by name. */
  readonly version: string
  /** What stands in the path behind the call: an upload URL's seal, or bucket and file name as received. */
  readonly rest: string
  readonly query: readonly B2Parameter[]
  readonly headers: Headers
  /** The URL that the client reached the proxy by: what provider's URLs are replaced by. */
  readonly base: string
  readonly wire: Readable
  /** Answers `Expect: 100-continue`; to be called once the request may send its body. */
  readonly proceed: () => void
  readonly journal: Journal
}

const CALL_PATH = /^\/b2api\/(v[1-4])\/(b2_[a-z0-9_]+)(?:\/(.*))?$/
const FILE_PATH = /^\/file\/(.*)$/

/** Names that an application key of the provider's could be had by, to go around the proxy with. */
const KEY_CALLS: ReadonlySet<string> = new Set(['b2_create_key', 'b2_delete_key', 'b2_list_keys'])

const isCallName = (name: string): name is CallName =>
  name === 'b2_authorize_account' || CALLS.has(name)

const callNamed = (name: string): CallName => {
  if (KEY_CALLS.has(name)) {
    throw refuseCall(
      name,
      "a key of the provider's would lead around it. Its configuration has the clients.",
    )
  }
  // By name these two are reached under their own paths alone.
  if (name === 'b2_download_file_by_name' || !isCallName(name)) {
    throw refuseCall(name, 'it is unknown here.')
  }
  return name
}

const parameterOf = (raw: string): B2Parameter => {
  const at = raw.indexOf('=')
  return at < 0
    ? { name: decodeB2(raw), value: '', raw }
    : { name: decodeB2(raw.slice(0, at)), value: decodeB2(raw.slice(at + 1)), raw }
}

const parseQuery = (raw: string): readonly B2Parameter[] => {
  const query = raw
    .split('&')
    .filter(part => part !== '')
    .map(parameterOf)
  const names = query.map(({ name }) => name)
  if (new Set(names).size < names.length) {
    throw new S3Error('InvalidRequest', 'A query parameter stands twice.')
  }
  return query
}

const parsePath = (path: string): Pick<B2Request, 'call' | 'version' | 'rest'> => {
  const file = FILE_PATH.exec(path)?.[1]
  if (file !== undefined) return { call: 'b2_download_file_by_name', version: '', rest: file }
  const [, version, name, rest = ''] = CALL_PATH.exec(path) ?? []
  if (version === undefined || name === undefined) {
    throw new S3Error('InvalidURI', 'This is a listener for B2 native clients: no such path.')
  }
  return { call: callNamed(name), version, rest }
}

/** A request as it came on the wire. */
export interface B2Received {
  readonly method: string
  /** The request target as received. */
  readonly target: string
  readonly rawHeaders: readonly string[]
  readonly wire: Readable
}

export interface B2Receiving {
  readonly journal: Journal
  readonly proceed: () => void
  /** Whether the listener speaks https. */
  readonly tls: boolean
  /** The URL that clients reach the listener by, when that is not what they say themselves. */
  readonly url: string | undefined
}

const baseOf = (headers: Headers, { tls, url }: B2Receiving): string => {
  const host = headers.get('host') ?? ''
  if (url !== undefined) return url
  if (!/^[A-Za-z0-9.:[\]_-]+$/.test(host))
    throw new S3Error('InvalidRequest', 'The Host header is missing or malformed.')
  return `${tls ? 'https' : 'http'}://${host}`
}

const METHODS: Partial<Readonly<Record<CallName, readonly string[]>>> = {
  b2_download_file_by_id: ['GET', 'HEAD', 'POST'],
  b2_download_file_by_name: ['GET', 'HEAD'],
  b2_upload_file: ['POST'],
  b2_upload_part: ['POST'],
}

/**
 * Reads a request's head.
 *
 * @throws {S3Error} `InvalidURI`, `InvalidRequest`, `NotImplemented`, `MethodNotAllowed`
 */
export const receiveB2 = (received: B2Received, receiving: B2Receiving): B2Request => {
  const { method } = received
  const [path = '', ...query] = received.target.split('?')
  const parsed = parsePath(path)
  receiving.journal.note({ operation: parsed.call })
  if (!(METHODS[parsed.call] ?? ['GET', 'POST']).includes(method))
    throw new S3Error('MethodNotAllowed')
  const headers = headersFromRaw(received.rawHeaders)
  return {
    ...parsed,
    method,
    query: parseQuery(query.join('?')),
    headers,
    base: baseOf(headers, receiving),
    wire: received.wire,
    proceed: receiving.proceed,
    journal: receiving.journal,
  }
}
