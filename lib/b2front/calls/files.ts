import { jsonAnswer } from '../../b2/error.ts'
import { needText } from '../../b2/fields.ts'
import type { Headers } from '../../s3/headers.ts'
import { tell } from '../ask.ts'
import { type Answer, bucketAddress, bucketIn, checkFileName, objectAddress } from '../call.ts'
import { askingFor, describe, fileDocument, head, NO_SHA1, timestampOf } from '../file.ts'
import { type FileName, fileIdOf, fileOfId } from '../ids.ts'
import { refusal, refusalOf } from '../refusal.ts'
import { fieldIn } from '../xml.ts'

/** A file that hides those before it: a delete marker of S3's. */
export const hidden = (place: FileName, versionId: string, at: number) =>
  ({
    bucket: place.bucket,
    objectKey: place.objectKey,
    action: 'hide',
    fileId: fileIdOf(place, versionId, undefined),
    contentLength: 0,
    // B2's own word for it: clients read a text here.
    contentSha1: NO_SHA1,
    contentType: 'application/x-bz-hide-marker',
    fileInfo: {},
    encryption: { mode: 'none', algorithm: null },
    uploadTimestamp: at,
  }) as const

/** https://www.backblaze.com/apidocs/b2-get-file-info */
export const getFileInfo: Answer = async ({ fields, caller, ask }) => {
  const file = fileOfId(needText(fields, 'fileId'))
  const answer = await ask({ method: 'HEAD', ...askingFor(file) })
  const { headers, status } = answer
  // What is asked of a delete marker is not allowed, and the answer says why.
  const isMarker = headers.get('x-amz-delete-marker') === 'true' && file.versionId !== undefined
  if (status === 405 && isMarker) {
    const marker = hidden(file, file.versionId, timestampOf(headers.get('last-modified')))
    return jsonAnswer(200, fileDocument(caller.client, marker))
  }
  if (status >= 300) throw refusalOf(answer)
  return jsonAnswer(200, fileDocument(caller.client, describe(file, headers)))
}

/**
 * Hides a file behind a delete marker. Where a bucket keeps no versions S3 would delete it for good, so that is refused.
 * https://www.backblaze.com/apidocs/b2-hide-file
 */
export const hideFile: Answer = async ({ fields, caller, ask, now }) => {
  const bucket = bucketIn(fields)
  const objectKey = checkFileName(needText(fields, 'fileName'))
  const query = [['versioning', '']] as const
  const { xml } = await tell(ask, { method: 'GET', address: bucketAddress(bucket), query })
  if (fieldIn(xml, 'Status') !== 'Enabled')
    throw refusal(
      400,
      'bad_request',
      'b2_hide_file is not served for a bucket that keeps no versions: S3 would delete the file for good. b2_delete_file_version does.',
    )
  const address = objectAddress(bucket, objectKey)
  const { headers } = await tell(ask, { method: 'DELETE', address })
  const file = { bucket, objectKey, versionId: undefined, etag: undefined }
  const marker = hidden(file, headers.get('x-amz-version-id') ?? '', now.getTime())
  return jsonAnswer(200, fileDocument(caller.client, marker))
}

const versionIn = (headers: Headers): string | undefined => headers.get('x-amz-version-id')

/**
 * Deletes exactly the file of an id. Deleting by name would, in a bucket with versions, only hide it; so an id that
 * came of a listing without versions is looked up first.
 * https://www.backblaze.com/apidocs/b2-delete-file-version
 */
export const deleteFileVersion: Answer = async ({ fields, ask }) => {
  const fileId = needText(fields, 'fileId')
  const file = fileOfId(fileId)
  if (needText(fields, 'fileName') !== file.objectKey)
    throw refusal(400, 'bad_request', 'The file name is not that of the file id.')
  const versionId = file.versionId ?? versionIn(await head(ask, file))
  const { address } = askingFor(file)
  await tell(ask, { method: 'DELETE', address, query: [['versionId', versionId]] })
  return jsonAnswer(200, { fileId, fileName: file.objectKey })
}
