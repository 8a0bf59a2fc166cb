import { S3Error } from '../s3/error.ts'
import type { AttemptedRequest } from '../ssec/attempt.ts'
import { lacksEcho } from '../ssec/confirm.ts'
import type { EnforcedRequest } from '../ssec/enforce.ts'
import { cannotCopy, withEchoOfRead, withUploadsKey } from './by-provider.ts'
import { copyObject } from './copy-object.ts'
import { copyPart } from './copy-part.ts'
import { type CopyRooms, StepRefused, settled } from './rooms.ts'
import { hasKeys, routeOf } from './route.ts'

/**
 * Carries a copy out: has the provider copy where it can, and otherwise reads the source and writes the destination,
 * step by step through the rooms that any read and any write passes.
 *
 * @throws {S3Error} where S3 would not copy, and whatever the rooms throw
 */
export const copy = async (
  request: EnforcedRequest,
  rooms: CopyRooms,
): Promise<AttemptedRequest> => {
  const forProvider = await requestForProvider(request, rooms)
  const attempted = forProvider && (await rooms.attempt(forProvider))
  if (attempted === undefined || (hasKeys(request) && cannotCopy(attempted))) {
    return streamed(request, rooms)
  }
  if (!lacksEcho(attempted, rooms.profile)) return attempted
  return request.operation.name === 'CopyObject'
    ? withEchoOfRead(attempted, rooms)
    : replacePart(attempted, rooms)
}

/** What the provider is asked to carry out; undefined when it is known that it cannot. */
const requestForProvider = async (
  request: EnforcedRequest,
  rooms: CopyRooms,
): Promise<EnforcedRequest | undefined> => {
  switch (routeOf(request, rooms.profile)) {
    case 'provider':
      return request
    case 'provider-if-same-key':
      return withUploadsKey(request, rooms)
    case 'streamed':
      return undefined
  }
}

const streamed = async (request: EnforcedRequest, rooms: CopyRooms): Promise<AttemptedRequest> => {
  request.journal.note({ copy: 'streamed' })
  const carryOut = request.operation.name === 'CopyObject' ? copyObject : copyPart
  const [attempt] = request.attempts
  try {
    return answered(request, attempt, await carryOut(request, rooms))
  } catch (error) {
    if (!(error instanceof StepRefused)) throw asCopyError(error)
    return answered(request, error.refused.attempt, error.refused.answer)
  }
}

const answered = (
  request: EnforcedRequest,
  attempt: AttemptedRequest['attempt'],
  answer: AttemptedRequest['answer'],
): AttemptedRequest => ({ request, attempt, answer, refusal: undefined }) as AttemptedRequest

/** A body that breaks off is a client's elsewhere; here it is the source's. */
const asCopyError = (error: unknown): unknown =>
  error instanceof S3Error && error.code === 'IncompleteBody'
    ? new S3Error(
        'UpstreamUnavailable',
        'The storage provider broke off while the copy source was read.',
        { cause: error },
      )
    : error

/**
 * Writes over a part that the provider copied without confirming its key. When that fails, the part stands as
 * unconfirmed as it is, to be taken back.
 */
const replacePart = async (
  attempted: AttemptedRequest,
  rooms: CopyRooms,
): Promise<AttemptedRequest> => {
  const unconfirmed = { ...attempted, answer: await settled(attempted.answer) } as AttemptedRequest
  if (unconfirmed.answer.status >= 300) return unconfirmed
  const replaced = await streamed(attempted.request, rooms).catch(() => undefined)
  return replaced !== undefined && replaced.answer.status < 300 ? replaced : unconfirmed
}
