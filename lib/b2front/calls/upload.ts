import { jsonAnswer } from '../../b2/error.ts'
import { decodeB2 } from '../../b2/file-name.ts'
import { S3Error } from '../../s3/error.ts'
import { tell } from '../ask.ts'
import { type Answer, bucketIn, checkFileName, numberIn, objectAddress } from '../call.ts'
import { contentTypeOf } from '../content-type.ts'
import { encryptionIn, encryptionOfHeaders } from '../encryption.ts'
import { fileDocument, NO_SHA1 } from '../file.ts'
import { infoOfHeaders, metadataOf } from '../file-info.ts'
import { bucketIdOf, bucketOfId, fileIdOf, largeOfId } from '../ids.ts'
import { announced } from '../sha1.ts'

/**
 * An upload URL says its place itself, and its token is sealed together with it: every replica takes it, and none
 * keeps it.
 */
export const getUploadUrl: Answer = async ({ fields, request, caller, tokens }) => {
  const bucketId = bucketIdOf(bucketIn(fields))
  return jsonAnswer(200, {
    bucketId,
    uploadUrl: `${request.base}/b2api/v2/b2_upload_file/${bucketId}`,
    authorizationToken: tokens.upload(caller, bucketId),
  })
}

export const getUploadPartUrl: Answer = async ({ fields, request, caller, tokens }) => {
  const fileId = String(fields['fileId'])
  largeOfId(fileId)
  return jsonAnswer(200, {
    fileId,
    uploadUrl: `${request.base}/b2api/v2/b2_upload_part/${fileId}`,
    authorizationToken: tokens.upload(caller, fileId),
  })
}

const nameOf = (name: string | undefined): string => {
  if (name === undefined || name === '')
    throw new S3Error('InvalidRequest', 'header X-Bz-File-Name is missing')
  return checkFileName(decodeB2(name))
}

/** Streams a file to the bucket that its URL names. https://www.backblaze.com/apidocs/b2-upload-file */
export const uploadFile: Answer = async ({ request, caller, ask, now }) => {
  const { headers, wire, proceed } = request
  const place = {
    bucket: bucketOfId(request.rest),
    objectKey: nameOf(headers.get('x-bz-file-name')),
  }
  const { payload, sha1, verified } = announced(request)
  const contentType = contentTypeOf(headers.get('content-type'), place.objectKey)
  const fileInfo = infoOfHeaders(headers)
  const { headers: answered } = await tell(ask, {
    method: 'PUT',
    address: objectAddress(place.bucket, place.objectKey),
    headers: [
      ['content-type', contentType],
      ...metadataOf(fileInfo, sha1),
      ...encryptionOfHeaders(headers),
    ],
    body: { kind: 'object', wire, payload, proceed },
  })
  const file = {
    ...place,
    action: 'upload',
    fileId: fileIdOf(place, answered.get('x-amz-version-id'), answered.get('etag')),
    contentLength: payload.length,
    contentSha1: verified() ?? NO_SHA1,
    contentType,
    fileInfo,
    encryption: encryptionIn(answered),
    uploadTimestamp: now.getTime(),
  } as const
  return jsonAnswer(200, fileDocument(caller.client, file))
}

/** S3 numbers parts as B2 does. */
const PARTS = [1, 10_000] as const

/** The number of a part, from wherever it is said. @throws {S3Error} `InvalidRequest` */
export const partNumberOf = (value: unknown): number => {
  const partNumber = numberIn({ partNumber: value }, 'partNumber', 0, PARTS)
  if (partNumber > 0) return partNumber
  throw new S3Error('InvalidRequest', 'The part number is missing.')
}

/** Streams a part to the large file that its URL names. https://www.backblaze.com/apidocs/b2-upload-part */
export const uploadPart: Answer = async ({ request, ask, now }) => {
  const { headers, wire, proceed, rest: fileId } = request
  const large = largeOfId(fileId)
  const partNumber = partNumberOf(headers.get('x-bz-part-number'))
  const { payload, verified } = announced(request)
  const { headers: answered } = await tell(ask, {
    method: 'PUT',
    address: objectAddress(large.bucket, large.objectKey),
    query: [
      ['partNumber', String(partNumber)],
      ['uploadId', large.uploadId],
    ],
    headers: encryptionOfHeaders(headers),
    body: { kind: 'object', wire, payload, proceed },
  })
  return jsonAnswer(200, {
    fileId,
    partNumber,
    contentLength: payload.length,
    contentMd5: null,
    contentSha1: verified() ?? NO_SHA1,
    serverSideEncryption: encryptionIn(answered),
    uploadTimestamp: now.getTime(),
  })
}
