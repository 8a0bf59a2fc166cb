import type { Saying } from '../dialect/to-upstream.ts'
import type { Address } from '../s3/address.ts'
import type { Operation } from '../s3/operation.ts'
import type { Native } from './native.ts'
import type { Places } from './places.ts'
import type { Uploader } from './upload.ts'

/** B2 as an S3 request finds it. */
export interface Rooms {
  readonly native: Native
  readonly places: Places
  readonly uploader: Uploader
}

/** An S3 request to be carried out by calls of B2's. */
export interface Request<Place extends Address = Address> extends Rooms {
  readonly address: Place
  readonly operation: Operation
  readonly saying: Saying
  readonly signal: AbortSignal
}

export type BucketRequest = Request<Extract<Address, { level: 'bucket' }>>
export type ObjectRequest = Request<Extract<Address, { level: 'object' }>>
