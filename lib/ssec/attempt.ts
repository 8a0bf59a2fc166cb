import { type Profile, type Refusal, refusalOf } from '../dialect/profiles.ts'
import { documentText } from '../response/document.ts'
import type { Through } from '../s3/request.ts'
import type { S3Response } from '../s3/response.ts'
import { elementText } from '../s3/xml.ts'
import { type Attempt, rememberedFirst, versionRead } from './attempts.ts'
import type { EnforcedRequest } from './enforce.ts'

/** A request with the provider's answer to the attempt that fitted, or to the first when none did. */
export type AttemptedRequest = Through<
  'attempt',
  {
    readonly request: EnforcedRequest
    readonly attempt: Attempt
    readonly answer: S3Response
    /** Why the provider refused every attempt, when it is about the key. */
    readonly refusal: Refusal | undefined
  }
>

/** Which version an object was last read or written with: a hint that saves attempts, never a truth. */
export interface VersionMemory {
  get(place: string): string | undefined
  set(place: string, version: string): unknown
}

export type Send = (attempt: Attempt) => Promise<S3Response>

interface Tried {
  readonly attempt: Attempt
  readonly answer: S3Response
  readonly refusal: Refusal | undefined
}

const placeOf = ({ client, address, copySource }: EnforcedRequest): string => {
  const place = copySource?.place ?? (address.level === 'object' ? address : undefined)
  return JSON.stringify([client.upstream, place?.bucket, place?.objectKey])
}

const refusalIn = (profile: Profile, method: string, answer: S3Response): Refusal | undefined => {
  if (answer.status < 400) return undefined
  const document = documentText(answer)
  const code = method === 'HEAD' ? undefined : (elementText(document, 'Code') ?? '')
  return refusalOf(profile, answer.status, code, elementText(document, 'Message') ?? '')
}

/** What attempts are made with. */
export interface Trying {
  readonly memory: VersionMemory
  readonly send: Send
  /** Asked when no key fits: gives the attempts with keys that came since, if any. Left out: none did. */
  readonly newer?: (request: EnforcedRequest) => Promise<readonly Attempt[]>
}

/**
 * Sends a request with one key after the other, until the provider's answer is about something else than the key.
 *
 * When no key fits, the answer is the first attempt's.
 */
export const tryAttempts = async (
  request: EnforcedRequest,
  profile: Profile,
  { memory, send, newer }: Trying,
): Promise<AttemptedRequest> => {
  const judge = (answer: S3Response): Refusal | undefined =>
    refusalIn(profile, request.method, answer)
  const tried = await tryEach(inOrder(request, memory), send, judge)
  if (newer !== undefined && isWrongKey(tried))
    tried.push(...(await tryEach(await newer(request), send, judge)))
  const outcome = outcomeOf(tried)
  // With one key there is nothing to remember.
  const hasChoice = request.attempts.length > 1 || tried.length > 1
  if (hasChoice && outcome.refusal === undefined && outcome.answer.status < 300)
    memory.set(placeOf(request), versionRead(outcome.attempt))
  return { request, ...outcome } as AttemptedRequest
}

const inOrder = (request: EnforcedRequest, memory: VersionMemory): readonly Attempt[] =>
  request.attempts.length > 1
    ? rememberedFirst(request.attempts, memory.get(placeOf(request)))
    : request.attempts

const tryEach = async (
  attempts: readonly Attempt[],
  send: Send,
  judge: (answer: S3Response) => Refusal | undefined,
): Promise<Tried[]> => {
  const tried: Tried[] = []
  for (const attempt of attempts) {
    const answer = await send(attempt)
    const refusal = judge(answer)
    tried.push({ attempt, answer, refusal })
    if (refusal === undefined) break
  }
  return tried
}

/** Whether the object is encrypted with a key that was not among those tried. */
const isWrongKey = (tried: readonly Tried[]): boolean =>
  tried.at(-1)?.refusal !== undefined && tried.some(({ refusal }) => refusal === 'wrong-key')

/** The one that was not refused; or else the one that says most. */
const outcomeOf = (tried: readonly Tried[]): Tried => {
  const outcome =
    tried.find(({ refusal }) => refusal === undefined) ??
    tried.find(({ refusal }) => refusal === 'plaintext') ??
    tried[0]
  if (outcome === undefined) throw new RangeError('a request needs an attempt')
  return outcome
}
