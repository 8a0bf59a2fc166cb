import { S3Error } from '../s3/error.ts'
import { amzDate, type CredentialScope, type Spelling } from '../sigv4/scope.ts'

/** What a request says of its own signature: well-formed and in time, not yet verified. */
export interface Claim {
  readonly spelling: Spelling
  /** Whether it stands in the query, and not in the Authorization header. */
  readonly presigned: boolean
  readonly accessKeyId: string
  readonly scope: CredentialScope
  /** As the string to sign has it: `20130524T000000Z`. */
  readonly date: string
  /** Lower case, sorted. */
  readonly signedHeaders: readonly string[]
  readonly signature: string
  /** As the canonical request has it: a hash, or the name of a payload mode. */
  readonly payloadHash: string
}

/** Makes the error for a malformed part of a signature; each place of a signature has its own code. */
export type Malformed = (detail: string) => S3Error

/** Milliseconds that the clocks of client and proxy may differ, either way. */
const MAX_SKEW = 15 * 60 * 1000

/**
 * Reads `<access key id>/20130524/us-east-1/s3/aws4_request`, or as Google spells it. The region is the client's own and
 * taken as given; OBS's SDK leaves it empty.
 * An access key id may itself have slashes.
 */
export const parseCredential = (
  text: string,
  spelling: Spelling,
  malformed: Malformed,
): Pick<Claim, 'accessKeyId' | 'scope'> => {
  const parts = text.split('/')
  const accessKeyId = parts.slice(0, -4).join('/')
  const [date = '', region = '', service = '', terminator] = parts.slice(-4)
  if (accessKeyId === '' || !/^\d{8}$/.test(date)) {
    throw malformed(
      `the Credential is mal-formed; expecting "<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/${spelling.terminator}".`,
    )
  }
  if (service !== spelling.service) {
    throw malformed(`incorrect service. This endpoint belongs to "${spelling.service}".`)
  }
  if (terminator !== spelling.terminator) {
    throw malformed(`incorrect terminal. This endpoint uses "${spelling.terminator}".`)
  }
  return { accessKeyId, scope: { date, region, service } }
}

const HEADER_NAME = /^[!#$%&'*+.^_`|~0-9a-z-]+$/

/** Reads `host;x-amz-date` into the order that the canonical request has. */
export const parseSignedHeaders = (text: string, malformed: Malformed): readonly string[] => {
  const names = text.toLowerCase().split(';').sort()
  if (names.every((name, i) => HEADER_NAME.test(name) && name !== names[i - 1])) return names
  throw malformed('the SignedHeaders are mal-formed.')
}

/** A signature counts on the day of its scope alone. */
export const checkScopeDate = (
  scope: CredentialScope,
  date: string,
  malformed: Malformed,
): void => {
  if (!date.startsWith(scope.date)) {
    throw malformed('Invalid credential date. This date is not the same as X-Amz-Date.')
  }
}

/** Whether `date` is so far ahead of `now` that no clock can be that wrong. */
export const isTooEarly = (date: Date, now: Date): boolean =>
  date.getTime() - now.getTime() > MAX_SKEW

/** @throws {S3Error} `RequestTimeTooSkewed` */
export const checkSkew = (date: Date, now: Date): void => {
  if (Math.abs(date.getTime() - now.getTime()) <= MAX_SKEW) return
  throw new S3Error('RequestTimeTooSkewed', undefined, {
    details: {
      RequestTime: amzDate(date),
      ServerTime: isoSeconds(now),
      MaxAllowedSkewMilliseconds: String(MAX_SKEW),
    },
  })
}

/** Such as `2013-05-24T00:00:00Z`, the form of times in S3's error documents. */
export const isoSeconds = (date: Date): string => date.toISOString().replace(/\.\d{3}/, '')
