import { S3Error } from '../s3/error.ts'
import type { Headers } from '../s3/headers.ts'
import type { Query } from '../s3/query.ts'
import { parseAmzDate } from '../sigv4/scope.ts'
import { ALGORITHM } from '../sigv4/signature.ts'
import {
  type Claim,
  checkScopeDate,
  isoSeconds,
  isTooEarly,
  type Malformed,
  parseCredential,
  parseSignedHeaders,
} from './claim.ts'

/** The parameters that make a query a presigned one, in lower case; all six are needed. */
const PARAMETERS = [
  'x-amz-algorithm',
  'x-amz-credential',
  'x-amz-date',
  'x-amz-expires',
  'x-amz-signedheaders',
  'x-amz-signature',
] as const
type Parameter = (typeof PARAMETERS)[number]

/** Seven days. */
const MAX_EXPIRES = 604_800

/** Whether a parameter, in lower case, is part of a presigned query's signature. */
export const isSignatureParameter = (name: string): boolean =>
  PARAMETERS.some(parameter => parameter === name)

/**
 * Reads a SigV4 signature from a presigned query.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html
 *
 * @throws {S3Error} `AuthorizationQueryParametersError`; `AccessDenied` before and after its time;
 *   `NotImplemented` for SigV4A
 */
export const queryClaim = (query: Query, headers: Headers, now: Date): Claim => {
  const parameters = signatureParameters(query)
  checkAlgorithm(parameters.get('x-amz-algorithm'))
  const { accessKeyId, scope } = parseCredential(parameters.get('x-amz-credential'), malformed)
  const signedHeaders = parseSignedHeaders(parameters.get('x-amz-signedheaders'), malformed)
  const date = parameters.get('x-amz-date')
  checkScopeDate(scope, date, malformed)
  checkTime(date, parameters.get('x-amz-expires'), now)
  const signature = parameters.get('x-amz-signature')
  const payloadHash = presignedPayloadHash(query, headers)
  return { presigned: true, accessKeyId, scope, date, signedHeaders, signature, payloadHash }
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
const signatureParameters = (query: Query): Parameters => {
  const values = new Map<string, string>()
  for (const { name, value } of query) {
    const lower = name.toLowerCase()
    if (values.has(lower)) throw new S3Error('AuthorizationQueryParametersError')
    if (isSignatureParameter(lower)) values.set(lower, value)
  }
  if (!PARAMETERS.every(name => values.get(name))) {
    throw new S3Error('AuthorizationQueryParametersError')
  }
  return { get: name => values.get(name) ?? '' }
}

const checkAlgorithm = (algorithm: string): void => {
  if (algorithm === ALGORITHM) return
  if (algorithm.startsWith('AWS4-ECDSA-')) throw new S3Error('NotImplemented')
  throw new S3Error(
    'AuthorizationQueryParametersError',
    `X-Amz-Algorithm only supports "${ALGORITHM}"`,
  )
}

const checkTime = (date: string, expires: string, now: Date): void => {
  const from = parseAmzDate(date)
  if (from === undefined) {
    throw new S3Error(
      'AuthorizationQueryParametersError',
      "X-Amz-Date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\"",
    )
  }
  const until = new Date(from.getTime() + parseExpires(expires) * 1000)
  if (isTooEarly(from, now)) throw new S3Error('AccessDenied', 'Request is not yet valid')
  if (now > until) {
    throw new S3Error('AccessDenied', 'Request has expired', {
      details: {
        'X-Amz-Expires': expires,
        Expires: isoSeconds(until),
        ServerTime: isoSeconds(now),
      },
    })
  }
}

const parseExpires = (text: string): number => {
  const seconds = /^\d{1,6}$/.test(text) ? Number(text) : 0
  if (seconds < 1 || seconds > MAX_EXPIRES) {
    throw new S3Error(
      'AuthorizationQueryParametersError',
      `X-Amz-Expires must be a number of seconds between 1 and ${MAX_EXPIRES}`,
    )
  }
  return seconds
}

// aws-sdk-js hoists the header into the query; a client that sends it as a header has signed it.
const presignedPayloadHash = (query: Query, headers: Headers): string =>
  headers.get('x-amz-content-sha256') ??
  query.find(({ name }) => name.toLowerCase() === 'x-amz-content-sha256')?.value ??
  'UNSIGNED-PAYLOAD'
