import { headersFromRaw } from '../../lib/s3/headers.ts'
import { canonicalQuery, parseQuery } from '../../lib/s3/query.ts'
import { Secret } from '../../lib/s3/secret.ts'
import { canonicalRequest } from '../../lib/sigv4/canonical.ts'
import { scopeText } from '../../lib/sigv4/scope.ts'
import { createSigningKeys, signatureOf, stringToSign } from '../../lib/sigv4/signature.ts'
import { EXAMPLE_KEY, type WireRequest } from './fixtures.ts'

/** The time at which the tests sign, as SigV4 writes it and as a date. */
export const DATE = '20130524T000000Z'
export const NOW = new Date('2013-05-24T00:00:00Z')

const SCOPE = { date: '20130524', region: 'us-east-1', service: 's3' }
const keys = createSigningKeys()

/** How a test signs otherwise than a client would. */
export interface SigningOptions {
  readonly accessKeyId?: string
  readonly secretAccessKey?: string
  readonly date?: string
  readonly scope?: typeof SCOPE
  readonly signedHeaders?: readonly string[]
  readonly payloadHash?: string
}

const signatureFor = (
  { method, target, rawHeaders }: WireRequest,
  signedHeaders: readonly string[],
  payloadHash: string,
  { secretAccessKey, date = DATE, scope = SCOPE }: SigningOptions,
): string => {
  const [path = '', query = ''] = target.split('?')
  const canonical = canonicalRequest({
    method,
    path,
    query: canonicalQuery(parseQuery(query)),
    headers: headersFromRaw(rawHeaders),
    signedHeaders,
    payloadHash,
  })
  const secret = new Secret(secretAccessKey ?? EXAMPLE_KEY.secretAccessKey)
  return signatureOf(keys.keyFor(secret, '', scope), stringToSign(date, scope, canonical))
}

const credentialFor = ({ accessKeyId, scope = SCOPE }: SigningOptions): string =>
  `${accessKeyId ?? EXAMPLE_KEY.accessKeyId}/${scopeText(scope)}`

/** `request` with a SigV4 Authorization header over all of its headers. */
export const signInHeader = (request: WireRequest, options: SigningOptions = {}): WireRequest => {
  const headers = headersFromRaw(request.rawHeaders)
  const signedHeaders = options.signedHeaders ?? [...headers.keys()].sort()
  const payloadHash = options.payloadHash ?? headers.get('x-amz-content-sha256') ?? ''
  const signature = signatureFor(request, signedHeaders, payloadHash, options)
  const authorization = `AWS4-HMAC-SHA256 Credential=${credentialFor(options)}, SignedHeaders=${signedHeaders.join(';')}, Signature=${signature}`
  return { ...request, rawHeaders: [...request.rawHeaders, 'Authorization', authorization] }
}

/** `request` with a SigV4 signature in its query, over all of its headers. */
export const signInQuery = (
  request: WireRequest,
  options: SigningOptions & { readonly expires?: string } = {},
): WireRequest => {
  const headers = headersFromRaw(request.rawHeaders)
  const signedHeaders = options.signedHeaders ?? [...headers.keys()].sort()
  const parameters = [
    'X-Amz-Algorithm=AWS4-HMAC-SHA256',
    `X-Amz-Credential=${encodeURIComponent(credentialFor(options))}`,
    `X-Amz-Date=${options.date ?? DATE}`,
    `X-Amz-Expires=${options.expires ?? '600'}`,
    `X-Amz-SignedHeaders=${encodeURIComponent(signedHeaders.join(';'))}`,
  ].join('&')
  const target = `${request.target}${request.target.includes('?') ? '&' : '?'}${parameters}`
  const payloadHash = options.payloadHash ?? 'UNSIGNED-PAYLOAD'
  const signature = signatureFor({ ...request, target }, signedHeaders, payloadHash, options)
  return { ...request, target: `${target}&X-Amz-Signature=${signature}` }
}
