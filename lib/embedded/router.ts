import { S3Error } from '../s3/error.ts'
import type { OperationName } from '../s3/operation.ts'
import { queryValue } from '../s3/query.ts'
import type { S3Response } from '../s3/response.ts'
import type { BucketCall, Handler, ObjectCall, StoreCall } from './call.ts'
import { invalidArgument } from './error.ts'
import { getObjectAttributes } from './operations/attributes.ts'
import * as buckets from './operations/buckets.ts'
import { completeMultipartUpload } from './operations/complete-upload.ts'
import { copyObject, uploadPartCopy } from './operations/copy.ts'
import { deleteObject, deleteObjects } from './operations/delete-objects.ts'
import { listObjects, listObjectsV2 } from './operations/list-objects.ts'
import { listMultipartUploads, listParts } from './operations/list-uploads.ts'
import { putObject } from './operations/put-object.ts'
import { getObject, headObject } from './operations/read-object.ts'
import { deleteObjectTagging, getObjectTagging, putObjectTagging } from './operations/tagging.ts'
import * as uploads from './operations/uploads.ts'
import type { EmbeddedRequest } from './request.ts'
import type { Store } from './store/store.ts'
import { refuseUnimplemented } from './unimplemented.ts'

const inBucket =
  (handler: Handler<BucketCall>): Handler<StoreCall> =>
  call =>
    handler(toBucketCall(call))

const onObject =
  (handler: Handler<ObjectCall>): Handler<StoreCall> =>
  call =>
    handler(toObjectCall(call))

const HANDLERS: Readonly<Partial<Record<OperationName, Handler<StoreCall>>>> = {
  ListBuckets: buckets.listBuckets,
  CreateBucket: buckets.createBucket,
  HeadBucket: inBucket(buckets.headBucket),
  DeleteBucket: inBucket(buckets.deleteBucket),
  GetBucketLocation: inBucket(buckets.getBucketLocation),
  ListObjects: inBucket(listObjects),
  ListObjectsV2: inBucket(listObjectsV2),
  ListMultipartUploads: inBucket(listMultipartUploads),
  DeleteObjects: inBucket(deleteObjects),
  GetObject: onObject(getObject),
  HeadObject: onObject(headObject),
  PutObject: onObject(putObject),
  CopyObject: onObject(copyObject),
  DeleteObject: onObject(deleteObject),
  GetObjectAttributes: onObject(getObjectAttributes),
  GetObjectTagging: onObject(getObjectTagging),
  PutObjectTagging: onObject(putObjectTagging),
  DeleteObjectTagging: onObject(deleteObjectTagging),
  CreateMultipartUpload: onObject(uploads.createMultipartUpload),
  UploadPart: onObject(uploads.uploadPart),
  UploadPartCopy: onObject(uploadPartCopy),
  CompleteMultipartUpload: onObject(completeMultipartUpload),
  AbortMultipartUpload: onObject(uploads.abortMultipartUpload),
  ListParts: onObject(listParts),
}

/**
 * Carries out a request.
 *
 * @throws {Refusal} `NotImplemented` for every operation that the table does not have
 */
export const route = async (store: Store, request: EmbeddedRequest): Promise<S3Response> => {
  const { name } = request.operation
  const handler = HANDLERS[name]
  if (handler === undefined) {
    throw new S3Error('NotImplemented', `${name} is not implemented by the embedded upstream.`)
  }
  refuseUnimplemented(request.headers)
  return handler({ store, request })
}

const toBucketCall = ({ store, request }: StoreCall): BucketCall => {
  const { address } = request
  return { store, request, bucket: store.bucket(address.level === 'service' ? '' : address.bucket) }
}

const toObjectCall = (call: StoreCall): ObjectCall => {
  const { address, query } = call.request
  checkVersion(queryValue(query, 'versionId') ?? 'null')
  return { ...toBucketCall(call), objectKey: address.level === 'object' ? address.objectKey : '' }
}

/** There are no versions but the one that S3 calls `null`. */
const checkVersion = (versionId: string): void => {
  if (versionId === 'null') return
  throw invalidArgument('Invalid version id specified', 'versionId', versionId)
}
