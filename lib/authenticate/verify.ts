import { type KeyObject, timingSafeEqual } from 'node:crypto'
import { percentDecode, uriEncode } from '../s3/encoding.ts'
import { canonicalQuery, parseQuery, type Query } from '../s3/query.ts'
import type { S3Request } from '../s3/request.ts'
import { canonicalRequest } from '../sigv4/canonical.ts'
import type { Spelling } from '../sigv4/scope.ts'
import { signatureOf, stringToSign } from '../sigv4/signature.ts'
import type { Claim } from './claim.ts'

/**
 * The reading of the request's query under which its signature verifies; none when it does not.
 *
 * Clients disagree in two places, so that there is more than one reading: what a literal `+` in the query means,
 * and which characters of a path are escaped.
 */
export const verify = (request: S3Request, claim: Claim, key: KeyObject): Query | undefined => {
  if (!claim.signedHeaders.every(name => request.headers.has(name))) return undefined
  return queryReadings(request).find(
    query =>
      isSigned(request, claim, key, request.rawPath, query) ||
      isSigned(request, claim, key, reencoded(request.rawPath), query),
  )
}

/** What the query may mean: clients disagree about a literal `+`. */
export const queryReadings = ({
  query,
  rawQuery,
}: Pick<S3Request, 'query' | 'rawQuery'>): readonly Query[] =>
  rawQuery.includes('+') ? [query, parseQuery(rawQuery.replaceAll('+', '%20'))] : [query]

// By segments: an escaped slash is part of a name.
const reencoded = (rawPath: string): string =>
  rawPath
    .split('/')
    .map(segment => uriEncode(percentDecode(segment)))
    .join('/')

const isSigned = (
  { method, headers }: S3Request,
  { spelling, presigned, date, scope, signedHeaders, signature, payloadHash }: Claim,
  key: KeyObject,
  path: string,
  query: Query,
): boolean => {
  const canonical = canonicalRequest({
    method,
    path,
    query: canonicalQuery(presigned ? withoutSignature(query, spelling) : query),
    headers,
    signedHeaders,
    payloadHash,
  })
  const text = stringToSign(date, scope, canonical, spelling)
  return equalSignatures(signatureOf(key, text), signature)
}

const withoutSignature = (query: Query, { prefix }: Spelling): Query =>
  query.filter(({ name }) => name.toLowerCase() !== `${prefix}signature`)

/** Compares in a time that tells nothing of where the two differ. */
export const equalSignatures = (ours: string, theirs: string): boolean => {
  const [a, b] = [Buffer.from(ours), Buffer.from(theirs)]
  return a.length === b.length && timingSafeEqual(a, b)
}
