import type { AuthenticatedRequest } from './authenticate/authenticate.ts'
import type { KeyedRequest } from './keys/find-keys.ts'
import type { DecidedRequest } from './policy/decide.ts'
import type { S3Request } from './s3/request.ts'
import type { S3Response } from './s3/response.ts'
import type { AttemptedRequest } from './ssec/attempt.ts'
import type { ConfirmedRequest } from './ssec/confirm.ts'
import type { EnforcedRequest, ReceivedRequest } from './ssec/enforce.ts'

/** The rooms of the journey, with their IO built in by `compose.ts`. */
export interface Rooms {
  /** Answers a browser's CORS preflight, which nobody signs. */
  preflight(request: S3Request, signal: AbortSignal): Promise<S3Response>
  authenticate(request: S3Request): AuthenticatedRequest
  decide(request: AuthenticatedRequest): DecidedRequest
  findKeys(request: DecidedRequest): KeyedRequest
  receive(request: KeyedRequest): Promise<ReceivedRequest>
  enforce(request: ReceivedRequest): EnforcedRequest
  attempt(request: EnforcedRequest, signal: AbortSignal): Promise<AttemptedRequest>
  confirm(attempted: AttemptedRequest): Promise<ConfirmedRequest>
  toClient(confirmed: ConfirmedRequest, received: S3Request): Promise<S3Response>
}

/** Answers one request; `signal` fires when the client goes away. */
export type Journey = (request: S3Request, signal: AbortSignal) => Promise<S3Response>

/** THE JOURNEY: each room's result is the next room's only way in. */
export const createProxy =
  (rooms: Rooms): Journey =>
  async (request, signal) => {
    if (request.method === 'OPTIONS') return rooms.preflight(request, signal)
    const authenticated = rooms.authenticate(request)
    const decided = rooms.decide(authenticated)
    const keyed = rooms.findKeys(decided)
    const received = await rooms.receive(keyed)
    const enforced = rooms.enforce(received)
    const attempted = await rooms.attempt(enforced, signal)
    const confirmed = await rooms.confirm(attempted)
    return rooms.toClient(confirmed, request)
  }
