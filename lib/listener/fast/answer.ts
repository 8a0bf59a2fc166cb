import { EventEmitter } from 'node:events'
import type { Socket } from 'node:net'
import { type Readable, Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { RelayedBody, type Sink } from '../../s3/response.ts'
import type { OutgoingAnswer } from '../front.ts'
import { type AnswerFraming, type Asked, composeHead } from './answer-head.ts'

type OnWritten = (fault: Error | null | undefined) => void

/** Writes a head and a body to a connection: straight, with nothing in between that would hold bytes. */
class AnswerSink extends EventEmitter implements Sink {
  readonly #socket: Socket
  /** The head, as long as it waits for the first bytes of the body: both leave in one system call. */
  #head = ''
  #framing: AnswerFraming = 'none'
  #pending = 0
  #isEnded = false
  #isFinished = false

  constructor(socket: Socket) {
    super()
    this.#socket = socket
  }

  get writableLength(): number {
    return this.#socket.writableLength
  }

  get destroyed(): boolean {
    return this.#socket.destroyed
  }

  /** Whether the kernel has taken all of it. */
  get isFinished(): boolean {
    return this.#isFinished
  }

  begin(head: string, framing: AnswerFraming): void {
    this.#head = head
    this.#framing = framing
  }

  cork(): void {
    this.#socket.cork()
  }

  uncork(): void {
    this.#socket.uncork()
  }

  write(bytes: Buffer, onWritten?: OnWritten): boolean {
    const isBody = this.#framing !== 'none' && bytes.length > 0
    const isChunk = isBody && this.#framing === 'chunked'
    const before = isChunk ? `${this.#head}${bytes.length.toString(16)}\r\n` : this.#head
    this.#head = ''
    this.#pending += 1
    const done = this.#doneWith(onWritten)
    if (!isBody && before === '') {
      process.nextTick(done)
      return true
    }
    this.#socket.cork()
    if (before !== '') this.#socket.write(before, 'latin1', isBody ? undefined : done)
    if (isBody) this.#socket.write(bytes, done)
    if (isChunk) this.#socket.write('\r\n', 'latin1')
    this.#socket.uncork()
    return !this.#socket.writableNeedDrain
  }

  end(bytes: Buffer = NOTHING): void {
    this.#socket.cork()
    if (bytes.length > 0 || this.#head !== '') this.write(bytes)
    this.#isEnded = true
    this.#pending += 1
    const done = this.#doneWith(undefined)
    if (this.#framing === 'chunked') this.#socket.write('0\r\n\r\n', 'latin1', done)
    else process.nextTick(done)
    this.#socket.uncork()
  }

  /** The connection is closed. */
  close(): void {
    if (!this.#isFinished) this.emit('close')
  }

  #doneWith(onWritten: OnWritten | undefined): OnWritten {
    return fault => {
      this.#pending -= 1
      onWritten?.(fault)
      if (fault || !this.#isEnded || this.#pending > 0 || this.#isFinished) return
      this.#isFinished = true
      this.emit('finish')
    }
  }
}

const NOTHING = Buffer.alloc(0)

const gone = (): Error => new Error('the client went away')

/** The way for one answer, straight onto the connection. */
export class FastAnswer implements OutgoingAnswer {
  readonly #socket: Socket
  readonly #asked: Asked
  readonly #idleSeconds: number
  readonly #sink: AnswerSink
  #isBegun = false
  #isLast = true

  constructor(socket: Socket, asked: Asked, idleSeconds: number) {
    this.#socket = socket
    this.#asked = asked
    this.#idleSeconds = idleSeconds
    this.#sink = new AnswerSink(socket)
  }

  get isBegun(): boolean {
    return this.#isBegun
  }

  /** Whether the answer is out, and the connection takes another request. */
  get leavesOpen(): boolean {
    return this.#sink.isFinished && !this.#isLast
  }

  get isFinished(): boolean {
    return this.#sink.isFinished
  }

  writeContinue(): void {
    this.#socket.write('HTTP/1.1 100 Continue\r\n\r\n', 'latin1')
  }

  begin(status: number, headers: readonly string[]): void {
    const { text, framing, isLast } = composeHead(status, headers, this.#asked, this.#idleSeconds)
    this.#isBegun = true
    this.#isLast = isLast
    this.#sink.begin(text, framing)
  }

  write(bytes: Buffer): void {
    this.#sink.write(bytes)
  }

  end(bytes: Buffer | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#sink.destroyed) return reject(gone())
      this.#sink.once('finish', resolve).once('close', () => reject(gone()))
      this.#sink.end(bytes)
    })
  }

  relay(body: Readable): Promise<void> {
    return body instanceof RelayedBody ? body.relayTo(this.#sink) : this.#pipe(body)
  }

  onceGone(listener: () => void): void {
    this.#sink.once('close', listener)
  }

  /** The connection is closed. */
  close(): void {
    this.#sink.close()
  }

  async #pipe(body: Readable): Promise<void> {
    const sink = this.#sink
    const writable = new Writable({
      write: (bytes: Buffer, _encoding, done) => sink.write(bytes, done),
      final: done => {
        sink.once('finish', done)
        sink.end()
      },
    })
    sink.once('close', () => writable.destroy(gone()))
    if (sink.destroyed) writable.destroy(gone())
    await pipeline(body, writable)
  }
}
