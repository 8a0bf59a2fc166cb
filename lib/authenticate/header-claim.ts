import { S3Error } from '../s3/error.ts'
import type { Headers } from '../s3/headers.ts'
import { amzDate, parseAmzDate, SPELLINGS, type Spelling } from '../sigv4/scope.ts'
import {
  type Claim,
  checkScopeDate,
  checkSkew,
  type Malformed,
  parseCredential,
  parseSignedHeaders,
} from './claim.ts'
import { unsupportedMechanism } from './schemes.ts'

/**
 * Reads a SigV4 signature, in either spelling, from the Authorization header.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-auth-using-authorization-header.html
 *
 * @throws {S3Error} `AuthorizationHeaderMalformed`, `RequestTimeTooSkewed`; `InvalidRequest` and `NotImplemented`
 *   for other mechanisms; `AccessDenied` without a date
 */
export const headerClaim = (authorization: string, headers: Headers, now: Date): Claim => {
  const [mechanism = '', ...rest] = authorization.split(' ')
  const spelling = spellingOf(mechanism)
  const parts = parseComponents(rest.join(' '))
  const { accessKeyId, scope } = parseCredential(parts.credential, spelling, malformed)
  const signedHeaders = parseSignedHeaders(parts.signedHeaders, malformed)
  const time = requestTime(headers, spelling)
  checkSkew(time, now)
  const date = amzDate(time)
  checkScopeDate(scope, date, malformed)
  const { signature } = parts
  const payloadHash = payloadHashIn(headers, spelling)
  return {
    spelling,
    presigned: false,
    accessKeyId,
    scope,
    date,
    signedHeaders,
    signature,
    payloadHash,
  }
}

const malformed: Malformed = detail =>
  new S3Error('AuthorizationHeaderMalformed', `The authorization header is malformed; ${detail}`)

const payloadHashIn = (headers: Headers, spelling: Spelling): string => {
  const name = `${spelling.prefix}content-sha256`
  const sent = headers.get(name)
  if (sent !== undefined) return sent
  if (spelling.mayLackPayloadHash) return 'UNSIGNED-PAYLOAD'
  throw new S3Error('InvalidRequest', `Missing required header for this request: ${name}`)
}

const spellingOf = (mechanism: string): Spelling => {
  const spelling = SPELLINGS.find(({ algorithm }) => algorithm === mechanism)
  if (spelling !== undefined) return spelling
  if (mechanism.startsWith('AWS4-ECDSA-')) throw new S3Error('NotImplemented')
  throw unsupportedMechanism()
}

interface Components {
  readonly credential: string
  readonly signedHeaders: string
  readonly signature: string
}

/** Each component exactly once, in any order, and nothing else. */
const parseComponents = (text: string): Components => {
  const pairs = text.split(',').map(part => splitAt(part.trim(), '='))
  const { Credential, SignedHeaders, Signature } = Object.fromEntries(pairs)
  if (pairs.length !== 3 || !Credential || !SignedHeaders || !Signature) {
    throw malformed(
      'the authorization header requires three components: Credential, SignedHeaders, and Signature.',
    )
  }
  return { credential: Credential, signedHeaders: SignedHeaders, signature: Signature }
}

const splitAt = (text: string, separator: string): readonly [string, string] => {
  const at = text.indexOf(separator)
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)]
}

/** `x-amz-date` wins over `Date`: browsers and some HTTP libraries do not let a client set the latter. */
const requestTime = (headers: Headers, { prefix }: Spelling): Date => {
  const text = headers.get(`${prefix}date`) ?? headers.get('date') ?? ''
  const time = parseAmzDate(text) ?? parseHttpDate(text)
  if (time === undefined) {
    throw new S3Error(
      'AccessDenied',
      `AWS authentication requires a valid Date or ${prefix}date header.`,
    )
  }
  return time
}

// RFC 9110 §5.6.7, in the one form that senders may generate.
const parseHttpDate = (text: string): Date | undefined => {
  const date = new Date(text)
  return !Number.isNaN(date.getTime()) && date.toUTCString() === text ? date : undefined
}
