import { Readable } from 'node:stream'
import type { Headers } from './headers.ts'

/** An answer whose body is a stream, a small document, or nothing. */
export interface S3Response {
  readonly status: number
  readonly headers: Headers
  readonly body: Readable | Buffer | undefined
}

/** What a relayed body needs of a way to a client; every `Writable` has it. */
export interface Sink {
  /** Bytes that the kernel has not taken yet. */
  readonly writableLength: number
  readonly destroyed: boolean
  cork(): void
  uncork(): void
  write(bytes: Buffer, onWritten?: (fault: Error | null | undefined) => void): boolean
  end(bytes?: Buffer): unknown
  once(event: 'finish' | 'close', listener: () => void): unknown
  off(event: 'close', listener: () => void): unknown
}

/** A body that knows a shorter way to a client than as a stream: out of the buffers that it was read into. */
export abstract class RelayedBody extends Readable {
  /**
   * Writes the whole body to `sink`, only as fast as that takes it, and ends it.
   *
   * @throws what broke either of them; the sink is then left open, with a part of the body in it
   */
  abstract relayTo(sink: Sink): Promise<void>
}
