import { validateHeaderName, validateHeaderValue } from 'node:http'
import { S3Error } from '../s3/error.ts'
import { type Headers, withHeaders } from '../s3/headers.ts'
import type { Query, QueryParameter } from '../s3/query.ts'
import { isSignatureParameter } from './query-claim.ts'

/**
 * Puts the headers that a client hoisted into its query back among the headers, and takes the signature's
 * parameters away.
 *
 * Presigners hoist `x-amz-*` headers, and S3 reads them there. From here on they are headers like any other, so
 * that no room has to look in two places, and none is left in the query for a provider to act upon unseen.
 *
 * @throws {S3Error} `SignatureDoesNotMatch` for one that is a header, too, as S3 has it; `InvalidArgument` for one
 *   that cannot be a header
 */
export const unhoist = (
  query: Query,
  headers: Headers,
): { readonly query: Query; readonly headers: Headers } => {
  const hoisted = query.filter(isHoisted)
  if (hoisted.length === 0) return { query, headers }
  const entries = hoisted.map(toHeader)
  checkDistinct(entries, headers)
  return {
    query: query.filter(parameter => !isHoisted(parameter)),
    headers: withHeaders(
      headers,
      entries.filter(([name]) => isBelieved(name)),
    ),
  }
}

const isHoisted = ({ name }: QueryParameter): boolean => /^x-amz-/i.test(name)

const CHECKSUM_OF_BODY = /^x-amz-(?:sdk-checksum-algorithm|checksum-(?!mode$|type$|algorithm$).+)$/

// aws-sdk-js presigns a PUT with the checksum of an empty body, since it has no other yet; S3 ignores it there
// (https://github.com/aws/aws-sdk/issues/480, https://github.com/localstack/localstack/issues/12169).
const isBelieved = (name: string): boolean =>
  !isSignatureParameter(name) && !CHECKSUM_OF_BODY.test(name)

const toHeader = ({ name, value }: QueryParameter): readonly [string, string] => {
  const binary = Buffer.from(value).toString('latin1')
  try {
    validateHeaderName(name)
    validateHeaderValue(name, binary)
  } catch (cause) {
    throw new S3Error('InvalidArgument', 'A query parameter is not valid as a header.', { cause })
  }
  return [name.toLowerCase(), binary]
}

const checkDistinct = (entries: readonly (readonly [string, string])[], headers: Headers): void => {
  const names = entries.map(([name]) => name)
  if (new Set(names).size < names.length || names.some(name => headers.has(name))) {
    throw new S3Error('SignatureDoesNotMatch')
  }
}
