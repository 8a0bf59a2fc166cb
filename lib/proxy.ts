import type { AuthenticatedRequest } from './authenticate/authenticate.ts'
import type { Form } from './form/form.ts'
import type { KeyedRequest } from './keys/find-keys.ts'
import type { DecidedRequest } from './policy/decide.ts'
import type { Awaitable } from './s3/awaitable.ts'
import type { S3Request } from './s3/request.ts'
import type { S3Response } from './s3/response.ts'
import type { AttemptedRequest } from './ssec/attempt.ts'
import type { ConfirmedRequest } from './ssec/confirm.ts'
import type { EnforcedRequest, ReceivedRequest } from './ssec/enforce.ts'

/** The rooms of the journey, with their IO built in by `compose.ts`. */
export interface Rooms {
  /** Answers a browser's CORS preflight, which nobody signs. */
  preflight(request: S3Request, signal: AbortSignal): Promise<S3Response>
  /** Answers an OBS client's question for the dialect to speak, which it does not sign. */
  negotiate(): S3Response
  authenticate(request: S3Request): AuthenticatedRequest
  /** Reads a browser's form up to its file. */
  openForm(request: S3Request): Promise<Form>
  authenticateForm(form: Form): AuthenticatedRequest
  decide(request: AuthenticatedRequest): DecidedRequest
  findKeys(request: DecidedRequest): Awaitable<KeyedRequest>
  receive(request: KeyedRequest): Awaitable<ReceivedRequest>
  enforce(request: ReceivedRequest): EnforcedRequest
  attempt(request: EnforcedRequest, signal: AbortSignal): Promise<AttemptedRequest>
  confirm(attempted: AttemptedRequest): Awaitable<ConfirmedRequest>
  toClient(confirmed: ConfirmedRequest, received: S3Request): Awaitable<S3Response>
  toForm(answer: S3Response, form: Form): Promise<S3Response>
  /** Says an answer in the dialect that was asked in. */
  speak(answer: S3Response, asked: AuthenticatedRequest): S3Response
}

/** Answers one request; `signal` fires when the client goes away. */
export type Journey = (request: S3Request, signal: AbortSignal) => Promise<S3Response>

/** THE JOURNEY: each room's result is the next room's only way in. */
export const createProxy =
  (rooms: Rooms): Journey =>
  async (request, signal) => {
    if (request.method === 'OPTIONS') return rooms.preflight(request, signal)
    if (request.operation.name === 'HeadApiVersion') return rooms.negotiate()
    if (request.operation.name === 'PostObject') return takeForm(rooms, request, signal)
    const authenticated = rooms.authenticate(request)
    return rooms.speak(await goOn(rooms, authenticated, request, signal), authenticated)
  }

/** A browser's form tells in its body who sends it, and comes to a PutObject. */
const takeForm = async (
  rooms: Rooms,
  request: S3Request,
  signal: AbortSignal,
): Promise<S3Response> => {
  const form = await rooms.openForm(request)
  const authenticated = rooms.authenticateForm(form)
  const answer = await goOn(rooms, authenticated, request, signal)
  return rooms.speak(await rooms.toForm(answer, form), authenticated)
}

const goOn = async (
  rooms: Rooms,
  authenticated: AuthenticatedRequest,
  received: S3Request,
  signal: AbortSignal,
): Promise<S3Response> => {
  const decided = rooms.decide(authenticated)
  const keyed = await rooms.findKeys(decided)
  const readied = await rooms.receive(keyed)
  const enforced = rooms.enforce(readied)
  const attempted = await rooms.attempt(enforced, signal)
  const confirmed = await rooms.confirm(attempted)
  return rooms.toClient(confirmed, received)
}

/** The journey of a request that another API's lane has authenticated and said in S3's words. */
export type Carry = (request: AuthenticatedRequest, signal: AbortSignal) => Promise<S3Response>

export const createCarry =
  (rooms: Rooms): Carry =>
  (request, signal) =>
    goOn(rooms, request, request, signal)
