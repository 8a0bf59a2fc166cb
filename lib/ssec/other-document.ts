import { createHash } from 'node:crypto'
import { S3Error } from '../s3/error.ts'
import { type Headers, withHeaders, withoutHeaders } from '../s3/headers.ts'
import type { ReceivedRequest } from './enforce.ts'

const md5Of = (bytes: Buffer): string => createHash('md5').update(bytes).digest('base64')

const isChecksum = (name: string): boolean =>
  name.startsWith('x-amz-checksum-') || name === 'x-amz-sdk-checksum-algorithm'

/**
 * The headers that vouched for a document, vouching for the one in its place. Checksums were verified on the way in,
 * Content-MD5 is the provider's to verify and so done here; CompleteMultipartUpload's checksum is the object's.
 */
const vouchFor = (
  { headers, operation }: ReceivedRequest,
  before: Buffer,
  after: Buffer,
): Headers => {
  const md5 = headers.get('content-md5')
  if (md5 !== undefined && md5 !== md5Of(before)) throw new S3Error('BadDigest')
  const ofDocument = operation.name !== 'CompleteMultipartUpload'
  return ofDocument || md5 !== undefined
    ? withHeaders(
        withoutHeaders(headers, name => ofDocument && isChecksum(name)),
        [['content-md5', md5Of(after)]],
      )
    : headers
}

/**
 * A request with another document in the place of its own, and headers that vouch for that.
 *
 * @param xml one character per byte
 * @throws {S3Error} `BadDigest` for a document that its Content-MD5 does not vouch for
 */
export const withOtherDocument = (
  request: ReceivedRequest,
  before: Buffer,
  xml: string,
): ReceivedRequest => {
  if (xml === before.toString('latin1')) return request
  const after = Buffer.from(xml, 'latin1')
  return {
    ...request,
    headers: vouchFor(request, before, after),
    body: { kind: 'bytes', bytes: after, trailer: undefined },
  } as ReceivedRequest
}
