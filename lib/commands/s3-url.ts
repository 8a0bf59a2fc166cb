import { type Address, parseAddress } from '../s3/address.ts'
import { uriEncode, uriEncodeKey } from '../s3/encoding.ts'
import { parseQuery, type Query } from '../s3/query.ts'
import { UsageError } from './io.ts'

/** What an `s3://` URL names. */
export interface S3Url {
  readonly address: Address
  readonly query: Query
}

const FORM = 'Write s3://bucket/key, s3://bucket or s3://.'

/** Parses a place; checks it by the same rules as a request's path. */
const parsePlace = (place: string): Address => {
  const [, bucket = '', objectKey = ''] = /^([^/]*)\/?(.*)$/s.exec(place) ?? []
  if (bucket === '' && objectKey !== '')
    throw new UsageError(`The URL has a key and no bucket. ${FORM}`)
  return parseAddress('', `/${uriEncode(bucket)}${objectKey && `/${uriEncodeKey(objectKey)}`}`, [])
}

const withoutScheme = (url: string): string => {
  if (url.startsWith('s3://')) return url.slice('s3://'.length)
  throw new UsageError(`The place is no s3:// URL. ${FORM}`)
}

/**
 * Parses `s3://bucket/key?subresource`. The object key is taken as it is, with no escapes, as awscli takes it; the query
 * begins at the last `?`, so that a key with one ends in another.
 *
 * @throws {UsageError}
 * @throws {S3Error} for a bucket name that S3 does not take
 */
export const parseS3Url = (url: string): S3Url => {
  const rest = withoutScheme(url)
  const at = rest.lastIndexOf('?')
  return at < 0
    ? { address: parsePlace(rest), query: [] }
    : { address: parsePlace(rest.slice(0, at)), query: parseQuery(rest.slice(at + 1)) }
}

/**
 * Parses `s3://bucket/key`, in which a `?` belongs to the key.
 *
 * @throws {UsageError} when it names no object
 */
export const parseObjectUrl = (url: string): Extract<Address, { level: 'object' }> => {
  const address = parsePlace(withoutScheme(url))
  if (address.level !== 'object') {
    throw new UsageError('The URL names no object. Write s3://bucket/key.')
  }
  return address
}
