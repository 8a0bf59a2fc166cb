import type { Socket } from 'node:net'
import { Relay, type RelaySink } from '../../http1/relay.ts'
import type { SlabPool } from '../../http1/slab-pool.ts'
import { type BodyReader, DirectBody } from '../../s3/body.ts'
import { S3Error } from '../../s3/error.ts'
import type { Pump, PumpEvents, StreamBody } from './body-pump.ts'

export interface DirectStreamBody extends StreamBody {
  readonly wire: DirectBody
}

/** Whether a body can be read straight into slabs: not when all of it is here already. */
export const isDirect = (body: StreamBody): body is DirectStreamBody =>
  body.wire instanceof DirectBody && body.wire.isDirect

/** An upstream's socket outlives the body. */
const sinkOf = (socket: Socket): RelaySink => ({
  get writableLength() {
    return socket.writableLength
  },
  cork: () => socket.cork(),
  uncork: () => socket.uncork(),
  write: (bytes, onWritten) => socket.write(bytes, onWritten),
  end: () => undefined,
})

/**
 * Moves a body from the client's connection through its filter to the upstream in slabs: it is written out of the
 * memory that it was read into. A filter keeps no view on what it has seen.
 */
export class DirectPump implements Pump, BodyReader {
  readonly #body: DirectStreamBody
  readonly #events: PumpEvents
  readonly #relay: Relay
  /** Bytes that are still owed to the upstream. */
  #left: number
  #hasTaken = false
  #isSent = false
  #isStopped = false

  constructor(socket: Socket, body: DirectStreamBody, slabs: SlabPool, events: PumpEvents) {
    this.#body = body
    this.#events = events
    this.#left = body.length
    const { wire } = body
    const source = { isTls: wire.isTls, resume: () => wire.readOn() }
    this.#relay = new Relay(sinkOf(socket), slabs, source, this.#refuse)
  }

  get hasTaken(): boolean {
    return this.#hasTaken
  }

  start(): void {
    const { wire } = this.#body
    wire.on('close', this.#onClose)
    // What came with the request's head leaves with ours.
    const first: Buffer | null = wire.read()
    if (first !== null) this.receive(first)
    if (this.#isStopped) return
    this.#relay.endOfRead()
    wire.divert(this)
  }

  stop(): void {
    if (this.#isStopped) return
    this.#leave()
    this.#relay.abandon()
  }

  buffer(): Buffer | undefined {
    return this.#relay.buffer()
  }

  receive(bytes: Buffer): void {
    this.#hasTaken = true
    this.#guard(() => this.#write(this.#body.filter?.push(bytes) ?? [bytes]))
  }

  endOfRead(): boolean {
    return this.#isStopped || this.#relay.endOfRead()
  }

  end(): void {
    this.#guard(() => {
      this.#write(this.#body.filter?.end() ?? [])
      if (this.#left > 0) throw new S3Error('IncompleteBody')
      this.#leave()
      this.#relay.finish()
    })
  }

  readonly #onClose = (): void => this.#refuse(new Error('the client broke off its body'))

  #write(pieces: readonly Buffer[]): void {
    for (const bytes of pieces) {
      // One byte too many would be read as the begin of another request.
      if (bytes.length > this.#left) throw new S3Error('IncompleteBody')
      this.#left -= bytes.length
      if (bytes.length > 0) this.#relay.receive(bytes)
    }
    if (this.#left > 0 || this.#isSent) return
    this.#isSent = true
    this.#events.sent()
  }

  #guard(work: () => void): void {
    if (this.#isStopped) return
    try {
      work()
    } catch (cause) {
      this.#refuse(cause)
    }
  }

  #leave(): void {
    this.#isStopped = true
    this.#body.wire.off('close', this.#onClose)
    this.#body.wire.divert(undefined)
  }

  // Also told, by the relay, of writes that fail after the end.
  readonly #refuse = (cause: unknown): void => {
    const wasStopped = this.#isStopped
    this.stop()
    this.#relay.abandon()
    if (!wasStopped) this.#events.refused(cause)
  }
}
