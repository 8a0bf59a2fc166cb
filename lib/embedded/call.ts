import type { S3Response } from '../s3/response.ts'
import type { EmbeddedRequest } from './request.ts'
import type { Bucket } from './store/bucket.ts'
import type { Store } from './store/store.ts'

/** An operation to be carried out on the whole store. */
export interface StoreCall {
  readonly store: Store
  readonly request: EmbeddedRequest
}

export interface BucketCall extends StoreCall {
  readonly bucket: Bucket
}

export interface ObjectCall extends BucketCall {
  readonly objectKey: string
}

/** Carries out an operation. */
export type Handler<Call> = (call: Call) => S3Response | Promise<S3Response>
