import { S3Error } from '../s3/error.ts'
import type { Headers } from '../s3/headers.ts'
import type { Query, QueryParameter } from '../s3/query.ts'
import { type Flavour, OBS_FLAVOUR, SIGV2_FLAVOUR } from '../sigv2/flavour.ts'
import { parseAmzDate } from '../sigv4/scope.ts'
import { checkSkew, isoSeconds } from './claim.ts'
import type { Scheme } from './client.ts'

/** What a request says of its own HMAC-SHA1 signature: well-formed and in time, not yet verified. */
export interface Sigv2Claim {
  readonly flavour: Flavour
  readonly accessKeyId: string
  readonly signature: string
  /** Of a temporary URL, as its string to sign has it; undefined for a signature in the Authorization header. */
  readonly expires: string | undefined
}

/** The name that a client's configuration has for a flavour. */
export const sigv2Scheme = ({ scheme }: Flavour): Scheme => (scheme === 'OBS' ? 'obs' : 'v2')

const FLAVOURS: readonly Flavour[] = [OBS_FLAVOUR, SIGV2_FLAVOUR]

/** How an Authorization header is signed; none for other mechanisms. */
export const headerFlavour = (authorization: string): Flavour | undefined =>
  FLAVOURS.find(({ scheme }) => authorization.startsWith(`${scheme} `))

/** The parameters of a temporary URL's signature. Their names are exact, as in OBS and AWS. */
const SIGNATURE = 'Signature'
const EXPIRES = 'Expires'
const PARAMETERS: ReadonlySet<string> = new Set([
  SIGNATURE,
  EXPIRES,
  ...FLAVOURS.map(({ accessKeyParameter }) => accessKeyParameter),
])

/** Whether a parameter is part of a temporary URL's signature, and of nothing else. */
export const isSigv2Parameter = ({ name }: QueryParameter): boolean => PARAMETERS.has(name)

/** How a temporary URL is signed; none for any other query. */
export const urlFlavour = (query: Query): Flavour | undefined => {
  const named = FLAVOURS.find(each => query.some(({ name }) => name === each.accessKeyParameter))
  return named ?? (query.some(({ name }) => name === SIGNATURE) ? SIGV2_FLAVOUR : undefined)
}

/**
 * Reads `OBS <access key id>:<signature>`, or `AWS …`.
 * https://support.huaweicloud.com/intl/en-us/api-obs/obs_04_0010.html,
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/RESTAuthentication.html
 *
 * @throws {S3Error} `InvalidArgument` for another form; `AccessDenied` without a date, `RequestTimeTooSkewed`
 */
export const sigv2HeaderClaim = (
  authorization: string,
  headers: Headers,
  flavour: Flavour,
  now: Date,
): Sigv2Claim => {
  const credential = authorization.slice(authorization.indexOf(' ') + 1)
  const colon = credential.lastIndexOf(':')
  const accessKeyId = credential.slice(0, Math.max(colon, 0))
  const signature = credential.slice(colon + 1)
  if (accessKeyId === '' || signature === '') {
    throw new S3Error(
      'InvalidArgument',
      "The authorization header is malformed; expecting '<scheme> <access key id>:<signature>'.",
    )
  }
  checkSkew(requestTime(headers, flavour), now)
  return { flavour, accessKeyId, signature, expires: undefined }
}

// The scheme's own date is the one that is signed; the other then counts for nothing.
const requestTime = (headers: Headers, { prefix }: Flavour): Date => {
  const text = headers.get(`${prefix}date`) ?? headers.get('date') ?? ''
  const time = parseAmzDate(text) ?? parseMailDate(text)
  if (time !== undefined) return time
  throw new S3Error(
    'AccessDenied',
    `${flavourName(prefix)} authentication requires a valid Date or ${prefix}date header.`,
  )
}

const flavourName = (prefix: string): string => (prefix === OBS_FLAVOUR.prefix ? 'OBS' : 'AWS')

// As RFC 9110 §5.6.7 has it; s3cmd, among others, says the time zone in digits, as in mail.
const parseMailDate = (text: string): Date | undefined => {
  const date = new Date(text)
  const inHttp = text.replace(/ \+0000$/, ' GMT')
  return !Number.isNaN(date.getTime()) && date.toUTCString() === inHttp ? date : undefined
}

/**
 * Reads a temporary URL's signature.
 *
 * @throws {S3Error} `AccessDenied` for a query that lacks a part or has one twice, or after its time; `NotImplemented`
 *   for OBS's sharing of folders
 */
export const temporaryUrlClaim = (query: Query, flavour: Flavour, now: Date): Sigv2Claim => {
  if (query.some(({ name }) => name === 'Policy')) {
    throw new S3Error(
      'NotImplemented',
      'Temporary URLs for a whole folder (Policy in the query) are not implemented by this proxy.',
    )
  }
  const idParameters = query.filter(({ name }) =>
    FLAVOURS.some(each => each.accessKeyParameter === name),
  )
  if (idParameters.length !== 1) throw incomplete()
  const expires = only(query, EXPIRES)
  checkExpires(expires, now)
  return {
    flavour,
    accessKeyId: only(query, flavour.accessKeyParameter),
    signature: only(query, SIGNATURE),
    expires,
  }
}

const incomplete = (): S3Error =>
  new S3Error(
    'AccessDenied',
    'Query-string authentication requires the Signature, Expires and AccessKeyId (or AWSAccessKeyId) parameters, each once.',
  )

const only = (query: Query, name: string): string => {
  const [parameter, ...more] = query.filter(each => each.name === name)
  if (!parameter?.value || more.length > 0) throw incomplete()
  return parameter.value
}

/** @param expires seconds since 1970 */
const checkExpires = (expires: string, now: Date): void => {
  if (!/^\d{1,12}$/.test(expires)) {
    throw new S3Error('AccessDenied', `Invalid date (should be seconds since epoch): ${expires}`)
  }
  const until = new Date(Number(expires) * 1000)
  if (now <= until) return
  throw new S3Error('AccessDenied', 'Request has expired', {
    details: { Expires: isoSeconds(until), ServerTime: isoSeconds(now) },
  })
}
