import type { Socket } from 'node:net'
import { type BodyDecoder, createBodyDecoder } from '../../http1/body-decoder.ts'
import { HeadReader } from '../../http1/head-reader.ts'
import { refuseUnreadable } from '../client-error.ts'
import type { FrontOptions, IncomingRequest } from '../front.ts'
import { FastAnswer } from './answer.ts'
import { ClientBody } from './client-body.ts'
import type { ReadInto } from './read-into.ts'
import { parseRequestHead, type RequestHead } from './request-head.ts'

/** Where an idle connection reads to, and where heads and small bodies arrive. */
const SCRATCH = 16 * 1024

/** What may come behind a request whose answer is not out: what a paused TLS socket had read, and then some. */
const HELD = 256 * 1024

/** How long the answer to what is no request may take to be read, in milliseconds. */
const REFUSED = 2000

/** One request under way. */
interface UnderWay {
  readonly request: IncomingRequest
  readonly body: ClientBody
  readonly decoder: BodyDecoder
  readonly answer: FastAnswer
  readonly isContinueAsked: boolean
}

export interface ConnectionParts extends Pick<FrontOptions, 'limits' | 'onExchange'> {
  readonly isTls: boolean
  readonly readInto: ReadInto
  readonly onClose: (connection: ClientConnection) => void
}

/** A client's connection: one request at a time, the next one is read when the answer before is out. */
export class ClientConnection {
  readonly #socket: Socket
  readonly #parts: ConnectionParts
  readonly #scratch = Buffer.allocUnsafeSlow(SCRATCH)
  readonly #isDirect: boolean
  /** Where the socket reads to. */
  #bound: Buffer = this.#scratch
  #heads: HeadReader
  #underWay: UnderWay | undefined
  /** What a client sent ahead of its turn. */
  #held: Buffer | undefined
  #isPaused = false
  /** Nothing that still comes is a request. */
  #isRefused = false
  /** When what is awaited now began: the rest of a head, or any byte at all. */
  #since = performance.now()
  #hasHeadBegun = true

  constructor(socket: Socket, parts: ConnectionParts) {
    this.#socket = socket
    this.#parts = parts
    this.#heads = new HeadReader(parts.limits.headerBytes)
    socket.setTimeout(parts.limits.bodyIdleTimeout)
    socket.on('timeout', this.#onTimeout)
    socket.on('error', () => undefined)
    // As node:http does it: a client that sends no more is taken for gone.
    socket.on('end', () => socket.destroy())
    socket.on('close', this.#onClose)
    this.#isDirect = parts.readInto(socket, {
      buffer: () => {
        this.#bound = this.#underWay?.body.buffer() ?? this.#scratch
        return this.#bound
      },
      callback: length => this.#read(this.#bound.subarray(0, length)),
    })
    socket.on('data', (bytes: Buffer) => {
      if (!this.#read(bytes)) socket.pause()
    })
  }

  /** Between two requests, or before the first. */
  get isIdle(): boolean {
    return this.#underWay === undefined && !this.#heads.hasBegun
  }

  destroy(): void {
    this.#socket.destroy()
  }

  /** Looks whether a head, or the next request, takes too long. A new connection has to say something at once. */
  check(now: number): void {
    if (this.#underWay !== undefined || this.#isRefused) return
    const { headersTimeout, idleTimeout } = this.#parts.limits
    const waits = now - this.#since
    if (this.#hasHeadBegun && waits > headersTimeout) this.#refuse(timeout())
    else if (waits > Math.max(headersTimeout, idleTimeout)) this.destroy()
    else if (!this.#hasHeadBegun && waits > idleTimeout) this.destroy()
  }

  /** @returns whether to read on */
  #read(bytes: Buffer): boolean {
    if (this.#isRefused) return true
    try {
      this.#take(bytes)
    } catch (fault) {
      this.#refuse(fault instanceof Error ? fault : new Error('no request'))
    }
    const goesOn = this.#held === undefined && (this.#underWay?.body.endOfRead() ?? true)
    // TLS delivers what it had read even after it was stopped, and by then there may be room again.
    if (goesOn) this.#resume()
    else this.#isPaused = true
    return goesOn
  }

  #take(bytes: Buffer): void {
    let at = 0
    const isNew = this.#underWay === undefined
    if (isNew) at = this.#takeHead(bytes)
    const underWay = this.#underWay
    if (underWay === undefined) return
    if (underWay.decoder.hasEnded && isNew) underWay.body.finish()
    // Its body after it: a stream that is read by who finds it full would tell its end before that one can put bytes back.
    if (isNew) this.#start(underWay)
    if (!underWay.body.isComplete) at = this.#takeBody(underWay, bytes, at)
    if (at < bytes.length) this.#hold(bytes.subarray(at))
  }

  /** @returns where the next thing begins */
  #takeHead(bytes: Buffer): number {
    if (!this.#hasHeadBegun) {
      this.#hasHeadBegun = true
      this.#since = performance.now()
    }
    const found = this.#heads.read(bytes, 0)
    if (found === undefined) return bytes.length
    this.#heads = new HeadReader(this.#parts.limits.headerBytes)
    this.#underWay = this.#open(parseRequestHead(found.text))
    return found.next
  }

  #takeBody({ body, decoder }: UnderWay, bytes: Buffer, from: number): number {
    const at = decoder.decode(bytes, from, stretch => body.receive(stretch))
    if (decoder.hasEnded) body.finish()
    return at
  }

  #hold(bytes: Buffer): void {
    this.#held = Buffer.concat([...(this.#held === undefined ? [] : [this.#held]), bytes])
    if (this.#held.length > HELD) this.destroy()
  }

  #open(head: RequestHead): UnderWay {
    const body = new ClientBody({
      isTls: this.#parts.isTls,
      isDirect: this.#isDirect,
      resume: () => this.#resume(),
      cut: () => this.destroy(),
    })
    const socket = this.#socket
    const { method, target, rawHeaders } = head
    const request: IncomingRequest = {
      ...{ method, target, rawHeaders, wire: body, socket },
      get isComplete() {
        return body.isComplete
      },
    }
    const idleSeconds = Math.floor(this.#parts.limits.idleTimeout / 1000)
    const answer = new FastAnswer(socket, head, idleSeconds)
    const decoder = createBodyDecoder(head.framing)
    return { request, body, decoder, answer, isContinueAsked: head.expectsContinue }
  }

  #start({ request, answer, isContinueAsked }: UnderWay): void {
    const over = this.#parts.onExchange({ request, answer, isContinueAsked })
    void over.finally(() => this.#next(answer))
  }

  #next(answer: FastAnswer): void {
    const isKept = answer.leavesOpen && this.#underWay?.body.isComplete && !this.#isRefused
    if (!isKept) {
      if (answer.isFinished) this.#socket.destroySoon()
      else this.destroy()
      return
    }
    this.#underWay = undefined
    this.#hasHeadBegun = false
    this.#since = performance.now()
    const held = this.#held
    this.#held = undefined
    if (held === undefined || this.#read(held)) this.#resume()
  }

  /** Answers what is no request, or lets the answer to what was none in its body be the last. */
  #refuse(fault: Error): void {
    this.#isRefused = true
    if (this.#underWay !== undefined) {
      this.#underWay.body.breakOff(fault)
      return
    }
    refuseUnreadable(fault, this.#socket)
    setTimeout(() => this.destroy(), REFUSED).unref()
  }

  #resume(): void {
    if (!this.#isPaused) return
    this.#isPaused = false
    this.#socket.resume()
  }

  readonly #onTimeout = (): void => {
    // A timer that fired starts anew only when it is set. Heads and idle connections have a time of their own.
    const underWay = this.#underWay
    const awaitsUpstream = underWay?.body.isComplete && !underWay.answer.isBegun
    if (underWay === undefined || awaitsUpstream)
      this.#socket.setTimeout(this.#parts.limits.bodyIdleTimeout)
    else this.destroy()
  }

  readonly #onClose = (): void => {
    this.#underWay?.body.breakOff(new Error('the client broke off its body'))
    this.#underWay?.answer.close()
    this.#parts.onClose(this)
  }
}

const timeout = (): Error => Object.assign(new Error(), { code: 'ERR_HTTP_REQUEST_TIMEOUT' })
