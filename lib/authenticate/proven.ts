import { S3Error } from '../s3/error.ts'
import type { Query } from '../s3/query.ts'
import type { ChunkSeal } from './chunk-signatures.ts'
import type { Client } from './client.ts'

/** Who sent a request, and what of it that settles. */
export interface Proven {
  readonly client: Client
  /** The reading of the query that was signed. */
  readonly query: Query
  /** Value for `x-amz-content-sha256`. */
  readonly payloadHash: string
  readonly seal: ChunkSeal | undefined
  /** Whether bodies may come as OBS takes them. */
  readonly isLenient?: boolean
}

/** The error for a request that says in two places who sends it. */
export const severalMechanisms = (): S3Error =>
  new S3Error(
    'InvalidArgument',
    'Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature query string parameter or the Authorization header should be specified',
    { details: { ArgumentName: 'Authorization' } },
  )
