/** Where a signature counts: one day, one region, one service. */
export interface CredentialScope {
  /** `YYYYMMDD`. */
  readonly date: string
  readonly region: string
  readonly service: string
}

/** The words that version 4 is spelled in: AWS's own, or Google's. */
export interface Spelling {
  readonly algorithm: string
  /** What stands before the secret where keys are derived from it. */
  readonly keyPrefix: string
  readonly service: string
  readonly terminator: string
  /** What its headers begin with, and, but for case, its query parameters. */
  readonly prefix: string
  /** The same as its query parameters are usually written. */
  readonly label: string
  /** Whether a request without a payload hash is read as one of UNSIGNED-PAYLOAD. */
  readonly mayLackPayloadHash: boolean
}

export const AWS4: Spelling = {
  algorithm: 'AWS4-HMAC-SHA256',
  keyPrefix: 'AWS4',
  service: 's3',
  terminator: 'aws4_request',
  prefix: 'x-amz-',
  label: 'X-Amz-',
  mayLackPayloadHash: false,
}

/**
 * https://cloud.google.com/storage/docs/authentication/signatures,
 * https://cloud.google.com/storage/docs/authentication/canonical-requests
 */
export const GOOG4: Spelling = {
  algorithm: 'GOOG4-HMAC-SHA256',
  keyPrefix: 'GOOG4',
  service: 'storage',
  terminator: 'goog4_request',
  prefix: 'x-goog-',
  label: 'X-Goog-',
  mayLackPayloadHash: true,
}

/** Every spelling that a client may use. */
export const SPELLINGS: readonly Spelling[] = [AWS4, GOOG4]

/** Such as `20130524/us-east-1/s3/aws4_request`. */
export const scopeText = (scope: CredentialScope, { terminator }: Spelling = AWS4): string =>
  `${scope.date}/${scope.region}/${scope.service}/${terminator}`

/** Such as `20130524T000000Z`. */
export const amzDate = (now: Date): string => {
  const iso = now.toISOString()
  return `${iso.slice(0, 4)}${iso.slice(5, 7)}${iso.slice(8, 13)}${iso.slice(14, 16)}${iso.slice(17, 19)}Z`
}

const AMZ_DATE = /^(\d{4})(\d{2})(\d{2})T(\d{2})(\d{2})(\d{2})Z$/

/** The time that `20130524T000000Z` says; none for any other form, or for a time that does not exist. */
export const parseAmzDate = (text: string): Date | undefined => {
  const match = AMZ_DATE.exec(text)
  if (match === null) return undefined
  const [, year = '', month = '', day = '', hour = '', minute = '', second = ''] = match
  const date = new Date(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`)
  // February 30th is taken for March 1st.
  return date.getUTCDate() === Number(day) ? date : undefined
}
