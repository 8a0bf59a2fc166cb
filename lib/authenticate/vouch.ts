import type { Payload } from '../s3/body.ts'
import type { S3Request } from '../s3/request.ts'
import type { AuthenticatedRequest } from './authenticate.ts'
import type { Client } from './client.ts'

/**
 * A request of a client that another API's lane has authenticated, and said in S3's words: its headers and query are
 * the lane's own, and none that the client could have put there unread.
 *
 * @param payload none when the operation takes no body
 */
export const vouch = (
  request: S3Request,
  client: Client,
  payload: Payload | undefined,
): AuthenticatedRequest => ({ ...request, client, payload }) as unknown as AuthenticatedRequest
