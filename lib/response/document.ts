import type { Readable } from 'node:stream'
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
export const settleErrors = async (answer: UpstreamAnswer): Promise<S3Response> =>
  answer.status < 400
    ? answer
    : { ...answer, body: (await readDocument(answer.body, ERROR_BYTES)) ?? Buffer.alloc(0) }

/** The text of an answer's document, when it has been read. */
export const documentText = ({ body }: S3Response): string =>
  Buffer.isBuffer(body) ? body.toString('utf8') : ''

/** Throws an answer's unread body away. */
export const discard = ({ body }: S3Response): void => {
  if (body !== undefined && !Buffer.isBuffer(body)) body.destroy()
}
