import { hasParameter } from '../s3/query.ts'
import type { AttemptedRequest } from '../ssec/attempt.ts'
import type { EnforcedRequest } from '../ssec/enforce.ts'
import { getAttributes } from './attributes.ts'
import { type AmendRooms, explainBlock } from './blocked.ts'
import { completeUpload } from './complete.ts'
import { readPart } from './part.ts'

/**
 * Sends a request, and makes its answer what S3's would be where providers are known to answer otherwise, with further
 * requests where it takes them.
 */
export const amend = (request: EnforcedRequest, rooms: AmendRooms): Promise<AttemptedRequest> => {
  switch (request.operation.name) {
    case 'CompleteMultipartUpload':
      return completeUpload(request, rooms)
    case 'GetObjectAttributes':
      return getAttributes(request, rooms)
    case 'GetObject':
    case 'HeadObject':
      return hasParameter(request.query, 'partNumber')
        ? readPart(request, rooms)
        : rooms.attempt(request)
    default:
      return explained(request, rooms)
  }
}

const explained = async (
  request: EnforcedRequest,
  rooms: AmendRooms,
): Promise<AttemptedRequest> => {
  const attempted = await rooms.attempt(request)
  return attempted.answer.status === 403 ? explainBlock(attempted, rooms) : attempted
}
