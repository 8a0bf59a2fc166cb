import { S3Error } from './error.ts'

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const ESCAPE = /%[0-9a-fA-F]{2}/g

/**
 * Percent-decodes one path or query component. A literal `+` stays a `+`.
 *
 * @throws {S3Error} `InvalidURI` for a broken escape or octets that are not UTF-8 (S3 keys are UTF-8).
 */
export const percentDecode = (raw: string): string => {
  if (!raw.includes('%') && isAscii(raw)) return raw
  if (raw.replace(ESCAPE, '').includes('%')) throw new S3Error('InvalidURI')
  try {
    return UTF8.decode(Buffer.from(unescapeOctets(raw), 'latin1'))
  } catch (cause) {
    throw new S3Error('InvalidURI', undefined, { cause })
  }
}

const isAscii = (text: string): boolean => {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 0x7f) return false
  return true
}

const unescapeOctets = (raw: string): string =>
  raw.replace(ESCAPE, octet => String.fromCharCode(Number.parseInt(octet.slice(1), 16)))

const UNRESERVED = /^[A-Za-z0-9\-._~]*$/
const RESERVED_BY_AWS_ONLY = /[!'()*]/g
const upperHex = (character: string): string =>
  `%${character.charCodeAt(0).toString(16).toUpperCase()}`

/**
 * AWS's UriEncode: every octet but `A-Za-z0-9-._~` is escaped in upper-case hex.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
 */
export const uriEncode = (text: string): string =>
  UNRESERVED.test(text) ? text : encodeURIComponent(text).replace(RESERVED_BY_AWS_ONLY, upperHex)

/** An object key as S3 puts it in a path: UriEncode with `/` kept; `//`, `.` and `..` stay as they are. */
export const uriEncodeKey = (objectKey: string): string =>
  objectKey.split('/').map(uriEncode).join('/')
