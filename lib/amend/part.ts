import type { CopyRooms } from '../copy/rooms.ts'
import { discard } from '../response/document.ts'
import { S3Error } from '../s3/error.ts'
import { type Headers, withHeaders } from '../s3/headers.ts'
import { queryValue } from '../s3/query.ts'
import type { S3Response } from '../s3/response.ts'
import type { AttemptedRequest } from '../ssec/attempt.ts'
import type { EnforcedRequest } from '../ssec/enforce.ts'

/**
 * Reads one part of an object, by its number. S3 answers 206 with the part's range; a 200 is the whole object of a provider
 * that ignores the number, as Ceph RGW 16 does, and is never passed on as if it were the part.
 *
 * @throws {S3Error} `InvalidRequest` and `InvalidArgument` as S3, `InvalidPartNumber` for a part that the object does not
 * have, `NotImplemented` where the provider does not tell where the part begins and ends
 */
export const readPart = async (
  request: EnforcedRequest,
  rooms: CopyRooms,
): Promise<AttemptedRequest> => {
  const number = partNumber(request)
  if (request.headers.has('range')) {
    throw new S3Error(
      'InvalidRequest',
      'Cannot specify both Range header and partNumber query parameter',
    )
  }
  const attempted = await rooms.attempt(request)
  const { answer } = attempted
  if (answer.status !== 200) return attempted
  try {
    return { ...attempted, answer: asPart(answer, number) } as AttemptedRequest
  } catch (error) {
    discard(answer)
    throw error
  }
}

const partNumber = ({ query }: EnforcedRequest): number => {
  const text = queryValue(query, 'partNumber') ?? ''
  const number = /^\d{1,5}$/.test(text) ? Number(text) : 0
  if (number >= 1 && number <= 10_000) return number
  throw new S3Error(
    'InvalidArgument',
    'Part number must be an integer between 1 and 10000, inclusive',
    { details: { ArgumentName: 'partNumber', ArgumentValue: text } },
  )
}

/** How many parts an object's ETag says that it was uploaded in: 0 when in none, undefined when the ETag does not tell. */
export const partsCount = (headers: Headers): number | undefined => {
  const [, hex, count] = /^"?([0-9a-f]{32})(?:-(\d+))?"?$/.exec(headers.get('etag') ?? '') ?? []
  return hex === undefined ? undefined : Number(count ?? 0)
}

/** A whole object as its only part. */
const asPart = (answer: S3Response, number: number): S3Response => {
  const count = partsCount(answer.headers)
  if (count === undefined || count > 1) {
    throw new S3Error(
      'NotImplemented',
      'The storage provider does not read objects by part number, and does not tell where the parts of this object begin. Ask for a range instead.',
    )
  }
  if (number > 1) throw new S3Error('InvalidPartNumber')
  const length = Number(answer.headers.get('content-length') ?? 0)
  // An empty object has no byte that a range could name.
  if (length === 0) return answer
  const range = `bytes 0-${length - 1}/${length}`
  const counted = count === 0 ? [] : [['x-amz-mp-parts-count', '1'] as const]
  const headers = withHeaders(answer.headers, [['content-range', range], ...counted])
  return { ...answer, status: 206, headers }
}
