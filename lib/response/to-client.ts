import { documentWriter, shownStorageClass } from '../dialect/documents.ts'
import { FAMILIES } from '../dialect/families.ts'
import type { CustomerKey } from '../keys/customer-key.ts'
import { type Awaitable, andThen } from '../s3/awaitable.ts'
import type { BodyFilter } from '../s3/body.ts'
import { S3Error } from '../s3/error.ts'
import { endsAtHop, type Headers } from '../s3/headers.ts'
import { queryValue } from '../s3/query.ts'
import type { S3Request } from '../s3/request.ts'
import type { S3Response } from '../s3/response.ts'
import { mapElementText } from '../s3/xml.ts'
import type { ConfirmedRequest } from '../ssec/confirm.ts'
import type { EtagsAt } from '../ssec/etag.ts'
import { echoes, SSE_C_HEADERS } from '../ssec/headers.ts'
import { sealUploadId } from '../ssec/upload-id.ts'
import { readDocument, throughFilter, withDocument } from './document.ts'
import { etagFilter, withShownEtag } from './etag.ts'
import { isListing, storageClassFilter } from './s3-words.ts'
import { scrubDocument, scrubText } from './scrub.ts'
import { type KeyringAt, sealListedUploads } from './upload-ids.ts'

export interface ClientView {
  readonly keyringAt: KeyringAt
  readonly etagsAt: EtagsAt
  /** Bytes of a listing or result that is read whole to be rewritten. */
  readonly documentBytes: number
}

const REDIRECTS: readonly number[] = [301, 302, 303, 307, 308]

// A client that followed would go round the proxy; and we do not carry a key to a host that nobody configured.
const refuseRedirect = ({ status }: S3Response): void => {
  if (!REDIRECTS.includes(status)) return
  throw new S3Error(
    'UpstreamRedirect',
    `The storage provider redirects this request (${status}) to another endpoint. Set the upstream's endpoint and region to the bucket's own.`,
  )
}

const keysOf = ({ attempt }: ConfirmedRequest): readonly CustomerKey[] =>
  [attempt.object, attempt.source].filter(key => key !== undefined)

const SSE_C_NAMES: readonly string[] = [SSE_C_HEADERS.object.algorithm, SSE_C_HEADERS.object.md5]

// Cookies are the provider's load balancer's, for connections that are not the client's.
const isHidden = (name: string): boolean =>
  name === SSE_C_HEADERS.object.key || name === SSE_C_HEADERS.source.key || name === 'set-cookie'

/** The digest that names the key in the client's words: only here is the key at hand to tell another than the MD5. */
const digestFor = ({
  request,
  attempt: { object },
}: ConfirmedRequest): ((name: string, value: string) => string) =>
  FAMILIES[request.dialect].digest === 'md5' || object === undefined
    ? (_, value) => value
    : (name, value) =>
        name === SSE_C_HEADERS.object.md5 && value === object.md5 ? object.sha256() : value

const headersFor = (confirmed: ConfirmedRequest): Headers => {
  const { permission } = confirmed.request
  const hides = permission.kind === 'encrypt' && permission.effect.responseHeaders === 'hide'
  const keys = keysOf(confirmed)
  const ends = endsAtHop(confirmed.answer.headers)
  const shown = digestFor(confirmed)
  const headers = new Map<string, string>()
  for (const [name, value] of confirmed.answer.headers) {
    if (isHidden(name) || (hides && SSE_C_NAMES.includes(name)) || ends(name)) continue
    headers.set(name, scrubText(shown(name, value), keys))
  }
  return headers
}

type Rewrite = (xml: string) => string

/** How the answer's document must be rewritten; undefined when its body may pass as it comes. */
const rewriteOf = (
  { request, attempt, answer }: ConfirmedRequest,
  received: S3Request,
  view: ClientView,
): Rewrite | undefined => {
  const { address, operation } = request
  if (operation.name === 'ListMultipartUploads' && address.level === 'bucket') {
    const isUrlAsked = queryValue(received.query, 'encoding-type') === 'url'
    return xml => sealListedUploads(xml, address.bucket, isUrlAsked, view.keyringAt)
  }
  if (address.level !== 'object' || request.permission.kind !== 'encrypt') return undefined
  if (operation.name === 'ListParts') {
    const asGiven = queryValue(received.query, 'uploadId') ?? ''
    return xml => mapElementText(xml, 'UploadId', () => asGiven)
  }
  const key = attempt.object
  const keyring = key && request.keyrings.get(key.keyring)
  if (operation.name !== 'CreateMultipartUpload' || !key || !keyring) return undefined
  const confirmed = echoes(answer.headers, key)
  return xml =>
    mapElementText(xml, 'UploadId', id =>
      sealUploadId(keyring, key.version, address, id, confirmed),
    )
}

/** The documents that the client's dialect has otherwise than S3; of listings, only the storage classes differ. */
const dialectRewrite = ({ dialect, address, query }: S3Request): Rewrite | undefined =>
  query.length === 0 ? undefined : documentWriter(dialect, { level: address.level, query })

const wholeDocument = async ({ body }: S3Response, limit: number): Promise<Buffer> => {
  if (body === undefined) return Buffer.alloc(0)
  const bytes = Buffer.isBuffer(body) ? body : await readDocument(body, limit)
  if (bytes === undefined) {
    throw new S3Error(
      'InternalError',
      'The storage provider sent a document over the limit documentBytes.',
    )
  }
  return bytes
}

/**
 * What the client sees: as S3 would answer without encryption, ETags and upload ids in the proxy's form, and
 * nothing of a key.
 *
 * @throws {S3Error} `UpstreamRedirect`; `InternalError` for a document over the limit
 */
export const toClient = (
  confirmed: ConfirmedRequest,
  received: S3Request,
  view: ClientView,
): Awaitable<S3Response> => {
  const { answer, request } = confirmed
  refuseRedirect(answer)
  const headers = withShownEtag(headersFor(confirmed), request, view.etagsAt)
  const response = { ...answer, headers }
  if (received.method === 'HEAD') return response
  if (answer.status >= 400) return withScrubbedError(response, keysOf(confirmed))
  if (answer.status !== 200) return response
  const rewrite = rewriteOf(confirmed, received, view) ?? dialectRewrite(received)
  const filtered = (whole: S3Response): S3Response =>
    throughFilter(throughFilter(whole, etagFilter(request, view.etagsAt)), listingFilter(confirmed))
  return andThen(rewrite === undefined ? response : rewriting(response, rewrite, view), filtered)
}

/** The storage classes of a listing, in the client's words. */
const listingFilter = ({ request }: ConfirmedRequest): BodyFilter | undefined => {
  const change = request.method === 'GET' ? shownStorageClass(request.dialect) : undefined
  return change === undefined || !isListing(request) ? undefined : storageClassFilter(change)
}

const rewriting = async (
  response: S3Response,
  rewrite: Rewrite,
  { documentBytes }: ClientView,
): Promise<S3Response> => {
  const xml = (await wholeDocument(response, documentBytes)).toString('utf8')
  return withDocument(response, Buffer.from(rewrite(xml)))
}

const withScrubbedError = (response: S3Response, keys: readonly CustomerKey[]): S3Response =>
  Buffer.isBuffer(response.body)
    ? withDocument(response, Buffer.from(scrubDocument(response.body.toString('utf8'), keys)))
    : response
