import { S3Error } from '../s3/error.ts'
import type { Headers } from '../s3/headers.ts'
import type { Query } from '../s3/query.ts'
import { parseAmzDate, SPELLINGS, type Spelling } from '../sigv4/scope.ts'
import {
  type Claim,
  checkScopeDate,
  isoSeconds,
  isTooEarly,
  type Malformed,
  parseCredential,
  parseSignedHeaders,
} from './claim.ts'

/** The parameters that make a query a presigned one, in lower case behind the spelling's prefix; all six are needed. */
const PARAMETERS = [
  'algorithm',
  'credential',
  'date',
  'expires',
  'signedheaders',
  'signature',
] as const
type Parameter = (typeof PARAMETERS)[number]

/** Seven days. */
const MAX_EXPIRES = 604_800

/** Whether a parameter, in lower case, is part of a presigned query's signature. */
export const isSignatureParameter = (name: string): boolean =>
  SPELLINGS.some(({ prefix }) => PARAMETERS.some(parameter => `${prefix}${parameter}` === name))

/** The spellings that a query is presigned in: one, if it is presigned at all and can be believed. */
export const presignedSpellings = (query: Query): readonly Spelling[] =>
  SPELLINGS.filter(({ prefix }) =>
    query.some(({ name }) => {
      const lower = name.toLowerCase()
      return lower.startsWith(prefix) && isSignatureParameter(lower)
    }),
  )

/**
 * Reads a SigV4 signature, in one of its spellings, from a presigned query.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html
 *
 * @throws {S3Error} `AuthorizationQueryParametersError`; `AccessDenied` before and after its time;
 *   `NotImplemented` for SigV4A
 */
export const queryClaim = (
  query: Query,
  headers: Headers,
  spelling: Spelling,
  now: Date,
): Claim => {
  const parameters = signatureParameters(query, spelling)
  checkAlgorithm(parameters.get('algorithm'), spelling)
  const { accessKeyId, scope } = parseCredential(parameters.get('credential'), spelling, malformed)
  const signedHeaders = parseSignedHeaders(parameters.get('signedheaders'), malformed)
  const date = parameters.get('date')
  checkScopeDate(scope, date, malformed)
  checkTime(date, parameters.get('expires'), spelling, now)
  const signature = parameters.get('signature')
  const payloadHash = presignedPayloadHash(query, headers, spelling)
  return {
    spelling,
    presigned: true,
    accessKeyId,
    scope,
    date,
    signedHeaders,
    signature,
    payloadHash,
  }
}

const malformed: Malformed = detail =>
  new S3Error(
    'AuthorizationQueryParametersError',
    `Error parsing the authorization query parameters; ${detail}`,
  )

interface Parameters {
  get(name: Parameter): string
}

/** Each of the six exactly once. */
const signatureParameters = (query: Query, { prefix }: Spelling): Parameters => {
  const values = new Map<string, string>()
  for (const { name, value } of query) {
    const lower = name.toLowerCase()
    if (values.has(lower)) throw new S3Error('AuthorizationQueryParametersError')
    if (isSignatureParameter(lower)) values.set(lower, value)
  }
  if (!PARAMETERS.every(name => values.get(`${prefix}${name}`))) {
    throw new S3Error('AuthorizationQueryParametersError')
  }
  return { get: name => values.get(`${prefix}${name}`) ?? '' }
}

const checkAlgorithm = (algorithm: string, spelling: Spelling): void => {
  if (algorithm === spelling.algorithm) return
  if (algorithm.startsWith('AWS4-ECDSA-')) throw new S3Error('NotImplemented')
  throw new S3Error(
    'AuthorizationQueryParametersError',
    `${spelling.label}Algorithm only supports "${spelling.algorithm}"`,
  )
}

const checkTime = (date: string, expires: string, { label }: Spelling, now: Date): void => {
  const from = parseAmzDate(date)
  if (from === undefined) {
    throw new S3Error(
      'AuthorizationQueryParametersError',
      `${label}Date must be in the ISO8601 Long Format "yyyyMMdd'T'HHmmss'Z'"`,
    )
  }
  const until = new Date(from.getTime() + parseExpires(expires, label) * 1000)
  if (isTooEarly(from, now)) throw new S3Error('AccessDenied', 'Request is not yet valid')
  if (now > until) {
    throw new S3Error('AccessDenied', 'Request has expired', {
      details: {
        [`${label}Expires`]: expires,
        Expires: isoSeconds(until),
        ServerTime: isoSeconds(now),
      },
    })
  }
}

const parseExpires = (text: string, label: string): number => {
  const seconds = /^\d{1,6}$/.test(text) ? Number(text) : 0
  if (seconds < 1 || seconds > MAX_EXPIRES) {
    throw new S3Error(
      'AuthorizationQueryParametersError',
      `${label}Expires must be a number of seconds between 1 and ${MAX_EXPIRES}`,
    )
  }
  return seconds
}

// aws-sdk-js hoists the header into the query; a client that sends it as a header has signed it.
const presignedPayloadHash = (query: Query, headers: Headers, { prefix }: Spelling): string => {
  const sought = `${prefix}content-sha256`
  return (
    headers.get(sought) ??
    query.find(({ name }) => name.toLowerCase() === sought)?.value ??
    'UNSIGNED-PAYLOAD'
  )
}
