import { UpstreamRefusal } from '../b2/error.ts'
import { createSendB2 } from '../b2/upstream.ts'
import type { Saying } from '../dialect/to-upstream.ts'
import { pathStyle } from '../s3/address.ts'
import type { Credentials } from '../s3/credentials.ts'
import { type OperationName, recognise } from '../s3/operation.ts'
import type { S3Response } from '../s3/response.ts'
import type { Transport } from '../transport/transport.ts'
import type { Upstream } from '../transport/upstream.ts'
import { createAccounts } from './accounts.ts'
import { refusalAnswer } from './answers.ts'
import {
  createBucket,
  deleteBucket,
  deleteEncryption,
  getAcl,
  getEncryption,
  getLocation,
  getVersioning,
  headBucket,
  listBuckets,
  putAcl,
  putEncryption,
  putVersioning,
} from './buckets.ts'
import { copyObject, copyPart } from './copy.ts'
import { deleteObject, deleteObjects } from './delete.ts'
import { notImplemented, Refused, refusedBy } from './error.ts'
import { listObjects, listObjectsV2 } from './list.ts'
import {
  abortUpload,
  completeUpload,
  createUpload,
  listParts,
  listUploads,
  uploadPart,
} from './multipart.ts'
import { createNative } from './native.ts'
import { createPlaces } from './places.ts'
import { createUploadUrls } from './pool.ts'
import { putObject } from './put.ts'
import { readObject } from './read.ts'
import type { BucketRequest, ObjectRequest, Request, Rooms } from './request.ts'
import { createUploader } from './upload.ts'
import { listObjectVersions } from './versions.ts'
import { checkWords } from './words.ts'

type CarryOut<R> = (request: R) => Promise<S3Response>
type Table<R> = Partial<Readonly<Record<OperationName, CarryOut<R>>>>

const OF_SERVICE: Table<Request> = { ListBuckets: listBuckets }

const OF_BUCKET: Table<BucketRequest> = {
  CreateBucket: createBucket,
  DeleteBucket: deleteBucket,
  DeleteBucketEncryption: deleteEncryption,
  DeleteObjects: deleteObjects,
  GetBucketAcl: getAcl,
  GetBucketEncryption: getEncryption,
  GetBucketLocation: getLocation,
  GetBucketVersioning: getVersioning,
  HeadBucket: headBucket,
  ListMultipartUploads: listUploads,
  ListObjects: listObjects,
  ListObjectVersions: listObjectVersions,
  ListObjectsV2: listObjectsV2,
  PutBucketAcl: putAcl,
  PutBucketEncryption: putEncryption,
  PutBucketVersioning: putVersioning,
}

const OF_OBJECT: Table<ObjectRequest> = {
  AbortMultipartUpload: abortUpload,
  CompleteMultipartUpload: completeUpload,
  CopyObject: copyObject,
  CreateMultipartUpload: createUpload,
  DeleteObject: deleteObject,
  GetObject: readObject,
  GetObjectAcl: getAcl,
  HeadObject: readObject,
  ListParts: listParts,
  PutObject: putObject,
  UploadPart: uploadPart,
  UploadPartCopy: copyPart,
}

/** The S3 operations that are carried out over B2's native API; the others are refused by name. */
export const CARRIED_OUT: readonly string[] = [OF_SERVICE, OF_BUCKET, OF_OBJECT].flatMap(
  Object.keys,
)

const refuse: CarryOut<Request> = async ({ operation }) => {
  throw notImplemented(`B2's native API has nothing for ${operation.name}.`)
}

const carryOut = (request: Request): Promise<S3Response> => {
  const { address, operation } = request
  const { name } = operation
  checkWords(request.saying, operation)
  switch (address.level) {
    case 'service':
      return (OF_SERVICE[name] ?? refuse)(request)
    case 'bucket':
      return (OF_BUCKET[name] ?? refuse)({ ...request, address })
    case 'object':
      return (OF_OBJECT[name] ?? refuse)({ ...request, address })
  }
}

const OWNERS = ['x-amz-expected-bucket-owner', 'x-amz-source-expected-bucket-owner']

/** All buckets of an account are its own. */
const checkOwners = async ({ saying, native }: Request): Promise<void> => {
  const expected = OWNERS.flatMap(name => saying.headers.get(name) ?? [])
  if (expected.length === 0) return
  const account = await native.accounts.with(async ({ account }) => account)
  if (expected.some(owner => owner !== account))
    throw new Refused(
      403,
      'AccessDenied',
      'Access Denied: the bucket is not the expected account’s.',
    )
}

const asRefusal = (error: unknown): Refused => {
  if (error instanceof Refused) return error
  if (error instanceof UpstreamRefusal) return refusedBy(error.answer)
  throw error
}

export interface B2UpstreamParts {
  readonly upstream: Upstream
  /** An application key; without one B2's native API does nothing. */
  readonly credentials: (() => Promise<Credentials>) | undefined
  /** Reaches whatever origin a request's upstream names. */
  readonly transport: Transport
  readonly now: () => Date
}

/** Carries out what is said in S3's vocabulary. What B2 refuses, or has nothing for, is an answer as S3 would give it. */
export type B2Upstream = (saying: Saying, signal: AbortSignal) => Promise<S3Response>

const createRooms = (
  { upstream, transport, now }: B2UpstreamParts,
  credentials: () => Promise<Credentials>,
): Rooms => {
  const send = createSendB2(transport)
  const native = createNative(upstream, createAccounts(upstream, credentials, send), send)
  return {
    native,
    places: createPlaces(native),
    uploader: createUploader(native, createUploadUrls(now), now),
  }
}

/** An upstream that speaks S3, and has B2's native API behind it. */
export const createB2Upstream = (parts: B2UpstreamParts): B2Upstream => {
  const rooms = parts.credentials && createRooms(parts, parts.credentials)
  return async (saying, signal) => {
    const { method, address, query, headers } = saying
    try {
      if (rooms === undefined)
        throw new Refused(403, 'AccessDenied', "B2's native API takes no request without a key.")
      const operation = recognise(method, address, query, headers)
      const request = { ...rooms, address, operation, saying, signal }
      await checkOwners(request)
      return await carryOut(request)
    } catch (error) {
      return refusalAnswer(asRefusal(error), method, pathStyle(address))
    }
  }
}
