import { Readable } from 'node:stream'
import { type Dispatcher, errors } from 'undici'
import { S3Error } from '../s3/error.ts'
import { headersFromRaw } from '../s3/headers.ts'
import { unavailable } from './fault.ts'
import type { UpstreamAnswer } from './transport.ts'

const TIMEOUTS: readonly string[] = [
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_HEADERS_TIMEOUT',
  'UND_ERR_BODY_TIMEOUT',
]

export const faultOf = (cause: unknown): S3Error =>
  cause instanceof errors.UndiciError && TIMEOUTS.includes(cause.code)
    ? new S3Error('UpstreamTimeout', undefined, { cause })
    : unavailable(cause)

/** An answer's body: reads from the connection only as fast as it is read itself. */
class AnswerBody extends Readable {
  readonly #controller: Dispatcher.DispatchController
  #ended = false
  constructor(controller: Dispatcher.DispatchController) {
    super({ highWaterMark: 128 * 1024 })
    this.#controller = controller
    // It may break while nobody has looked at it yet; whoever does will be told.
    this.on('error', () => undefined)
  }
  receive(chunk: Buffer): void {
    if (!this.push(chunk)) this.#controller.pause()
  }
  finish(): void {
    this.#ended = true
    this.push(null)
  }
  override _read(): void {
    this.#controller.resume()
  }
  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    if (!this.#ended)
      this.#controller.abort(error ?? new Error('the answer is not wanted any more'))
    done(error)
  }
}

// The parsed headers are decoded as UTF-8, which loses other octets; the raw ones are the wire's own.
const rawHeadersOf = ({ rawHeaders }: Dispatcher.DispatchController): string[] =>
  Array.isArray(rawHeaders) ? rawHeaders.map(part => part.toString('latin1')) : []

export interface AnswerHandler extends Dispatcher.DispatchHandler {
  readonly answer: Promise<UpstreamAnswer>
}

/** Collects an answer's head, and hands its body on as a stream. */
export const createAnswerHandler = (signal: AbortSignal): AnswerHandler => {
  const { promise, resolve, reject } = withResolvers<UpstreamAnswer>()
  let body: AnswerBody | undefined
  let controller: Dispatcher.DispatchController | undefined
  const onAbort = (): void => controller?.abort(signal.reason)
  // One client's signal serves many requests where a copy goes by parts, so each takes its listener away again.
  const leave = (): void => signal.removeEventListener('abort', onAbort)
  return {
    answer: promise,
    onRequestStart: started => {
      controller = started
      if (signal.aborted) onAbort()
      else signal.addEventListener('abort', onAbort, { once: true })
    },
    onResponseStart: (answering, status) => {
      if (status < 200) return
      body = new AnswerBody(answering)
      resolve({ status, headers: headersFromRaw(rawHeadersOf(answering)), body })
    },
    onResponseData: (_, chunk) => body?.receive(chunk),
    onResponseEnd: () => {
      leave()
      body?.finish()
    },
    onResponseError: (_, error) => {
      leave()
      reject(error)
      body?.destroy(faultOf(error))
    },
  }
}

interface Resolvers<T> {
  readonly promise: Promise<T>
  readonly resolve: (value: T) => void
  readonly reject: (reason: unknown) => void
}

// Promise.withResolvers is Node 22's; the package runs on 20.
const withResolvers = <T>(): Resolvers<T> => {
  let resolve: Resolvers<T>['resolve'] = () => undefined
  let reject: Resolvers<T>['reject'] = () => undefined
  const promise = new Promise<T>((onValue, onReason) => {
    resolve = onValue
    reject = onReason
  })
  return { promise, resolve, reject }
}
