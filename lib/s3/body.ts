import { Readable } from 'node:stream'

/**
 * Looks at a body as it flows, and may change, hold back or refuse it.
 *
 * Bytes in, bytes out, no streams: the relay decides how bytes move. What `push` returns may share memory with
 * its argument. A filter throws `S3Error` before it lets go of the body's last byte, so that an upstream that
 * was promised `Content-Length` bytes never completes an object that failed a check.
 */
export interface BodyFilter {
  push(chunk: Buffer): readonly Buffer[]
  end(): readonly Buffer[]
}

/** `first`, then `second` on what it lets through. */
export const composeFilters = (
  first: BodyFilter | undefined,
  second: BodyFilter | undefined,
): BodyFilter | undefined => {
  if (first === undefined || second === undefined) return first ?? second
  return {
    push: chunk => first.push(chunk).flatMap(bytes => second.push(bytes)),
    end: () => [...first.end().flatMap(bytes => second.push(bytes)), ...second.end()],
  }
}

/** A trailing checksum: `value` may be called once the body has ended. */
export interface Trailer {
  /** Such as `x-amz-checksum-crc32`. */
  readonly name: string
  /** Base64 of the checksum. */
  readonly value: () => string
}

/** What authentication makes of a request's body. */
export interface Payload {
  /** Bytes of the body once decoded: what the object will have. */
  readonly length: number
  /** Whether the client did not say the length, so that `length` is not true and the body must be read whole first. */
  readonly isLengthUnsaid?: boolean
  /** What may stand in the upstream's `x-amz-content-sha256`: the client's hex hash, or `UNSIGNED-PAYLOAD`. */
  readonly hash: string
  /**
   * From wire bytes to verified object bytes; none when the bytes on the wire are the object's, unchecked.
   *
   * A body of no bytes has none to hold back, so its filter must have run to the end before anything is sent.
   */
  readonly filter: BodyFilter | undefined
  /** The checksum that the client sent behind the body, verified by `filter`. */
  readonly trailer: Trailer | undefined
}

/** Whoever takes a body's bytes out of the buffers that they are read into. */
export interface BodyReader {
  /** Where the next bytes shall be read to; undefined when there is no room. */
  buffer(): Buffer | undefined
  /** Takes a stretch of the body. Only what lies in what `buffer` gave stays as it is after the call. */
  receive(bytes: Buffer): void
  /** @returns whether there is room for another read */
  endOfRead(): boolean
  /** The body is complete. */
  end(): void
}

/** A client's body that can be had without a copy, in the buffers of whoever sends it on. */
export abstract class DirectBody extends Readable {
  /** Whether the connection delivers in records of TLS. */
  abstract readonly isTls: boolean
  /** Whether bytes that are still to come can be had without a copy. */
  abstract get isDirect(): boolean
  /** From now on `reader` gets what comes, and the stream nothing; undefined has the stream get it again. */
  abstract divert(reader: BodyReader | undefined): void
  /** Reads on, if reading was stopped. */
  abstract readOn(): void
}
