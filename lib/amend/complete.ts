import { type CopyRooms, settled, versionQuery } from '../copy/rooms.ts'
import { requesterHeaders } from '../copy/written-headers.ts'
import { documentText, withDocument } from '../response/document.ts'
import { withHeaders } from '../s3/headers.ts'
import type { S3Response } from '../s3/response.ts'
import { elementText, mapElementText } from '../s3/xml.ts'
import type { AttemptedRequest } from '../ssec/attempt.ts'
import { mustLookAtCompleted } from '../ssec/confirm.ts'
import type { EnforcedRequest } from '../ssec/enforce.ts'
import { echoes, isTripleHeader } from '../ssec/headers.ts'
import { stepAtObject } from '../ssec/step.ts'

/**
 * Completes an upload, and looks at the object where the answer leaves something open: its ETag, which Ceph RGW 16 leaves
 * empty, or its key, where the provider did not confirm that when it created the upload.
 */
export const completeUpload = async (
  request: EnforcedRequest,
  rooms: CopyRooms,
): Promise<AttemptedRequest> => {
  const attempted = await rooms.attempt(request)
  const answer = await settled(attempted.answer)
  const completed = { ...attempted, answer } as AttemptedRequest
  const mustLook = mustLookAtCompleted(request, rooms.profile)
  if (answer.status !== 200 || !(mustLook || hasEmptyEtag(answer))) return completed
  const read = await look(completed, rooms)
  const withEtag = { ...completed, answer: withEtagOf(answer, read.answer) } as AttemptedRequest
  return mustLook ? withEchoOf(withEtag, read) : withEtag
}

const hasEmptyEtag = (answer: S3Response): boolean =>
  elementText(documentText(answer), 'ETag') === ''

/** Asks for the very version that the completion says it made. */
const look = ({ request, answer }: AttemptedRequest, rooms: CopyRooms): Promise<AttemptedRequest> =>
  rooms.attempt(
    stepAtObject(request, {
      operation: 'HeadObject',
      query: versionQuery(answer),
      headers: requesterHeaders(request),
    }),
  )

const withEtagOf = (answer: S3Response, { status, headers }: S3Response): S3Response => {
  const etag = headers.get('etag')
  if (status !== 200 || etag === undefined || !hasEmptyEtag(answer)) return answer
  return withDocument(answer, Buffer.from(mapElementText(documentText(answer), 'ETag', () => etag)))
}

/** The completion with the echo of a look at its object; with none, and so unconfirmed, when that shows no key of ours. */
const withEchoOf = (completed: AttemptedRequest, read: AttemptedRequest): AttemptedRequest => {
  const { request, answer } = completed
  const { object } = read.attempt
  if (object === undefined || !echoes(read.answer.headers, object)) {
    return {
      ...completed,
      attempt: { object: request.keys?.[0], source: undefined },
    } as AttemptedRequest
  }
  const echo = [...read.answer.headers].filter(([name]) => isTripleHeader('object', name))
  const confirmed = { ...answer, headers: withHeaders(answer.headers, echo) }
  return { ...completed, attempt: read.attempt, answer: confirmed } as AttemptedRequest
}
