import type { UpstreamBody, UpstreamRequest } from '../dialect/to-upstream.ts'
import type { Credentials } from '../s3/credentials.ts'
import { type Headers, withHeaders } from '../s3/headers.ts'
import { canonicalQuery } from '../s3/query.ts'
import type { Through } from '../s3/request.ts'
import { canonicalRequest } from '../sigv4/canonical.ts'
import { amzDate, scopeText } from '../sigv4/scope.ts'
import { type SigningKeys, signatureOf, stringToSign } from '../sigv4/signature.ts'
import type { Upstream } from '../transport/upstream.ts'

/** A request whose every byte of head is settled. */
export type SignedRequest = Through<
  'sign',
  {
    readonly upstream: Upstream
    readonly method: string
    /** Path and query, as they go on the wire. */
    readonly target: string
    readonly headers: Headers
    readonly body: UpstreamBody
    /** Whether it may be sent once more when a pooled connection turns out to be dead. */
    readonly repeatable: boolean
  }
>

const SIGNED_TOO = new Set(['host', 'content-type', 'content-md5', 'content-encoding'])
const isSigned = (name: string): boolean => name.startsWith('x-amz-') || SIGNED_TOO.has(name)

const bodyLength = (body: UpstreamBody): readonly (readonly [string, string])[] => {
  switch (body.kind) {
    case 'none':
      return []
    case 'bytes':
      return [['content-length', String(body.bytes.length)]]
    case 'stream':
      return [['content-length', String(body.length)]]
  }
}

const issue = (request: UpstreamRequest, query: string, headers: Headers): SignedRequest =>
  ({
    upstream: request.upstream,
    method: request.method,
    target: query === '' ? request.path : `${request.path}?${query}`,
    headers,
    body: request.body,
    repeatable: request.repeatable,
  }) as SignedRequest

// Without a signature a payload hash guards nothing; but the name of a framing tells how to read the body.
const framing = ({ payloadHash }: UpstreamRequest): readonly (readonly [string, string])[] =>
  payloadHash.startsWith('STREAMING-') ? [['x-amz-content-sha256', payloadHash]] : []

/** Sends a request as nobody, so that the provider's own policy decides. */
export const leaveUnsigned = (request: UpstreamRequest): SignedRequest =>
  issue(
    request,
    canonicalQuery(request.query),
    withHeaders(request.headers, [
      ['host', request.host],
      ...bodyLength(request.body),
      ...framing(request),
    ]),
  )

/**
 * Signs with SigV4 in the Authorization header, over every `x-amz-*` header and those that give the body its meaning.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
 */
export const sign = (
  request: UpstreamRequest,
  credentials: Credentials,
  keys: SigningKeys,
  now: Date,
): SignedRequest => {
  const date = amzDate(now)
  const scope = { date: date.slice(0, 8), region: request.upstream.region, service: 's3' }
  const query = canonicalQuery(request.query)
  const headers = new Map(request.headers).set('host', request.host)
  for (const [name, value] of bodyLength(request.body)) headers.set(name, value)
  headers.set('x-amz-date', date).set('x-amz-content-sha256', request.payloadHash)
  for (const [name, value] of sessionToken(credentials)) headers.set(name, value)
  const signedHeaders = [...headers.keys()].filter(isSigned).sort()
  const canonical = canonicalRequest({
    method: request.method,
    path: request.path,
    query,
    headers,
    signedHeaders,
    payloadHash: request.payloadHash,
  })
  const key = keys.keyFor(credentials.secretAccessKey, credentials.accessKeyId, scope)
  const signature = signatureOf(key, stringToSign(date, scope, canonical))
  const authorization = `AWS4-HMAC-SHA256 Credential=${credentials.accessKeyId}/${scopeText(scope)}, SignedHeaders=${signedHeaders.join(';')}, Signature=${signature}`
  return issue(request, query, headers.set('authorization', authorization))
}

const sessionToken = ({ sessionToken }: Credentials): readonly (readonly [string, string])[] =>
  sessionToken === undefined ? [] : [['x-amz-security-token', sessionToken.expose()]]
