import { randomBytes } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { errorAnswer } from './answer.ts'
import type { Faults } from './faults.ts'
import { type Answer, type Answering, misbehaving } from './misbehave.ts'
import { type Exchange, rawPathOf, receive } from './request.ts'
import { send } from './send.ts'

/** One request as node:http gives it. */
export interface Incoming {
  readonly message: IncomingMessage
  readonly response: ServerResponse
  /** Which of its connection's requests it is, from 1. */
  readonly turn: number
  /** Whether the client waits for `100 Continue`. */
  readonly isWaiting: boolean
}

/** Answers one request, whatever comes. */
export const exchange = async (
  incoming: Incoming,
  honest: Answering,
  faults: Faults,
): Promise<void> => {
  const { message, response } = incoming
  const own = openExchange(incoming)
  try {
    const answer = await answerOf(message, own, honest, faults)
    await send(response, answer, { id: own.id, method: message.method ?? '' })
  } catch (error) {
    response.destroy()
    if (!isDisconnect(error)) process.emitWarning(error instanceof Error ? error : String(error))
  } finally {
    // What the client still sends is read and dropped, so that it gets to see the answer.
    message.resume()
  }
}

const answerOf = async (
  message: IncomingMessage,
  own: Exchange,
  honest: Answering,
  faults: Faults,
): Promise<Answer> => {
  try {
    const request = receive(message, own)
    return await misbehaving(honest, faults.take(request))(request)
  } catch (error) {
    if (isDisconnect(error)) throw error
    const rawPath = rawPathOf(message.url ?? '')
    return { ...errorAnswer(error, { id: own.id, rawPath }), ending: { kind: 'keep' } }
  }
}

const openExchange = ({ response, turn, isWaiting }: Incoming): Exchange => {
  const gone = new AbortController()
  response.once('close', () => gone.abort())
  // A client that was not told to continue may or may not send its body, so nothing can follow on the connection.
  const { shouldKeepAlive } = response
  if (isWaiting) response.shouldKeepAlive = false
  let waiting = isWaiting
  const proceed = (): void => {
    if (!waiting) return
    waiting = false
    response.shouldKeepAlive = shouldKeepAlive
    response.writeContinue()
  }
  const id = randomBytes(8).toString('hex').toUpperCase()
  return { id, turn, proceed, gone: gone.signal }
}

/** The client has gone: there is nobody to tell, and nothing is wrong here. */
const isDisconnect = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && DISCONNECTS.has(String(error.code))

const DISCONNECTS = new Set(['ECONNRESET', 'EPIPE', 'ERR_STREAM_PREMATURE_CLOSE'])
