import type { UpstreamRefusal } from '../b2/error.ts'
import { type CopySource, checkBucketName, type ObjectPlace } from '../s3/address.ts'
import { S3Error } from '../s3/error.ts'
import { refusal } from './refusal.ts'

/**
 * B2 names buckets and files by ids, S3 by names: an id says the names, so that every replica reads it and none keeps it.
 * It is no secret and no permission; whoever makes one up is asked about it by the policy like anyone.
 */
const MARKS = { file: '4_F', large: '4_L', position: '4_P' } as const
type Kind = keyof typeof MARKS

const BUCKET_MARK = 'b_'

const write = (kind: Kind, values: readonly (string | undefined)[]): string =>
  MARKS[kind] + Buffer.from(JSON.stringify(values.map(each => each ?? null))).toString('base64url')

const isText = (value: unknown): value is string => typeof value === 'string'

const parse = (text: string): unknown => {
  try {
    return JSON.parse(Buffer.from(text, 'base64url').toString('utf8'))
  } catch {
    return undefined
  }
}

/** The values of an id; undefined where it is none of that kind. The first two are there, and the first is a bucket. */
const read = (
  kind: Kind,
  id: string,
): readonly [string, string, ...(string | undefined)[]] | undefined => {
  const values = id.startsWith(MARKS[kind]) ? parse(id.slice(MARKS[kind].length)) : undefined
  if (!Array.isArray(values)) return undefined
  const [bucket, name, ...others]: readonly unknown[] = values
  if (!isText(bucket) || !isText(name) || name === '') return undefined
  checkBucketName(bucket)
  return [bucket, name, ...others.map(each => (isText(each) ? each : undefined))]
}

export const bucketIdOf = (bucket: string): string =>
  BUCKET_MARK + Buffer.from(bucket).toString('base64url')

/** @throws {UpstreamRefusal} `bad_bucket_id` */
export const bucketOfId = (id: string): string => {
  const bucket = Buffer.from(id.slice(BUCKET_MARK.length), 'base64url').toString('utf8')
  if (bucketIdOf(bucket) !== id) throw refusal(400, 'bad_bucket_id', 'The bucket id is unknown.')
  checkBucketName(bucket)
  return bucket
}

/**
 * A stored file: one version of an object. Where the bucket keeps no versions the ETag stands for it, so that an id
 * never comes to mean what was written over it later.
 */
export interface FileName extends CopySource {
  /** Without quotes; undefined where the version says it all. */
  readonly etag: string | undefined
}

const unquoted = (etag: string | undefined): string | undefined =>
  etag?.replace(/^W\//, '').replaceAll('"', '')

/** @param versionId `null`, as S3 calls the version of a bucket without versions, is none */
export const fileIdOf = (
  { bucket, objectKey }: ObjectPlace,
  versionId: string | undefined,
  etag: string | undefined,
): string => {
  const isVersion = versionId !== undefined && versionId !== 'null'
  return write('file', [bucket, objectKey, versionId, isVersion ? undefined : unquoted(etag)])
}

const unknownFile = (id: string): UpstreamRefusal =>
  refusal(400, 'bad_request', `Bad fileId: ${id}`)

/** @throws {UpstreamRefusal} `bad_request` */
export const fileOfId = (id: string): FileName => {
  const found = read('file', id)
  if (found === undefined) throw unknownFile(id)
  const [bucket, objectKey, versionId, etag] = found
  return { bucket, objectKey, versionId, etag }
}

/** A large file under way: a multipart upload. */
export interface LargeFileName extends ObjectPlace {
  /** As the S3 journey gives it, which holds the key version that it began with. */
  readonly uploadId: string
}

export const largeIdOf = ({ bucket, objectKey, uploadId }: LargeFileName): string =>
  write('large', [bucket, objectKey, uploadId])

/** @throws {UpstreamRefusal} `bad_request` */
export const largeOfId = (id: string): LargeFileName => {
  const [bucket, objectKey, uploadId] = read('large', id) ?? []
  if (bucket === undefined || objectKey === undefined || uploadId === undefined)
    throw unknownFile(id)
  return { bucket, objectKey, uploadId }
}

/** Where a listing goes on: behind an S3 marker. Clients hand it back as the id to begin with. */
export interface Position {
  readonly key: string
  /** Version or upload id that goes with the key. */
  readonly within: string | undefined
}

export const positionIdOf = (bucket: string, { key, within }: Position): string =>
  write('position', [bucket, key, within])

/** The position of an id that a listing gave out; undefined for an id of a file. */
export const positionOfId = (bucket: string, id: string): Position | undefined => {
  const found = read('position', id)
  if (found === undefined) return undefined
  const [of, key, within] = found
  if (of !== bucket) throw new S3Error('InvalidRequest', 'startFileId is of another bucket.')
  return { key, within }
}
