import { isForeignHeader } from '../dialect/families.ts'
import type { UpstreamBody, UpstreamRequest } from '../dialect/to-upstream.ts'
import type { Credentials } from '../s3/credentials.ts'
import { type Headers, withHeaders } from '../s3/headers.ts'
import { canonicalQuery } from '../s3/query.ts'
import type { Through } from '../s3/request.ts'
import { OBS_FLAVOUR } from '../sigv2/flavour.ts'
import {
  signatureOf as obsSignatureOf,
  stringToSign as obsStringToSign,
} from '../sigv2/string-to-sign.ts'
import { canonicalRequest } from '../sigv4/canonical.ts'
import { AWS4, amzDate, GOOG4, type Spelling, scopeText } from '../sigv4/scope.ts'
import { type SigningKeys, signatureOf, stringToSign } from '../sigv4/signature.ts'
import type { Upstream } from '../transport/upstream.ts'
import { cosAuthorization } from './cos.ts'

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
const isSigned = (name: string, { prefix }: Spelling): boolean =>
  name.startsWith(prefix) || isForeignHeader(name) || SIGNED_TOO.has(name)

/** The header that tells a body's length; none for a request without one. */
export const bodyLength = (body: UpstreamBody): readonly (readonly [string, string])[] => {
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

/** Signs a request as its upstream wants it. */
export const sign = (
  request: UpstreamRequest,
  credentials: Credentials,
  keys: SigningKeys,
  now: Date,
): SignedRequest => {
  switch (request.signature) {
    case 'sigv4':
      return signV4(request, credentials, keys, now, AWS4)
    case 'goog4':
      return signV4(request, credentials, keys, now, GOOG4)
    case 'obs':
      return signObs(request, credentials, now)
    case 'cos':
      return signCos(request, credentials, now)
  }
}

/**
 * Signs with version 4 in the Authorization header, over every header that a provider acts upon and those that give the
 * body its meaning. https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
 */
const signV4 = (
  request: UpstreamRequest,
  credentials: Credentials,
  keys: SigningKeys,
  now: Date,
  spelling: Spelling,
): SignedRequest => {
  const { prefix, service, algorithm } = spelling
  const date = amzDate(now)
  const scope = { date: date.slice(0, 8), region: request.upstream.region, service }
  const query = canonicalQuery(request.query)
  const headers = withBodyAndHost(request)
  headers.set(`${prefix}date`, date).set(`${prefix}content-sha256`, request.payloadHash)
  setSessionToken(headers, credentials, prefix)
  const signedHeaders = [...headers.keys()].filter(name => isSigned(name, spelling)).sort()
  const canonical = canonicalRequest({
    method: request.method,
    path: request.path,
    query,
    headers,
    signedHeaders,
    payloadHash: request.payloadHash,
  })
  const key = keys.keyFor(credentials.secretAccessKey, credentials.accessKeyId, scope, spelling)
  const signature = signatureOf(key, stringToSign(date, scope, canonical, spelling))
  const authorization = `${algorithm} Credential=${credentials.accessKeyId}/${scopeText(scope, spelling)}, SignedHeaders=${signedHeaders.join(';')}, Signature=${signature}`
  return issue(request, query, headers.set('authorization', authorization))
}

/** https://support.huaweicloud.com/intl/en-us/api-obs/obs_04_0010.html */
const signObs = (request: UpstreamRequest, credentials: Credentials, now: Date): SignedRequest => {
  const { prefix, scheme } = OBS_FLAVOUR
  const headers = withBodyAndHost(request).set('date', now.toUTCString())
  setSessionToken(headers, credentials, prefix)
  const { method, resource, query } = request
  const text = obsStringToSign(
    { method, headers, resource, query, expires: undefined },
    OBS_FLAVOUR,
  )
  const signature = obsSignatureOf(credentials.secretAccessKey, text)
  headers.set('authorization', `${scheme} ${credentials.accessKeyId}:${signature}`)
  return issue(request, canonicalQuery(query), headers)
}

const OF_COS = 'x-cos-'
// Of those that COS's own SDK signs, what gives a request its meaning; it leaves the content type out.
const SIGNED_AT_COS = new Set(['content-encoding', 'content-md5', 'host', 'if-match', 'range'])
const isSignedAtCos = (name: string): boolean => name.startsWith(OF_COS) || SIGNED_AT_COS.has(name)

const signCos = (request: UpstreamRequest, credentials: Credentials, now: Date): SignedRequest => {
  const headers = withBodyAndHost(request)
  setSessionToken(headers, credentials, OF_COS)
  const { method, path, query } = request
  const signed = new Map([...headers].filter(([name]) => isSignedAtCos(name)))
  const authorization = cosAuthorization({ method, path, query, headers: signed }, credentials, now)
  return issue(request, canonicalQuery(query), headers.set('authorization', authorization))
}

const withBodyAndHost = (request: UpstreamRequest): Map<string, string> => {
  const headers = new Map(request.headers).set('host', request.host)
  for (const [name, value] of bodyLength(request.body)) headers.set(name, value)
  return headers
}

const setSessionToken = (
  headers: Map<string, string>,
  { sessionToken }: Credentials,
  prefix: string,
): void => {
  if (sessionToken !== undefined) headers.set(`${prefix}security-token`, sessionToken.expose())
}
