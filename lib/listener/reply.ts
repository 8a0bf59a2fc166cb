import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Readable } from 'node:stream'
import { finished, pipeline } from 'node:stream/promises'
import { toClientDialect } from '../dialect/client-dialect.ts'
import { type ClientDialect, dialectOf } from '../s3/dialect.ts'
import { S3Error } from '../s3/error.ts'
import {
  type Headers,
  headersFromRaw,
  rawFromHeaders,
  withHeaders,
  withoutHeaders,
} from '../s3/headers.ts'
import type { Journal } from '../s3/journal.ts'
import { RelayedBody, type S3Response } from '../s3/response.ts'
import { errorXml } from '../s3/xml.ts'

/** One request and its answer, as node:http has them. */
export interface HttpExchange {
  readonly id: string
  readonly message: IncomingMessage
  readonly response: ServerResponse
  readonly journal: Journal
  /** Whether the client was told to send its body, or did so unasked. */
  readonly isBodyAsked: () => boolean
  /** Whether the listener takes no more requests. */
  readonly isClosing: () => boolean
}

const hasBody = ({ headers }: IncomingMessage): boolean =>
  headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0

/** Whether the client still sends, or might: then the connection cannot be used again. */
const hasUnreadBody = ({ message }: HttpExchange): boolean => !message.complete && hasBody(message)

/** Whether the connection takes no further request. */
const isLast = (exchange: HttpExchange): boolean => exchange.isClosing() || hasUnreadBody(exchange)

// Behind a Content-Length node:http would take a Content-Disposition for text, and break its UTF-8 octets:
// https://github.com/nodejs/node/issues/46528
const lengthLast = (headers: Headers): Headers => {
  const length = headers.get('content-length')
  if (length === undefined || !headers.has('content-disposition')) return headers
  const others = withoutHeaders(headers, name => name === 'content-length')
  return withHeaders(others, [['content-length', length]])
}

const headFor = (exchange: HttpExchange, headers: Headers): string[] =>
  rawFromHeaders(
    lengthLast(isLast(exchange) ? withHeaders(headers, [['connection', 'close']]) : headers),
  )

const relay = (body: Readable, response: ServerResponse): Promise<void> =>
  body instanceof RelayedBody ? body.relayTo(response) : pipeline(body, response)

/** Sends an answer; its body flows only as fast as the client reads. */
export const reply = async (exchange: HttpExchange, answer: S3Response): Promise<void> => {
  const { response } = exchange
  exchange.journal.note({ status: answer.status })
  response.writeHead(answer.status, headFor(exchange, answer.headers))
  if (answer.body !== undefined && !Buffer.isBuffer(answer.body)) {
    await relay(answer.body, response)
    return
  }
  const body = exchange.message.method === 'HEAD' ? undefined : answer.body
  if (hasUnreadBody(exchange) && exchange.isBodyAsked()) {
    if (body !== undefined) response.write(body)
    await linger(exchange.message)
    response.end()
  } else response.end(body)
  await finished(response)
}

/**
 * The single catch of the journey. Before the answer's head has gone, the client gets an error document; after it,
 * both connections are cut, so that a part of a body is never taken for the whole.
 *
 * @param onFault told of what is not the client's fault
 */
export const replyError = async (
  error: unknown,
  exchange: HttpExchange,
  onFault: (fault: unknown) => void,
  refuse: Refuse = refuseS3,
): Promise<void> => {
  const { response, message, journal } = exchange
  const isGone = message.socket.destroyed
  const known = toS3Error(error)
  if (!isGone) journal.note({ error: known.code, reason: known.message })
  if (!isGone && known.status >= 500) onFault(known.cause ?? known)
  if (isGone || response.headersSent) {
    journal.note({ aborted: true })
    message.socket.destroy()
    return
  }
  await reply(exchange, refuse(known, exchange))
}

// Also of a request that could not be read.
const dialectIn = ({ rawHeaders, url = '' }: IncomingMessage): ClientDialect =>
  dialectOf(headersFromRaw(rawHeaders), url.slice(url.indexOf('?') + 1))

const toS3Error = (error: unknown): S3Error =>
  error instanceof S3Error ? error : new S3Error('InternalError', undefined, { cause: error })

/** What a client is told of an error, in the words of the API that it speaks. */
export type Refuse = (error: S3Error, exchange: HttpExchange) => S3Response

const refuseS3: Refuse = (error, exchange) =>
  toClientDialect(dialectIn(exchange.message), 'service', new Map(), errorDocument(error, exchange))

const errorDocument: Refuse = (error, { id, message }) => {
  const [resource = ''] = (message.url ?? '').split('?')
  const { code, message: text, details } = error
  const document = Buffer.from(errorXml({ code, message: text, details, resource, requestId: id }))
  return {
    status: error.status,
    headers: new Map([
      ['content-type', 'application/xml'],
      ['content-length', String(document.length)],
      ['x-amz-request-id', id],
    ]),
    body: document,
  }
}

/** As much as a part of a usual SDK, and then some: what is sent blindly must be taken before the answer is read. */
const LINGER_BYTES = 32 * 1024 * 1024
const LINGER_MS = 5000

/**
 * Reads on a little after an answer, before the connection is closed: closing with bytes unread makes the kernel send a
 * reset, and the client may lose the answer that it was just about to read.
 */
const linger = async (message: IncomingMessage): Promise<void> => {
  const timer = setTimeout(() => message.destroy(), LINGER_MS)
  let read = 0
  try {
    for await (const chunk of message.iterator({ destroyOnReturn: false })) {
      read += chunk.length
      if (read > LINGER_BYTES) return
    }
  } catch {
    // The client hung up instead of reading on: then there is nobody to wait for.
  } finally {
    clearTimeout(timer)
  }
}
