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

/**
 * Sends a request with one key after the other, until the provider's answer is about something else than the key.
 *
 * When no key fits, the answer is the first attempt's.
 */
export const tryAttempts = async (
  request: EnforcedRequest,
  profile: Profile,
  memory: VersionMemory,
  send: Send,
): Promise<AttemptedRequest> => {
  // With one key there is nothing to remember.
  if (request.attempts.length > 1) return tryRemembered(request, profile, memory, send)
  const [attempt] = request.attempts
  const answer = await send(attempt)
  const refusal = refusalIn(profile, request.method, answer)
  return { request, attempt, answer, refusal } as AttemptedRequest
}

const tryRemembered = async (
  request: EnforcedRequest,
  profile: Profile,
  memory: VersionMemory,
  send: Send,
): Promise<AttemptedRequest> => {
  const place = placeOf(request)
  const attempts = rememberedFirst(request.attempts, memory.get(place))
  const refused: Tried[] = []
  for (const attempt of attempts) {
    const answer = await send(attempt)
    const refusal = refusalIn(profile, request.method, answer)
    const tried = { attempt, answer, refusal }
    if (refusal === undefined) {
      if (answer.status < 300) memory.set(place, versionRead(attempt))
      return { request, ...tried } as AttemptedRequest
    }
    refused.push(tried)
  }
  const [first] = refused
  if (first === undefined) throw new RangeError('a request needs an attempt')
  const plaintext = refused.find(({ refusal }) => refusal === 'plaintext')
  return { request, ...(plaintext ?? first) } as AttemptedRequest
}
