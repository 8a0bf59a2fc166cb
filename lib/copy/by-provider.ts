import { documentText } from '../response/document.ts'
import { withHeaders } from '../s3/headers.ts'
import { elementText } from '../s3/xml.ts'
import type { AttemptedRequest } from '../ssec/attempt.ts'
import type { Attempts } from '../ssec/attempts.ts'
import type { EnforcedRequest } from '../ssec/enforce.ts'
import { echoes, isTripleHeader } from '../ssec/headers.ts'
import { type Step, stepAtDestination, stepAtSource } from '../ssec/step.ts'
import { type CopyRooms, settled, take, versionQuery } from './rooms.ts'
import { sourceOwner } from './source.ts'
import { requesterHeaders } from './written-headers.ts'

/** Whether the provider's answer to a copy says that it cannot copy so, or may mean that. */
export const cannotCopy = ({ request, answer, refusal }: AttemptedRequest): boolean =>
  answer.status === 501 ||
  elementText(documentText(answer), 'Code') === 'NotImplemented' ||
  // RGW 16 ignores the source's triple here, and so finds no key right: reading tells whether none is.
  (request.operation.name === 'UploadPartCopy' &&
    (refusal === 'wrong-key' || refusal === 'key-needed'))

/**
 * A copy as the provider shall carry it out that reads every source with the upload's key; undefined when the source
 * has another. The source is asked first, for such a provider does not tell a plaintext one.
 *
 * @throws {S3Error} `AccessDenied` for a plaintext source where the rule denies such reads
 */
export const withUploadsKey = async (
  copy: EnforcedRequest,
  rooms: CopyRooms,
): Promise<EnforcedRequest | undefined> => {
  const [{ object }] = copy.attempts
  const step: Step = { operation: 'HeadObject', headers: sourceOwner(copy) }
  const { answer, attempt } = await take(rooms, stepAtSource(copy, step))
  const key = attempt.object
  const source = key !== undefined && echoes(answer.headers, key) ? key : undefined
  const fits = answer.status === 200 && (source === undefined || source.md5 === object?.md5)
  const attempts: Attempts = [{ object, source }]
  return fits ? ({ ...copy, attempts } as EnforcedRequest) : undefined
}

const unquoted = (etag: string | undefined): string | undefined => etag?.replaceAll('"', '')

/**
 * A CopyObject with the echo that its answer lacks, when a read of what it made has it. MinIO and RGW do not echo there,
 * and RGW 16 does not encrypt either.
 */
export const withEchoOfRead = async (
  attempted: AttemptedRequest,
  rooms: CopyRooms,
): Promise<AttemptedRequest> => {
  const answer = await settled(attempted.answer)
  if (answer.status >= 300) return { ...attempted, answer } as AttemptedRequest
  const etag = unquoted(elementText(documentText(answer), 'ETag'))
  const read = await readBack({ ...attempted, answer } as AttemptedRequest, rooms)
  const isSame = etag !== undefined && unquoted(read.headers.get('etag')) === etag
  const echo = [...read.headers].filter(([name]) => isTripleHeader('object', name))
  const headers = isSame ? withHeaders(answer.headers, echo) : answer.headers
  return { ...attempted, answer: { ...answer, headers } } as AttemptedRequest
}

const readBack = async (
  { request, answer }: AttemptedRequest,
  rooms: CopyRooms,
): Promise<AttemptedRequest['answer']> => {
  const query = versionQuery(answer)
  const step: Step = { operation: 'HeadObject', query, headers: requesterHeaders(request) }
  return (await rooms.attempt(stepAtDestination(request, step, rooms.profile))).answer
}
