import type { IncomingMessage } from 'node:http'
import { isIPv4 } from 'node:net'
import type { Readable } from 'node:stream'
import { type Address, parseAddress } from '../s3/address.ts'
import { S3Error } from '../s3/error.ts'
import { type Headers, headersFromRaw } from '../s3/headers.ts'
import { type Operation, recognise } from '../s3/operation.ts'
import { parseQuery, type Query } from '../s3/query.ts'
import { UpstreamError } from './error.ts'

/** A request's place among those of its connection, and its way back. */
export interface Exchange {
  readonly id: string
  /** From 1. */
  readonly turn: number
  /** Answers `Expect: 100-continue`; to be called before the body is read. */
  readonly proceed: () => void
  /** Aborted once the client has gone. */
  readonly gone: AbortSignal
}

export interface EmbeddedRequest extends Exchange {
  readonly method: string
  /** The request target up to `?`. */
  readonly rawPath: string
  readonly address: Address
  readonly query: Query
  readonly headers: Headers
  readonly operation: Operation
  /** The bytes after the head, unread. */
  readonly wire: Readable
}

const MAX_KEY_BYTES = 1024

/**
 * Reads a request's head. Its signature is not looked at: whoever reaches the loopback interface may do all.
 *
 * @throws {Refusal} when it is no S3 request
 */
export const receive = (message: IncomingMessage, exchange: Exchange): EmbeddedRequest => {
  const { method = '', url = '' } = message
  const query = parseQuery(rawQueryOf(url))
  const headers = withHoisted(headersFromRaw(message.rawHeaders), query)
  checkHost(headers.get('host') ?? '')
  const rawPath = rawPathOf(url)
  const address = parseAddress('', rawPath, [])
  checkKeyLength(address)
  const operation = recognise(method, address, query, headers)
  return { ...exchange, method, rawPath, address, query, headers, operation, wire: message }
}

/** The request target up to `?`. */
export const rawPathOf = (url: string): string => url.split('?', 1)[0] ?? ''

const rawQueryOf = (url: string): string => url.slice(rawPathOf(url).length + 1)

/** Presigners hoist `x-amz-*` headers into the query, and S3 reads them there. */
const withHoisted = (headers: Headers, query: Query): Headers => {
  const hoisted = query
    .filter(({ name }) => /^x-amz-/i.test(name))
    .map(({ name, value }) => [name.toLowerCase(), Buffer.from(value).toString('latin1')] as const)
  return new Map([...hoisted, ...headers])
}

/**
 * A web page whose name was made to resolve to this machine reaches the loopback interface, too, and nothing here asks
 * for a signature; but its requests bear its name.
 */
const checkHost = (host: string): void => {
  const name = host.replace(/:\d+$/, '')
  if (!isLoopback(name.replace(/^\[|\]$/g, ''))) {
    throw new S3Error('AccessDenied', 'The embedded upstream answers to loopback names only.')
  }
}

/** Whether a host name or address is the machine itself. */
export const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || (isIPv4(host) && host.startsWith('127.'))

const checkKeyLength = (address: Address): void => {
  if (address.level !== 'object') return
  const size = Buffer.byteLength(address.objectKey)
  if (size <= MAX_KEY_BYTES) return
  throw new UpstreamError('KeyTooLongError', {
    Size: String(size),
    MaxSizeAllowed: String(MAX_KEY_BYTES),
  })
}
