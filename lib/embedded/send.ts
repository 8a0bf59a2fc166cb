import type { ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { finished, pipeline } from 'node:stream/promises'
import { type Headers, rawFromHeaders, withHeaders, withoutHeaders } from '../s3/headers.ts'
import type { Answer } from './misbehave.ts'
import type { EmbeddedRequest } from './request.ts'

const SERVER = 'ssec-proxy-embedded'

/** Sends an answer, and does to the connection what it says. */
export const send = async (
  response: ServerResponse,
  answer: Answer,
  { id, method }: Pick<EmbeddedRequest, 'id' | 'method'>,
): Promise<void> => {
  const { ending, status } = answer
  const { socket } = response
  if (ending.kind !== 'destroy') response.writeHead(status, rawFromHeaders(headersOf(answer, id)))
  switch (ending.kind) {
    case 'keep':
      return sendBody(response, answer, method)
    case 'close':
      await sendBody(response, answer, method)
      socket?.end()
      return
    case 'cut':
      return sendAndCut(response, answer, ending.bytes)
    case 'destroy':
      response.destroy()
  }
}

const headersOf = ({ status, headers, body }: Answer, id: string): Headers => {
  const hasNoBody = status === 204 || status === 304
  const length =
    headers.get('content-length') ?? (body === undefined && !hasNoBody ? '0' : undefined)
  const named = withHeaders(headers, [
    ['server', SERVER],
    ['x-amz-request-id', id],
  ])
  return length === undefined ? named : withLengthLast(named, length)
}

// node:http takes a Content-Disposition behind a Content-Length for UTF-8, and spoils its bytes
// (lib/_http_outgoing.js, processHeader: https://github.com/nodejs/node/pull/46528).
const withLengthLast = (headers: Headers, length: string): Headers =>
  withHeaders(
    withoutHeaders(headers, name => name === 'content-length'),
    [['content-length', length]],
  )

const sendBody = async (
  response: ServerResponse,
  { body }: Answer,
  method: string,
): Promise<void> => {
  if (body instanceof Readable) return pipeline(body, response)
  response.end(method === 'HEAD' ? undefined : body)
  return finished(response)
}

const sendAndCut = async (
  response: ServerResponse,
  { body }: Answer,
  bytes: number,
): Promise<void> => {
  response.flushHeaders()
  let left = bytes
  for await (const chunk of chunksOf(body)) {
    const part = chunk.subarray(0, left)
    left -= part.length
    await new Promise<void>(resolve => response.write(part, () => resolve()))
    if (left === 0) break
  }
  response.destroy()
}

const chunksOf = (body: Answer['body']): AsyncIterable<Buffer> => {
  if (body instanceof Readable) return body
  return Readable.from(body === undefined ? [] : [body])
}
