import { LRUCache } from 'lru-cache'
import { UpstreamRefusal } from '../b2/error.ts'
import { type Fields, fieldsOf, needText, textOf } from '../b2/fields.ts'
import type { ObjectPlace } from '../s3/address.ts'
import { noSuchBucket, noSuchUpload, Refused } from './error.ts'
import type { Native } from './native.ts'

/** What S3's names stand for at B2. */
export interface Places {
  /** @throws {Refused} `NoSuchBucket` */
  bucketId(name: string, signal: AbortSignal): Promise<string>
  /** What B2 tells of a bucket just now. @throws {Refused} `NoSuchBucket` */
  bucket(name: string, signal: AbortSignal): Promise<Fields>
  /** Forgets the id of a bucket, which another of the same name would not have. */
  forget(name: string): void
  /**
   * Makes sure that a version is one of that object's: the policy was asked about the object alone.
   *
   * @throws {Refused} `NoSuchVersion`
   */
  checkVersion(place: ObjectPlace, fileId: string, signal: AbortSignal): Promise<void>
  /** The same of a large file under way. @throws {Refused} `NoSuchUpload` */
  checkUpload(place: ObjectPlace, fileId: string, signal: AbortSignal): Promise<void>
  /** Remembers where a file is, since it was just made there. */
  remember(bucketId: string, objectKey: string, fileId: string): void
}

/** A bucket may be deleted, and another made of the same name, by others. */
const BUCKETS = { max: 1000, ttl: 60_000 }
/** A file id never comes to stand for another place. */
const FILES = { max: 10_000 }

const noSuchVersion = (): Refused =>
  new Refused(404, 'NoSuchVersion', 'The specified version does not exist.')

/** Says otherwise that a file is not there. */
const orElse =
  (absent: () => Refused) =>
  (error: unknown): never => {
    throw error instanceof UpstreamRefusal &&
      (error.answer.status === 404 || error.answer.status === 400)
      ? absent()
      : error
  }

export const createPlaces = (native: Native): Places => {
  const buckets = new LRUCache<string, string>(BUCKETS)
  const files = new LRUCache<string, string>(FILES)
  const spot = (bucketId: string, objectKey: string): string =>
    JSON.stringify([bucketId, objectKey])
  const bucket: Places['bucket'] = async (name, signal) => {
    const said = await native.call(
      'b2_list_buckets',
      ({ account }) => ({ accountId: account, bucketName: name }),
      signal,
    )
    const listed = Array.isArray(said['buckets']) ? said['buckets'].map(fieldsOf) : []
    const found = listed.find(each => textOf(each, 'bucketName') === name)
    if (found === undefined) throw noSuchBucket()
    return found
  }
  const bucketId: Places['bucketId'] = async (name, signal) => {
    const known = buckets.get(name)
    if (known !== undefined) return known
    // A key that is restricted to its buckets need not be one that lists them.
    const own = await native.accounts.with(async account => account.buckets)
    const id =
      own.find(([, ownName]) => ownName === name)?.[0] ??
      needText(await bucket(name, signal), 'bucketId')
    buckets.set(name, id)
    return id
  }
  const fileAt = async (fileId: string, signal: AbortSignal): Promise<string> => {
    const known = files.get(fileId)
    if (known !== undefined) return known
    const file = await native.call('b2_get_file_info', { fileId }, signal)
    const found = spot(needText(file, 'bucketId'), needText(file, 'fileName'))
    files.set(fileId, found)
    return found
  }
  const check = async (
    { bucket: name, objectKey }: ObjectPlace,
    fileId: string,
    signal: AbortSignal,
    absent: () => Refused,
  ): Promise<void> => {
    const wanted = spot(await bucketId(name, signal), objectKey)
    if ((await fileAt(fileId, signal).catch(orElse(absent))) !== wanted) throw absent()
  }
  return {
    bucketId,
    bucket,
    forget: name => buckets.delete(name),
    checkVersion: (place, fileId, signal) => check(place, fileId, signal, noSuchVersion),
    checkUpload: (place, fileId, signal) => check(place, fileId, signal, noSuchUpload),
    remember: (id, objectKey, fileId) => {
      files.set(fileId, spot(id, objectKey))
    },
  }
}
