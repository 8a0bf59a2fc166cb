/** Where a signature counts: one day, one region, one service. */
export interface CredentialScope {
  /** `YYYYMMDD`. */
  readonly date: string
  readonly region: string
  readonly service: string
}

/** What every credential scope ends with. */
export const TERMINATOR = 'aws4_request'

/** The words that version 4 is spelled in: AWS's own, or Google's. */
export interface Scheme {
  readonly algorithm: string
  /** What stands before the secret where keys are derived from it. */
  readonly keyPrefix: string
  readonly service: string
  readonly terminator: string
  /** What the headers begin with that are signed. */
  readonly prefix: string
}

export const AWS4: Scheme = {
  algorithm: 'AWS4-HMAC-SHA256',
  keyPrefix: 'AWS4',
  service: 's3',
  terminator: TERMINATOR,
  prefix: 'x-amz-',
}

/** https://cloud.google.com/storage/docs/authentication/signatures */
export const GOOG4: Scheme = {
  algorithm: 'GOOG4-HMAC-SHA256',
  keyPrefix: 'GOOG4',
  service: 'storage',
  terminator: 'goog4_request',
  prefix: 'x-goog-',
}

/** Such as `20130524/us-east-1/s3/aws4_request`. */
export const scopeText = (scope: CredentialScope, { terminator }: Scheme = AWS4): string =>
  `${scope.date}/${scope.region}/${scope.service}/${terminator}`

/** Such as `20130524T000000Z`. */
export const amzDate = (now: Date): string => {
  const iso = now.toISOString()
  const date = iso.slice(0, 4) + iso.slice(5, 7) + iso.slice(8, 10)
  return `${date}T${iso.slice(11, 13)}${iso.slice(14, 16)}${iso.slice(17, 19)}Z`
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
