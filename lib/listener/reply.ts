import type { Readable } from 'node:stream'
import { toClientDialect } from '../dialect/client-dialect.ts'
import { type ClientDialect, dialectOf } from '../s3/dialect.ts'
import { S3Error } from '../s3/error.ts'
import { type Headers, headersFromRaw, rawFromHeaders, withHeaders } from '../s3/headers.ts'
import type { Journal } from '../s3/journal.ts'
import type { S3Response } from '../s3/response.ts'
import { errorXml } from '../s3/xml.ts'
import type { IncomingRequest, OutgoingAnswer } from './front.ts'

/** One request and its answer, as they are under way. */
export interface HttpExchange {
  readonly id: string
  readonly request: IncomingRequest
  readonly answer: OutgoingAnswer
  readonly journal: Journal
  /** Whether the client was told to send its body, or did so unasked. */
  readonly isBodyAsked: () => boolean
  /** Whether the listener takes no more requests. */
  readonly isClosing: () => boolean
}

/** Whether the client still sends, or might: then the connection cannot be used again. */
const hasUnreadBody = ({ request }: HttpExchange): boolean => !request.isComplete

/** Whether the connection takes no further request. */
const isLast = (exchange: HttpExchange): boolean => exchange.isClosing() || hasUnreadBody(exchange)

const headFor = (exchange: HttpExchange, headers: Headers): string[] =>
  rawFromHeaders(isLast(exchange) ? withHeaders(headers, [['connection', 'close']]) : headers)

/** Sends an answer; its body flows only as fast as the client reads. */
export const reply = async (exchange: HttpExchange, said: S3Response): Promise<void> => {
  const { answer, request } = exchange
  exchange.journal.note({ status: said.status })
  answer.begin(said.status, headFor(exchange, said.headers))
  if (said.body !== undefined && !Buffer.isBuffer(said.body)) {
    await answer.relay(said.body)
    return
  }
  const body = request.method === 'HEAD' ? undefined : said.body
  if (hasUnreadBody(exchange) && exchange.isBodyAsked()) {
    if (body !== undefined) answer.write(body)
    await linger(request.wire)
    await answer.end(undefined)
  } else await answer.end(body)
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
  const { answer, request, journal } = exchange
  const isGone = request.socket.destroyed
  const known = toS3Error(error)
  if (!isGone) journal.note({ error: known.code, reason: known.message })
  if (!isGone && known.status >= 500) onFault(known.cause ?? known)
  if (isGone || answer.isBegun) {
    journal.note({ aborted: true })
    request.socket.destroy()
    return
  }
  await reply(exchange, refuse(known, exchange))
}

// Also of a request that could not be read.
const dialectIn = ({ rawHeaders, target }: IncomingRequest): ClientDialect =>
  dialectOf(headersFromRaw(rawHeaders), target.slice(target.indexOf('?') + 1))

const toS3Error = (error: unknown): S3Error =>
  error instanceof S3Error ? error : new S3Error('InternalError', undefined, { cause: error })

/** What a client is told of an error, in the words of the API that it speaks. */
export type Refuse = (error: S3Error, exchange: HttpExchange) => S3Response

const refuseS3: Refuse = (error, exchange) =>
  toClientDialect(dialectIn(exchange.request), 'service', new Map(), errorDocument(error, exchange))

const errorDocument: Refuse = (error, { id, request }) => {
  const [resource = ''] = request.target.split('?')
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
const linger = async (wire: Readable): Promise<void> => {
  const timer = setTimeout(() => wire.destroy(), LINGER_MS)
  let read = 0
  try {
    for await (const chunk of wire.iterator({ destroyOnReturn: false })) {
      read += chunk.length
      if (read > LINGER_BYTES) return
    }
  } catch {
    // The client hung up instead of reading on: then there is nobody to wait for.
  } finally {
    clearTimeout(timer)
  }
}
