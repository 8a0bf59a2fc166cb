import { createHmac } from 'node:crypto'
import type { Headers } from '../s3/headers.ts'
import type { Query, QueryParameter } from '../s3/query.ts'
import type { Secret } from '../s3/secret.ts'
import { type Flavour, isSignedParameter } from './flavour.ts'

/** What these schemes sign of a request. */
export interface SignedParts {
  readonly method: string
  readonly headers: Headers
  /** As `signedResource` gives it. */
  readonly resource: string
  /** Decoded; those of the signature itself do not matter, for no list has them. */
  readonly query: Query
  /** `Expires` of a signed URL (seconds since 1970), which stands in place of the date; undefined in header form. */
  readonly expires: string | undefined
}

/**
 * The path as it is signed: with its bucket, however the request names that.
 *
 * @param hostedBucket the bucket in the host name; undefined for a path-style request
 * @param rawPath as it stands on the wire, query excluded
 */
export const signedResource = (hostedBucket: string | undefined, rawPath: string): string =>
  hostedBucket === undefined ? rawPath : `/${hostedBucket}${rawPath}`

/**
 * The string to sign, one character per byte.
 *
 * @param subResources the parameters that count: one of the flavour's lists, the first when left out
 */
export const stringToSign = (
  { method, headers, resource, query, expires }: SignedParts,
  flavour: Flavour,
  subResources: ReadonlySet<string> = flavour.subResources[0],
): string =>
  [
    method,
    headers.get('content-md5') ?? '',
    headers.get('content-type') ?? '',
    expires ?? dateLine(headers, flavour),
    ...signedHeaders(headers, flavour),
    `${resource}${signedQuery(query, flavour, subResources, expires !== undefined)}`,
  ].join('\n')

/** Every string that a signer of this flavour, old or new, may have signed of the request. */
export const stringsToSign = (parts: SignedParts, flavour: Flavour): readonly string[] => [
  ...new Set(flavour.subResources.map(list => stringToSign(parts, flavour, list))),
]

// The scheme's own date is signed among its headers, and the other one then counts for nothing.
const dateLine = (headers: Headers, { prefix }: Flavour): string =>
  headers.has(`${prefix}date`) ? '' : (headers.get('date') ?? '')

const signedHeaders = (headers: Headers, { prefix }: Flavour): string[] =>
  [...headers]
    .filter(([name]) => name.startsWith(prefix))
    .sort(([a], [b]) => compare(a, b))
    .map(([name, value]) => `${name}:${value.trim()}`)

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

const signedQuery = (
  query: Query,
  flavour: Flavour,
  subResources: ReadonlySet<string>,
  inUrl: boolean,
): string => {
  const isSigned = isSignedParameter(flavour, subResources, inUrl)
  const signed = query
    .filter(({ name }) => isSigned(name))
    .sort((a, b) => compare(a.name, b.name))
    .map(parameterText)
  return signed.length === 0 ? '' : `?${signed.join('&')}`
}

// Decoded, as the SDKs sign them: so the text may have more than one byte per character.
const parameterText = ({ name, value }: QueryParameter): string =>
  binary(value === '' ? name : `${name}=${value}`)

const binary = (text: string): string => Buffer.from(text, 'utf8').toString('latin1')

/** HMAC-SHA1 of a string to sign, or of a form's base64 policy; in base64. */
export const signatureOf = (secret: Secret<string>, text: string): string =>
  createHmac('sha1', secret.expose()).update(Buffer.from(text, 'latin1')).digest('base64')
