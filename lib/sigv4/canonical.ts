import type { Headers } from '../s3/headers.ts'

/** What SigV4 signs of a request. */
export interface CanonicalParts {
  readonly method: string
  /** As it stands on the wire. */
  readonly path: string
  /** As `canonicalQuery` gives it. */
  readonly query: string
  readonly headers: Headers
  /** Lower case, sorted. */
  readonly signedHeaders: readonly string[]
  /** The value of `x-amz-content-sha256`. */
  readonly payloadHash: string
}

/**
 * SigV4's canonical request, one character per byte.
 *
 * S3 signs the path as sent: no normalising, no second encoding.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
 */
export const canonicalRequest = (parts: CanonicalParts): string => {
  const { method, path, query, headers, signedHeaders, payloadHash } = parts
  let text = `${method}\n${path}\n${query}\n`
  for (const name of signedHeaders) text += `${name}:${canonicalValue(headers.get(name) ?? '')}\n`
  return `${text}\n${signedHeaders.join(';')}\n${payloadHash}`
}

const HAS_SPARE_SPACE = /\t| {2}|^ | $/
const OUTER_SPACE = /^[ \t]+|[ \t]+$/g
const INNER_SPACE = /[ \t]+/g

// Not `trim` and `\s`: to them byte 0xA0 is a space, and it is the second half of UTF-8's `à`.
const canonicalValue = (value: string): string =>
  HAS_SPARE_SPACE.test(value) ? value.replace(OUTER_SPACE, '').replace(INNER_SPACE, ' ') : value
