import { Relay, type Source } from '../../http1/relay.ts'
import type { SlabPool } from '../../http1/slab-pool.ts'
import { RelayedBody, type Sink } from '../../s3/response.ts'

/** Bytes that are kept of a body which is read as a stream, or not yet. */
const KEPT = 64 * 1024

/**
 * An answer's body on a raw connection.
 *
 * Read as a stream it copies, which documents can bear; `relayTo` moves it without.
 */
export class RawBody extends RelayedBody {
  readonly #source: Source
  readonly #slabs: SlabPool
  #relay: Relay | undefined
  #isComplete = false
  #hasRoom = true

  constructor(source: Source, slabs: SlabPool) {
    super({ highWaterMark: KEPT })
    this.#source = source
    this.#slabs = slabs
    // It may break while nobody has looked at it yet; whoever does will be told.
    this.on('error', () => undefined)
  }

  /** Where the connection shall read to; undefined when that is its own affair. */
  buffer(): Buffer | undefined {
    return this.#relay?.buffer()
  }

  receive(bytes: Buffer): void {
    if (this.#relay === undefined) this.#hasRoom = this.push(Buffer.from(bytes))
    else this.#relay.receive(bytes)
  }

  /** @returns whether there is room for another read */
  endOfRead(): boolean {
    return this.#relay === undefined ? this.#hasRoom : this.#relay.endOfRead()
  }

  finish(): void {
    this.#isComplete = true
    if (this.#relay === undefined) this.push(null)
    else this.#relay.finish()
  }

  override relayTo(sink: Sink): Promise<void> {
    return new Promise((resolve, reject) => {
      const fail = (cause: Error): void => {
        this.destroy(cause)
        reject(cause)
      }
      const onClose = (): void => fail(new Error('the client went away'))
      this.once('error', reject)
      sink.once('close', onClose)
      sink.once('finish', () => {
        sink.off('close', onClose)
        this.destroy()
        resolve()
      })
      if (this.destroyed) fail(this.errored ?? new Error('the body was thrown away'))
      else if (sink.destroyed) fail(new Error('the client went away'))
      else this.#begin(sink, fail)
    })
  }

  override _read(): void {
    this.#hasRoom = true
    this.#source.resume()
  }

  override _destroy(cause: Error | null, done: (cause?: Error | null) => void): void {
    this.#relay?.abandon()
    if (!this.#isComplete) this.#source.cancel(cause ?? new Error('the body was thrown away'))
    done(cause)
  }

  #begin(sink: Sink, onFault: (cause: Error) => void): void {
    const read: Buffer | null = this.read()
    if (this.#isComplete) {
      // Small objects come and go in one piece, together with the head.
      sink.end(read ?? undefined)
      return
    }
    this.#relay = new Relay(sink, this.#slabs, this.#source, onFault)
    if (read !== null) this.#relay.receive(read)
    if (read !== null && !this.#relay.endOfRead()) return
    this.#source.resume()
  }
}
