import { needText, textOf } from '../b2/fields.ts'
import { encodeFileName } from '../b2/file-name.ts'
import { emptyAnswer } from '../s3/answer.ts'
import type { S3Response } from '../s3/response.ts'
import { quoted } from '../s3/xml-write.ts'
import { echoOf, etagOf } from './answers.ts'
import { infoHeaders, infoOf } from './metadata.ts'
import type { ObjectRequest } from './request.ts'
import { encryptionHeaders, isEncrypting } from './words.ts'

/** What S3 takes an object for that has no content type. */
export const DEFAULT_TYPE = 'binary/octet-stream'

/** PutObject by `b2_upload_file`. https://www.backblaze.com/apidocs/b2-upload-file */
export const putObject = async ({
  address: { bucket, objectKey },
  saying: { headers, body },
  places,
  uploader,
  signal,
}: ObjectRequest): Promise<S3Response> => {
  const bucketId = await places.bucketId(bucket, signal)
  const said = new Map([
    ['x-bz-file-name', encodeFileName(objectKey)],
    ['content-type', headers.get('content-type') ?? DEFAULT_TYPE],
    ['accept-encoding', 'identity'],
    ...infoHeaders(infoOf(headers, objectKey, isEncrypting(headers))),
    ...encryptionHeaders(headers),
  ])
  const document = await uploader.upload({ kind: 'bucket', bucketId }, said, body, signal)
  const fileId = needText(document, 'fileId')
  if (textOf(document, 'fileName') === objectKey) places.remember(bucketId, objectKey, fileId)
  return emptyAnswer(200, [
    ['etag', quoted(etagOf(fileId))],
    ['x-amz-version-id', fileId],
    ...echoOf(document, headers),
  ])
}
