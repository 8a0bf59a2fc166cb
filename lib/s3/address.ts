import { percentDecode, uriEncode, uriEncodeKey } from './encoding.ts'
import { S3Error } from './error.ts'

/** What a request names: the service, a bucket, or an object of a bucket (names decoded). */
export type Address =
  | { readonly level: 'service' }
  | { readonly level: 'bucket'; readonly bucket: string }
  | { readonly level: 'object'; readonly bucket: string; readonly objectKey: string }

/** An object's place: where a customer key is looked up for. */
export interface ObjectPlace {
  readonly bucket: string
  readonly objectKey: string
}

/**
 * Reads path-style and virtual-hosted-style addresses.
 *
 * - `Host: s3.example`, `/bucket/key` → path-style, whatever the host.
 * - `Host: bucket.s3.example`, `/key`, with `s3.example` among `domains` → virtual-hosted-style.
 *
 * The path is taken as received: `new URL()` would collapse `..` and `//`, which are legal in keys.
 *
 * @param rawPath the request target up to `?`, beginning with `/`
 * @throws {S3Error} `InvalidURI`, `InvalidBucketName`
 */
export const parseAddress = (
  host: string,
  rawPath: string,
  domains: readonly string[],
): Address => {
  if (!rawPath.startsWith('/')) throw new S3Error('InvalidURI')
  const hosted = bucketOfHost(host, domains)
  if (hosted !== undefined) return addressOf(hosted, rawPath.slice(1))
  if (rawPath === '/') return { level: 'service' }
  const slash = rawPath.indexOf('/', 1)
  return slash < 0
    ? addressOf(percentDecode(rawPath.slice(1)), '')
    : addressOf(percentDecode(rawPath.slice(1, slash)), rawPath.slice(slash + 1))
}

const bucketOfHost = (host: string, domains: readonly string[]): string | undefined => {
  const name = host.replace(/:\d+$/, '').toLowerCase()
  const domain = domains.find(candidate => name.endsWith(`.${candidate.toLowerCase()}`))
  return domain === undefined ? undefined : name.slice(0, -domain.length - 1)
}

const addressOf = (bucket: string, rawKey: string): Address => {
  checkBucketName(bucket)
  return rawKey === ''
    ? { level: 'bucket', bucket }
    : { level: 'object', bucket, objectKey: percentDecode(rawKey) }
}

// Wider than today's AWS rule: old buckets have capitals and underscores, and RGW writes `tenant:bucket`.
const BUCKET_NAME = /^[A-Za-z0-9][A-Za-z0-9._:-]{0,254}$/

/** @throws {S3Error} `InvalidBucketName` */
export const checkBucketName = (bucket: string): void => {
  if (!BUCKET_NAME.test(bucket)) throw new S3Error('InvalidBucketName')
}

/** The path-style path of an address, encoded as AWS encodes it. */
export const pathStyle = (address: Address): string => {
  switch (address.level) {
    case 'service':
      return '/'
    case 'bucket':
      return `/${address.bucket}`
    case 'object':
      return `/${address.bucket}/${uriEncodeKey(address.objectKey)}`
  }
}

/** What a copy reads: an object, or one version of it. */
export interface CopySource extends ObjectPlace {
  readonly versionId: string | undefined
}

const VERSION = '?versionId='

/**
 * Reads `x-amz-copy-source`: `bucket/key` or `/bucket/key`, percent-encoded, with an optional `?versionId=`.
 *
 * A `+` stands for a space, as in S3 and MinIO and not in paths: clients that encode as for a form rely on it, and one
 * that left a `+` as it is found no such key (https://github.com/aws/aws-cli/issues/614).
 *
 * @throws {S3Error} `InvalidArgument` when it names no bucket and key, `InvalidBucketName`, `InvalidURI`;
 *   `NotImplemented` for an access point, whose bucket no rule could be asked about
 */
export const parseCopySource = (value: string): CopySource => {
  const at = value.indexOf(VERSION)
  const [rawPlace, rawVersion] =
    at < 0 ? [value, undefined] : [value.slice(0, at), value.slice(at + VERSION.length)]
  const place = percentDecode(rawPlace.replace(/^\//, '').replaceAll('+', ' '))
  const slash = place.indexOf('/')
  if (slash < 1 || slash === place.length - 1) {
    throw new S3Error(
      'InvalidArgument',
      'Copy Source must mention the source bucket and key: sourcebucket/sourcekey',
    )
  }
  const bucket = place.slice(0, slash)
  if (bucket.startsWith('arn:')) {
    throw new S3Error('NotImplemented', 'A copy source cannot be named by an access point here.')
  }
  checkBucketName(bucket)
  return {
    bucket,
    objectKey: place.slice(slash + 1),
    versionId: rawVersion === undefined ? undefined : percentDecode(rawVersion),
  }
}

/** The value of `x-amz-copy-source`: one place has one spelling, whatever the client's was. */
export const copySourceText = ({ bucket, objectKey, versionId }: CopySource): string => {
  const place = `${bucket}/${uriEncodeKey(objectKey)}`
  return versionId === undefined ? place : `${place}${VERSION}${uriEncode(versionId)}`
}
