import { type Headers, withoutHeaders } from '../s3/headers.ts'
import type { OperationName } from '../s3/operation.ts'
import type { ReceivedRequest } from './enforce.ts'
import { withOtherDocument } from './other-document.ts'

/** What belongs to an upload in parts, and must speak of checksums in one voice. */
const OF_UPLOADS: ReadonlySet<OperationName> = new Set([
  'CreateMultipartUpload',
  'UploadPart',
  'CompleteMultipartUpload',
])

/**
 * A request as the provider shall have it that takes no checksum behind a body.
 *
 * Such a part goes without: its checksum is known when it has gone, and was verified here before the last byte went. So the
 * whole upload must go without, for S3 demands of each part the algorithm that its creation declared, and of its completion
 * the parts' checksums. Nothing is kept between these requests that would tell which parts had theirs in the head.
 *
 * @param takesTrailers whether the provider takes checksums there, so that nothing needs to be changed
 */
export const withProviderChecksums = (
  request: ReceivedRequest,
  takesTrailers: boolean,
): ReceivedRequest => {
  if (takesTrailers || !OF_UPLOADS.has(request.operation.name)) return request
  const { body } = request
  const headers = withoutChecksums(request.headers)
  if (request.operation.name !== 'CompleteMultipartUpload' || body.kind !== 'bytes') {
    return { ...request, headers, body: withoutTrailer(body) } as ReceivedRequest
  }
  const xml = body.bytes.toString('latin1').replace(PART_CHECKSUM, '')
  return withOtherDocument({ ...request, headers } as ReceivedRequest, body.bytes, xml)
}

const PART_CHECKSUM = /<(Checksum[A-Z0-9]+)(?:\s[^>]*)?>[^<]*<\/\1>\s*/g

const withoutChecksums = (headers: Headers): Headers =>
  withoutHeaders(
    headers,
    name => name.startsWith('x-amz-checksum-') || name === 'x-amz-sdk-checksum-algorithm',
  )

/** What has been read whole would have its trailer in the head. */
const withoutTrailer = (body: ReceivedRequest['body']): ReceivedRequest['body'] =>
  body.kind === 'bytes' ? { ...body, trailer: undefined } : body
