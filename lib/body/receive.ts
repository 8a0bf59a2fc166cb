import type { Readable } from 'node:stream'
import type { Awaitable } from '../s3/awaitable.ts'
import type { Payload } from '../s3/body.ts'
import { S3Error } from '../s3/error.ts'
import { filtered } from './filter.ts'

/** What will be sent upstream as a body. */
export type Body =
  | { readonly kind: 'none' }
  /** Read whole and verified; can be sent again. */
  | { readonly kind: 'bytes'; readonly bytes: Buffer; readonly trailer: Payload['trailer'] }
  /** Verified as it flows; can be sent once. */
  | { readonly kind: 'stream'; readonly wire: Readable; readonly payload: Payload }

export const NO_BODY: Body = { kind: 'none' }

/**
 * Decides how a body travels: a document is read whole (up to `documentBytes`), an object streams.
 *
 * An empty object is read here, too: it has no last byte to hold back while its checksums are verified.
 *
 * So is one whose length the client did not say, for a provider has to be told it first.
 *
 * @throws {S3Error} `MaxMessageLengthExceeded`, `MissingContentLength`, and whatever the payload's filter finds wrong
 */
export const receiveBody = (
  wire: Readable,
  payload: Payload | undefined,
  isDocument: boolean,
  documentBytes: number,
): Awaitable<Body> => {
  if (payload === undefined) return NO_BODY
  if (!payload.isLengthUnsaid && !isDocument && payload.length > 0) {
    return { kind: 'stream', wire, payload }
  }
  return readWhole(wire, payload, documentBytes)
}

const readWhole = async (
  wire: Readable,
  payload: Payload,
  documentBytes: number,
): Promise<Body> => {
  if (payload.isLengthUnsaid) {
    return {
      kind: 'bytes',
      bytes: await readUnsaid(wire, payload, documentBytes),
      trailer: undefined,
    }
  }
  if (payload.length > documentBytes) throw new S3Error('MaxMessageLengthExceeded')
  return { kind: 'bytes', bytes: await collect(wire, payload), trailer: payload.trailer }
}

const readUnsaid = async (wire: Readable, payload: Payload, limit: number): Promise<Buffer> => {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of filtered(wire, payload.filter)) {
    length += chunk.length
    if (length > limit) {
      throw new S3Error(
        'MissingContentLength',
        `A body of more than ${limit} bytes (limits.documentBytes) must come with a Content-Length here. Give the client its length, or upload it in parts.`,
      )
    }
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

const collect = async (wire: Readable, payload: Payload): Promise<Buffer> => {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of filtered(wire, payload.filter)) {
    length += chunk.length
    if (length > payload.length) throw new S3Error('IncompleteBody')
    chunks.push(chunk)
  }
  if (length < payload.length) throw new S3Error('IncompleteBody')
  return Buffer.concat(chunks)
}
