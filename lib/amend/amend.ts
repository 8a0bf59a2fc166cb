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
export const amend = async (
  request: EnforcedRequest,
  rooms: AmendRooms,
): Promise<AttemptedRequest> => {
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
      return explainBlock(await rooms.attempt(request), rooms)
  }
}
