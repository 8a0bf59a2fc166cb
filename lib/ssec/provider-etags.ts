import type { ObjectPlace } from '../s3/address.ts'
import { unmarkEtags } from '../s3/etag.ts'
import { type Headers, withHeaders } from '../s3/headers.ts'
import { elementText } from '../s3/xml.ts'
import type { ReceivedRequest } from './enforce.ts'
import type { EtagsAt } from './etag.ts'
import { withOtherDocument } from './other-document.ts'

/**
 * A request with its ETags as the provider knows them, whether the client sent them marked or not.
 *
 * @throws {S3Error} `BadDigest` for a document that its Content-MD5 does not vouch for
 */
export const withProviderEtags = (request: ReceivedRequest, etagsAt: EtagsAt): ReceivedRequest => {
  const headers = unmarkHeaders(request, etagsAt)
  const unmarked =
    headers === request.headers ? request : ({ ...request, headers } as ReceivedRequest)
  return request.body.kind === 'bytes'
    ? withDocument(unmarked, request.body.bytes, etagsAt)
    : unmarked
}

/** Where a client says which ETag an object shall have, or shall not. */
const CONDITIONS = ['if-match', 'if-none-match', 'if-range']
const SOURCE_CONDITIONS = ['x-amz-copy-source-if-match', 'x-amz-copy-source-if-none-match']

const unmarkHeaders = (
  { address, copySource, headers }: ReceivedRequest,
  etagsAt: EtagsAt,
): Headers => {
  const own = address.level === 'object' ? unmarkIn(headers, CONDITIONS, address, etagsAt) : headers
  return copySource === undefined
    ? own
    : unmarkIn(own, SOURCE_CONDITIONS, copySource.place, etagsAt)
}

const unmarkIn = (
  headers: Headers,
  names: readonly string[],
  place: ObjectPlace,
  etagsAt: EtagsAt,
): Headers => {
  const sent = names.filter(name => headers.has(name))
  return sent.length === 0 || etagsAt(place) === 'as-is'
    ? headers
    : withHeaders(
        headers,
        sent.map(name => [name, unmarkEtags(headers.get(name) ?? '')]),
      )
}

const utf8 = (latin1: string): string => Buffer.from(latin1, 'latin1').toString('utf8')

// The policy has read this document before, and refused what could be read in two ways.
const unmarkDeletes = (xml: string, bucket: string, etagsAt: EtagsAt): string =>
  xml.replace(/<Object>[\s\S]*?<\/Object>/g, object => {
    const objectKey = elementText(utf8(object), 'Key') ?? ''
    return etagsAt({ bucket, objectKey }) === 'as-is'
      ? object
      : object.replace(/<ETag>[^<]*/g, unmarkEtags)
  })

/** A document with the marks taken off; one character per byte. */
const unmarkDocument = (
  { address, operation }: ReceivedRequest,
  xml: string,
  etagsAt: EtagsAt,
): string => {
  if (operation.name === 'DeleteObjects' && address.level === 'bucket') {
    return unmarkDeletes(xml, address.bucket, etagsAt)
  }
  const isParts = operation.name === 'CompleteMultipartUpload' && address.level === 'object'
  return isParts && etagsAt(address) === 'mark' ? unmarkEtags(xml) : xml
}

const withDocument = (
  request: ReceivedRequest,
  before: Buffer,
  etagsAt: EtagsAt,
): ReceivedRequest =>
  withOtherDocument(request, before, unmarkDocument(request, before.toString('latin1'), etagsAt))
