import { LRUCache } from 'lru-cache'
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
  const { signer, signature } = readSignature(authorization)
  const { spelling, accessKeyId, scope, signedHeaders } = signer
  const { time, date } = requestTime(headers, spelling)
  checkSkew(time, now)
  checkScopeDate(scope, date, malformed)
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

/** Who signed, and what: the same in every request that a client sends on a day. */
type Signer = Pick<Claim, 'spelling' | 'accessKeyId' | 'scope' | 'signedHeaders'>

interface Signature {
  readonly signer: Signer
  readonly signature: string
}

/** Signers kept at most, and the characters that one may have: no stranger fills the memory. */
const KEPT = { max: 1024, length: 1024 }

const SIGNERS = new LRUCache<string, Signer>({ max: KEPT.max })

/** The last component, as every client has it. */
const SIGNATURE_BEHIND = /, ?Signature=([0-9a-f]{64})$/

// A quarter of what verifying a signature costs would go into reading the same words again.
const readSignature = (authorization: string): Signature => {
  const [behind = '', signature] = SIGNATURE_BEHIND.exec(authorization) ?? []
  const before = authorization.slice(0, authorization.length - behind.length)
  const known = signature === undefined ? undefined : SIGNERS.get(before)
  if (known !== undefined && signature !== undefined) return { signer: known, signature }
  const read = parseSignature(authorization)
  if (signature !== undefined && before.length <= KEPT.length) SIGNERS.set(before, read.signer)
  return read
}

const parseSignature = (authorization: string): Signature => {
  const [mechanism = '', ...rest] = authorization.split(' ')
  const spelling = spellingOf(mechanism)
  const parts = parseComponents(rest.join(' '))
  const { accessKeyId, scope } = parseCredential(parts.credential, spelling, malformed)
  const signedHeaders = parseSignedHeaders(parts.signedHeaders, malformed)
  return { signer: { spelling, accessKeyId, scope, signedHeaders }, signature: parts.signature }
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
const requestTime = (
  headers: Headers,
  { prefix }: Spelling,
): { readonly time: Date; readonly date: string } => {
  const text = headers.get(`${prefix}date`) ?? headers.get('date') ?? ''
  const said = parseAmzDate(text)
  if (said !== undefined) return { time: said, date: text }
  const time = parseHttpDate(text)
  if (time !== undefined) return { time, date: amzDate(time) }
  throw new S3Error(
    'AccessDenied',
    `AWS authentication requires a valid Date or ${prefix}date header.`,
  )
}

// RFC 9110 §5.6.7, in the one form that senders may generate.
const parseHttpDate = (text: string): Date | undefined => {
  const date = new Date(text)
  return !Number.isNaN(date.getTime()) && date.toUTCString() === text ? date : undefined
}
