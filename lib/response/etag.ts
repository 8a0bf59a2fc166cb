import type { BodyFilter } from '../s3/body.ts'
import { markEtag } from '../s3/etag.ts'
import { type Headers, withHeaders } from '../s3/headers.ts'
import type { OperationName } from '../s3/operation.ts'
import { queryValue } from '../s3/query.ts'
import type { S3Request } from '../s3/request.ts'
import type { EtagsAt } from '../ssec/etag.ts'
import { rewriteElements, withInnerXml } from './elements.ts'
import { markListing } from './listing.ts'

const LISTINGS: ReadonlySet<OperationName> = new Set([
  'ListObjects',
  'ListObjectsV2',
  'ListObjectVersions',
])

/** What answers with a document that names the ETag of its object, or of its object's parts. */
const WITH_ETAGS: ReadonlySet<OperationName> = new Set([
  'CompleteMultipartUpload',
  'CopyObject',
  'GetObjectAttributes',
  'ListParts',
  'UploadPartCopy',
])

type Asked = Pick<S3Request, 'operation' | 'address' | 'query'>

const isMarked = ({ address }: Pick<Asked, 'address'>, etagsAt: EtagsAt): boolean =>
  address.level === 'object' && etagsAt(address) === 'mark'

/** An answer's headers with the ETag as it is shown to the client. */
export const withShownEtag = (
  headers: Headers,
  request: Pick<Asked, 'address'>,
  etagsAt: EtagsAt,
): Headers => {
  const etag = headers.get('etag')
  return etag === undefined || !isMarked(request, etagsAt)
    ? headers
    : withHeaders(headers, [['etag', markEtag(etag)]])
}

/** Marks every ETag of a document that speaks of one object. */
const markAll = (): BodyFilter =>
  rewriteElements(new Set(['ETag']), element => withInnerXml(element, markEtag))

/** What the ETags in an answer's document must go through; none when they are shown as they are. */
export const etagFilter = (request: Asked, etagsAt: EtagsAt): BodyFilter | undefined => {
  const { address, operation, query } = request
  if (address.level === 'bucket' && LISTINGS.has(operation.name)) {
    return markListing(address.bucket, queryValue(query, 'encoding-type') === 'url', etagsAt)
  }
  return WITH_ETAGS.has(operation.name) && isMarked(request, etagsAt) ? markAll() : undefined
}
