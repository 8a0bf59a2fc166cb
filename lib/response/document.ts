import { Readable } from 'node:stream'
import type { Awaitable } from '../s3/awaitable.ts'
import type { BodyFilter } from '../s3/body.ts'
import { S3Error } from '../s3/error.ts'
import { type Headers, withHeaders, withoutHeaders } from '../s3/headers.ts'
import type { Operation } from '../s3/operation.ts'
import type { S3Response } from '../s3/response.ts'
import type { UpstreamAnswer } from '../transport/transport.ts'

/** Error documents are a few hundred bytes; what is larger is no S3 error, and not worth relaying. */
const ERROR_BYTES = 64 * 1024

/**
 * Reads a document whole; undefined when it is longer than `limit` bytes, the rest is then thrown away.
 */
export const readDocument = async (body: Readable, limit: number): Promise<Buffer | undefined> => {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of body) {
    length += chunk.length
    if (length > limit) return undefined
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

/** An answer with its error document read: what decides on retries and is scrubbed must be seen whole. */
export const settleErrors = (answer: UpstreamAnswer): Awaitable<S3Response> =>
  answer.status < 400 ? answer : withReadError(answer)

const withReadError = async (answer: UpstreamAnswer): Promise<S3Response> => ({
  ...answer,
  body: (await readDocument(answer.body, ERROR_BYTES)) ?? Buffer.alloc(0),
})

/** The text of an answer's document, when it has been read. */
export const documentText = ({ body }: S3Response): string =>
  Buffer.isBuffer(body) ? body.toString('utf8') : ''

/** Throws an answer's unread body away. */
export const discard = ({ body }: S3Response): void => {
  if (body !== undefined && !Buffer.isBuffer(body)) body.destroy()
}

/**
 * A request's headers, asking for an answer that can be read: only an object's own bytes pass as they are. MinIO
 * compresses listings for whoever takes gzip.
 */
export const askingUncompressed = (headers: Headers, { name }: Pick<Operation, 'name'>): Headers =>
  name === 'GetObject' || name === 'HeadObject' || !headers.has('accept-encoding')
    ? headers
    : withHeaders(headers, [['accept-encoding', 'identity']])

/** An answer with a document for a body. */
export const withDocument = (response: S3Response, document: Buffer): S3Response => ({
  ...response,
  headers: withHeaders(response.headers, [['content-length', String(document.length)]]),
  body: document,
})

async function* flow(body: Readable, filter: BodyFilter): AsyncGenerator<Buffer, void, void> {
  for await (const chunk of body) yield* filter.push(chunk)
  yield* filter.end()
}

// What comes compressed all the same cannot be read, and would not be rewritten.
const refuseCompressed = (response: S3Response): void => {
  const encoding = response.headers.get('content-encoding') ?? 'identity'
  if (encoding === 'identity') return
  discard(response)
  throw new S3Error('InternalError', `The storage provider sent a document as ${encoding}.`)
}

/** An answer whose body goes through a filter as it comes: its length is not known before. */
export const throughFilter = (response: S3Response, filter: BodyFilter | undefined): S3Response => {
  const { body } = response
  if (filter === undefined || body === undefined) return response
  refuseCompressed(response)
  return Buffer.isBuffer(body)
    ? withDocument(response, Buffer.concat([...filter.push(body), ...filter.end()]))
    : {
        ...response,
        headers: withoutHeaders(response.headers, name => name === 'content-length'),
        body: Readable.from(flow(body, filter), { objectMode: false }),
      }
}
