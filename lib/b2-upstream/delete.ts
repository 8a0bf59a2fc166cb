import { UpstreamRefusal } from '../b2/error.ts'
import type { Fields } from '../b2/fields.ts'
import { needText } from '../b2/fields.ts'
import { emptyAnswer, xmlAnswer } from '../s3/answer.ts'
import { queryValue } from '../s3/query.ts'
import type { S3Response } from '../s3/response.ts'
import { elementText } from '../s3/xml.ts'
import { document, group, text } from '../s3/xml-write.ts'
import { notImplemented, Refused, refusedBy, toldBy } from './error.ts'
import type { BucketRequest, ObjectRequest, Request } from './request.ts'

/** One object, or one version of it, to be deleted. */
interface Doomed {
  readonly bucket: string
  readonly objectKey: string
  readonly versionId: string | undefined
}

/** What was deleted: a version; or nothing but the marker that hides the object, when there was one to hide. */
type Deleted = { readonly versionId: string } | { readonly marker: string | undefined }

/** There is nothing to delete, which S3 calls a success. */
const ABSENT = ['no_such_file', 'already_hidden', 'file_not_present', 'not_found']

const isAbsent = (error: unknown): boolean =>
  error instanceof UpstreamRefusal && ABSENT.includes(toldBy(error.answer).code ?? '')

const hide = async ({ bucket, objectKey }: Doomed, request: Request): Promise<Deleted> => {
  const { places, native, signal } = request
  const bucketId = await places.bucketId(bucket, signal)
  try {
    const hidden = await native.call('b2_hide_file', { bucketId, fileName: objectKey }, signal)
    return { marker: needText(hidden, 'fileId') }
  } catch (error) {
    if (isAbsent(error)) return { marker: undefined }
    throw error
  }
}

const deleteVersion = async (
  doomed: Doomed,
  fileId: string,
  request: Request,
): Promise<Deleted> => {
  const { places, native, signal, saying } = request
  const bypass = saying.headers.get('x-amz-bypass-governance-retention') === 'true'
  const fields: Fields = {
    fileName: doomed.objectKey,
    fileId,
    ...(bypass && { bypassGovernance: true }),
  }
  try {
    await places.checkVersion(doomed, fileId, signal)
    await native.call('b2_delete_file_version', fields, signal)
  } catch (error) {
    const isGone = error instanceof Refused && error.code === 'NoSuchVersion'
    if (!isGone && !isAbsent(error)) throw error
  }
  return { versionId: fileId }
}

const doom = (doomed: Doomed, request: Request): Promise<Deleted> =>
  doomed.versionId === undefined
    ? hide(doomed, request)
    : deleteVersion(doomed, doomed.versionId, request)

/**
 * DeleteObject: hides the object, as a bucket with versions does, or deletes the version that is named.
 * https://www.backblaze.com/apidocs/b2-hide-file
 */
export const deleteObject = async (request: ObjectRequest): Promise<S3Response> => {
  const versionId = queryValue(request.saying.query, 'versionId')
  const deleted = await doom({ ...request.address, versionId }, request)
  if ('versionId' in deleted) return emptyAnswer(204, [['x-amz-version-id', deleted.versionId]])
  if (deleted.marker === undefined) return emptyAnswer(204)
  return emptyAnswer(204, [
    ['x-amz-delete-marker', 'true'],
    ['x-amz-version-id', deleted.marker],
  ])
}

/** Deletions under way at once, of one request. */
const AT_ONCE = 8
/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html */
const MOST = 1000

const doomedOf = (xml: string, bucket: string): readonly (Doomed & { readonly xml: string })[] =>
  [...xml.matchAll(/<Object>[\s\S]*?<\/Object>/g)].map(([object]) => ({
    bucket,
    objectKey: elementText(object, 'Key') ?? '',
    versionId: elementText(object, 'VersionId') || undefined,
    xml: object,
  }))

const deletedElement = ({ objectKey, versionId }: Doomed, deleted: Deleted): string =>
  group(
    'Deleted',
    text('Key', objectKey),
    text('VersionId', versionId),
    ...('marker' in deleted && deleted.marker !== undefined
      ? [text('DeleteMarker', true), text('DeleteMarkerVersionId', deleted.marker)]
      : []),
  )

const errorElement = ({ objectKey, versionId }: Doomed, { code, message }: Refused): string =>
  group(
    'Error',
    text('Key', objectKey),
    text('VersionId', versionId),
    text('Code', code),
    text('Message', message),
  )

const refusalOf = (error: unknown): Refused => {
  if (error instanceof Refused) return error
  if (error instanceof UpstreamRefusal) return refusedBy(error.answer)
  throw error
}

// A condition that cannot be kept must not be forgotten.
const checkConditions = (object: string): void => {
  const condition = ['ETag', 'LastModifiedTime', 'Size'].find(
    name => elementText(object, name) !== undefined,
  )
  if (condition !== undefined)
    throw notImplemented(
      `B2's native API has no conditional deletes, and ${condition} must not be forgotten.`,
    )
}

/** DeleteObjects, some at once. The policy has read this very document before. */
export const deleteObjects = async (request: BucketRequest): Promise<S3Response> => {
  const { saying, address } = request
  const xml = saying.body.kind === 'bytes' ? saying.body.bytes.toString('utf8') : ''
  const isQuiet = elementText(xml, 'Quiet') === 'true'
  const waiting = doomedOf(xml, address.bucket)
  if (waiting.length > MOST)
    throw new Refused(400, 'MalformedXML', `At most ${MOST} objects at once.`)
  const elements: string[] = []
  const queue = waiting.entries()
  const work = async (): Promise<void> => {
    for (const [index, each] of queue) {
      try {
        checkConditions(each.xml)
        const deleted = await doom(each, request)
        elements[index] = isQuiet ? '' : deletedElement(each, deleted)
      } catch (error) {
        elements[index] = errorElement(each, refusalOf(error))
      }
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, work))
  return xmlAnswer(document('DeleteResult', ...elements))
}
