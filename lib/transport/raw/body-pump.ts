import type { Socket } from 'node:net'
import { S3Error } from '../../s3/error.ts'
import type { SignedRequest } from '../../sign/sign.ts'

export type StreamBody = Extract<SignedRequest['body'], { kind: 'stream' }>

/** Bytes that wait for the upstream to take them before the client is told to wait, too. */
const WAITING = 256 * 1024

export interface PumpEvents {
  /** All that was promised in Content-Length was handed to the socket. */
  readonly sent: () => void
  /** The body may not, or cannot, be sent to its end. */
  readonly refused: (cause: unknown) => void
}

/** Moves a body from the client to the upstream. */
export interface Pump {
  /** Whether a byte was taken from the client, which it will not send again. */
  readonly hasTaken: boolean
  start(): void
  /** Sends no more, and leaves the client's stream as it is. */
  stop(): void
}

/**
 * Moves a body from the client through its filter to the upstream, only as fast as the upstream takes it.
 *
 * The client's stream is read by its events: an async iterator costs a promise and two ticks for each chunk, which a
 * large upload feels. The stream is never destroyed here: the client must still get its answer.
 */
export class BodyPump implements Pump {
  readonly #socket: Socket
  readonly #body: StreamBody
  readonly #events: PumpEvents
  /** Bytes that are still owed to the upstream. */
  #left: number
  #hasTaken = false
  #isStopped = false

  constructor(socket: Socket, body: StreamBody, events: PumpEvents) {
    this.#socket = socket
    this.#body = body
    this.#events = events
    this.#left = body.length
  }

  get hasTaken(): boolean {
    return this.#hasTaken
  }

  start(): void {
    const { wire } = this.#body
    // Whoever stops early listens no more, and the stream may still break.
    wire.on('error', () => undefined)
    wire.on('end', this.#onEnd).on('error', this.#refuse).on('close', this.#onClose)
    this.#socket.on('drain', this.#onDrain)
    // What is there already leaves in one packet with the request's head.
    const first: Buffer | null = wire.read()
    if (first !== null) this.#onData(first)
    // An event that was over before we came is not told again.
    else if (wire.destroyed || wire.readableEnded) this.#onClose()
    if (this.#isStopped) return
    wire.on('data', this.#onData)
    this.#onDrain()
  }

  stop(): void {
    if (this.#isStopped) return
    this.#isStopped = true
    const { wire } = this.#body
    // A stream that was read to its last byte still has to tell its end to its owner.
    if (this.#left > 0) wire.pause()
    wire.off('data', this.#onData).off('end', this.#onEnd).off('error', this.#refuse)
    wire.off('close', this.#onClose)
    this.#socket.off('drain', this.#onDrain)
  }

  readonly #onData = (chunk: Buffer): void => {
    this.#hasTaken = true
    this.#guard(() => this.#write(this.#body.filter?.push(chunk) ?? [chunk]))
    if (this.#mustWait()) this.#body.wire.pause()
  }

  readonly #onEnd = (): void => {
    this.#guard(() => {
      this.#write(this.#body.filter?.end() ?? [])
      if (this.#left > 0) throw new S3Error('IncompleteBody')
    })
    this.stop()
  }

  readonly #onClose = (): void => this.#refuse(new Error('the client broke off its body'))

  readonly #onDrain = (): void => {
    if (!this.#mustWait()) this.#body.wire.resume()
  }

  #mustWait(): boolean {
    return this.#socket.writableLength > WAITING
  }

  #write(pieces: readonly Buffer[]): void {
    this.#socket.cork()
    for (const bytes of pieces) {
      // One byte too many would be read as the begin of another request.
      if (bytes.length > this.#left) throw new S3Error('IncompleteBody')
      this.#left -= bytes.length
      this.#socket.write(bytes)
    }
    this.#socket.uncork()
    if (this.#left === 0) this.#events.sent()
  }

  #guard(work: () => void): void {
    try {
      work()
    } catch (cause) {
      this.#refuse(cause)
    }
  }

  readonly #refuse = (cause: unknown): void => {
    this.stop()
    this.#events.refused(cause)
  }
}
