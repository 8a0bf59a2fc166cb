import type { ObjectCall } from '../call.ts'
import { UpstreamError } from '../error.ts'
import type { ObjectRecord } from '../store/records.ts'

/** The object that a call names. @throws {UpstreamError} `NoSuchKey` */
export const findObject = ({
  bucket,
  objectKey,
}: Pick<ObjectCall, 'bucket' | 'objectKey'>): ObjectRecord => {
  const object = bucket.object(objectKey)
  if (object === undefined) throw new UpstreamError('NoSuchKey', { Key: objectKey })
  return object
}
