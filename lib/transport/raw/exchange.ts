import { MessageFault } from '../../http1/fault.ts'
import type { Source } from '../../http1/relay.ts'
import type { SlabPool } from '../../http1/slab-pool.ts'
import type { SignedRequest } from '../../sign/sign.ts'
import { bodyRefusal, timedOut, unavailable } from '../fault.ts'
import type { UpstreamAnswer } from '../transport.ts'
import type { AnswerHead } from './answer-head.ts'
import { AnswerParser } from './answer-parser.ts'
import type { Connection, Reader } from './connection.ts'
import { RawBody } from './raw-body.ts'
import { Sending } from './sending.ts'

/** A pooled connection turned out to be dead before it took anything that cannot be sent again. */
export class StaleConnection extends Error {
  override readonly name = 'StaleConnection'
}

/** One request and its answer on a connection. */
export class Exchange implements Reader, Source {
  readonly #connection: Connection
  readonly #request: SignedRequest
  readonly #signal: AbortSignal
  readonly #slabs: SlabPool
  readonly #parser: AnswerParser
  readonly #sending: Sending
  #resolve: (answer: UpstreamAnswer) => void = () => undefined
  #reject: (cause: Error) => void = () => undefined
  #body: RawBody | undefined
  /** How long the connection may be kept afterwards, in milliseconds. */
  #keepFor = 0
  /** Milliseconds that nothing may move. */
  #patience = 0
  #hasBegun = false
  #isPaused = false
  #isOver = false

  constructor(
    connection: Connection,
    request: SignedRequest,
    signal: AbortSignal,
    slabs: SlabPool,
  ) {
    this.#connection = connection
    this.#request = request
    this.#signal = signal
    this.#slabs = slabs
    this.#parser = new AnswerParser(request.method, {
      head: this.#onHead,
      body: bytes => this.#body?.receive(bytes),
      end: () => this.#body?.finish(),
    })
    this.#sending = new Sending(connection.socket, request, slabs, {
      sent: this.#onSent,
      refused: cause => this.#fail(bodyRefusal(cause)),
    })
  }

  /**
   * Sends the request, and gives the answer once its head is there.
   *
   * @throws {S3Error} `UpstreamUnavailable`, `UpstreamTimeout`, or the refusal of the request's body
   * @throws {StaleConnection}
   */
  start(head: string): Promise<UpstreamAnswer> {
    return new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
      this.#connection.lend(this)
      if (this.#signal.aborted) return this.#onAbort()
      this.#signal.addEventListener('abort', this.#onAbort, { once: true })
      this.#setTimeout(this.#request.upstream.timeouts.idle)
      this.#sending.start(head)
    })
  }

  get isTls(): boolean {
    return this.#connection.isTls
  }

  buffer(): Buffer | undefined {
    return this.#body?.buffer()
  }

  read(bytes: Buffer): boolean {
    if (!this.#hasBegun) this.#setTimeout(this.#request.upstream.timeouts.idle)
    this.#hasBegun = true
    const length = this.#parse(bytes)
    if (this.#isOver) return false
    if (this.#parser.hasEnded) {
      this.#complete(length === bytes.length)
      return true
    }
    const goesOn = this.#body?.endOfRead() ?? true
    // TLS delivers what it had read even after it was stopped, and by then there may be room again.
    if (goesOn) this.resume()
    else this.#isPaused = true
    return goesOn
  }

  resume(): void {
    if (!this.#isPaused) return
    this.#isPaused = false
    this.#connection.socket.resume()
  }

  cancel(cause: unknown): void {
    this.#fail(unavailable(cause))
  }

  timeout(): void {
    // A timer that fired starts anew only when it is set.
    if (this.#waitsForClient()) this.#connection.socket.setTimeout(this.#patience)
    else if (this.#hasBegun) this.#fail(timedOut('the rest of the answer'))
    else this.#fail(timedOut(this.#sending.isSent ? 'the answer' : 'sending the request'))
  }

  close(cause: Error | undefined): void {
    try {
      if (cause !== undefined) throw cause
      this.#parser.close()
      this.#over()
    } catch (fault) {
      if (this.#isStale()) this.#fail(new StaleConnection(undefined, { cause: fault }))
      else this.#fail(unavailable(fault))
    }
  }

  readonly #onAbort = (): void => this.cancel(this.#signal.reason)

  readonly #onSent = (): void => {
    if (!this.#hasBegun) this.#setTimeout(this.#request.upstream.timeouts.firstByte)
  }

  readonly #onHead = (head: AnswerHead): void => {
    if (this.#sending.isSent) this.#keepFor = head.keepFor
    else this.#acceptEarly(head)
    this.#body = new RawBody(this, this.#slabs)
    this.#resolve({ status: head.status, headers: head.headers, body: this.#body })
  }

  /** An upstream may refuse a body that it has not read; it cannot have stored one. */
  #acceptEarly(head: AnswerHead): void {
    if (head.status < 400) throw new MessageFault('a success before the body was sent')
    this.#sending.stop()
  }

  #parse(bytes: Buffer): number {
    try {
      return this.#parser.parse(bytes)
    } catch (fault) {
      this.#fail(unavailable(fault))
      return 0
    }
  }

  /** @param isClean whether nothing came behind the answer */
  #complete(isClean: boolean): void {
    const { socket } = this.#connection
    const isKept = isClean && this.#keepFor > 0 && socket.writableLength === 0
    this.#over()
    // An idle connection reads, so that it notices when the upstream closes it.
    this.resume()
    if (isKept) this.#connection.rest(this.#keepFor)
    else this.#connection.destroy()
  }

  #fail(cause: Error): void {
    if (this.#isOver) return
    this.#over()
    this.#connection.destroy()
    this.#reject(cause)
    this.#body?.destroy(cause)
  }

  #over(): void {
    this.#isOver = true
    this.#signal.removeEventListener('abort', this.#onAbort)
    this.#sending.stop()
  }

  #isStale(): boolean {
    return this.#connection.isUsed && !this.#hasBegun && !this.#sending.hasTakenBody
  }

  #waitsForClient(): boolean {
    if (this.#hasBegun) return this.#isPaused
    return !this.#sending.isSent && this.#connection.socket.writableLength === 0
  }

  #setTimeout(milliseconds: number): void {
    if (this.#patience === milliseconds) return
    this.#patience = milliseconds
    this.#connection.socket.setTimeout(milliseconds)
  }
}
