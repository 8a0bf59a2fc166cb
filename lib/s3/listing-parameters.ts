import { uriEncodeKey } from './encoding.ts'
import { S3Error } from './error.ts'
import { type Query, queryValue } from './query.ts'

const invalidArgument = (message: string, name: string, value: string): S3Error =>
  new S3Error('InvalidArgument', message, {
    details: { ArgumentName: name, ArgumentValue: value },
  })

/**
 * An integer of the query, no higher than `most`.
 *
 * @param absent what it is when left out
 * @throws {S3Error} `InvalidArgument`
 */
export const integerParameter = (
  query: Query,
  name: string,
  most: number,
  absent = most,
): number => {
  const value = queryValue(query, name) ?? ''
  if (value === '') return absent
  if (!/^\d{1,10}$/.test(value)) {
    throw invalidArgument('Provided argument not an integer or within integer range', name, value)
  }
  return Math.min(Number(value), most)
}

/**
 * How names are written into a listing: as they are, or as `encoding-type=url` wants it.
 *
 * S3 encodes there as forms do, with `/` and `*` left (minio cmd/api-utils.go, `s3URLEncode`).
 *
 * @throws {S3Error} `InvalidArgument`
 */
export const nameEncoding = (query: Query): ((name: string) => string) => {
  const type = queryValue(query, 'encoding-type')
  if (type === undefined) return name => name
  if (type !== 'url') throw invalidEncoding(type)
  return name =>
    uriEncodeKey(name).replaceAll('%20', '+').replaceAll('%2A', '*').replaceAll('~', '%7E')
}

const invalidEncoding = (type: string): S3Error =>
  invalidArgument('Invalid Encoding Method specified in Request', 'encoding-type', type)
