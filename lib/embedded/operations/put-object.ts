import { emptyAnswer } from '../../s3/answer.ts'
import type { Headers } from '../../s3/headers.ts'
import type { S3Response } from '../../s3/response.ts'
import { checksumHeaders } from '../body/checksum.ts'
import { openBody } from '../body/open-body.ts'
import type { ObjectCall } from '../call.ts'
import { quoted } from '../document.ts'
import { type CustomerKey, echo, prove, writeKey } from '../ssec.ts'
import type { Bucket } from '../store/bucket.ts'
import type { ObjectRecord, Part, Properties } from '../store/records.ts'
import { checkWriteConditions } from './conditions.ts'
import { readProperties } from './properties.ts'
import { storePart } from './store-part.ts'

export const putObject = async ({
  bucket,
  objectKey,
  request,
}: ObjectCall): Promise<S3Response> => {
  const { headers } = request
  const key = writeKey(headers)
  const properties = readProperties(headers)
  const body = await openBody(request, { md5: key === undefined })
  const part = await storePart(bucket, 1, body, key)
  const object = objectOfOnePart(objectKey, part, properties, key)
  commit(bucket, headers, object)
  const etag = ['etag', quoted(object.etag)] as const
  return emptyAnswer(200, [etag, ...echo(key), ...checksumHeaders(object.checksum)])
}

export const objectOfOnePart = (
  objectKey: string,
  part: Part,
  properties: Properties,
  key: CustomerKey | undefined,
): ObjectRecord => ({
  objectKey,
  etag: part.etag,
  size: part.segment.length,
  lastModified: part.lastModified,
  properties,
  proof: prove(key),
  checksum: part.checksum,
  parts: [part],
  multipart: false,
})

/** Lets a stored object take effect, if the request's conditions hold; else its bytes are discarded. */
export const commit = (bucket: Bucket, headers: Headers, object: ObjectRecord): void => {
  try {
    checkWriteConditions(headers, object.objectKey, bucket.object(object.objectKey))
    bucket.putObject(object)
  } catch (cause) {
    bucket.segments.discard(object.parts.map(({ segment }) => segment))
    throw cause
  }
}
