import type { CopyRooms } from '../copy/rooms.ts'
import type { AttemptedRequest } from '../ssec/attempt.ts'
import type { EnforcedRequest } from '../ssec/enforce.ts'
import { completeUpload } from './complete.ts'

/**
 * Sends a request, and makes its answer what S3's would be where providers are known to answer otherwise, with further
 * requests where it takes them.
 */
export const amend = (request: EnforcedRequest, rooms: CopyRooms): Promise<AttemptedRequest> => {
  switch (request.operation.name) {
    case 'CompleteMultipartUpload':
      return completeUpload(request, rooms)
    default:
      return rooms.attempt(request)
  }
}
