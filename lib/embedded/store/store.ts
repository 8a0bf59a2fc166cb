import { join } from 'node:path'
import { UpstreamError } from '../error.ts'
import { Bucket } from './bucket.ts'
import { RecordFolder } from './record-folder.ts'
import { type BucketRecord, bucketRecord } from './records.ts'
import { SortedMap } from './sorted-map.ts'

/** All buckets, in a folder that one process at a time may have open. */
export class Store {
  readonly #path: string
  readonly #files
  readonly #buckets: SortedMap<Bucket>
  constructor(path: string) {
    this.#path = path
    this.#files = new RecordFolder(join(path, 'buckets'), bucketRecord)
    this.#buckets = new SortedMap(
      this.#files.readAll().map(record => [record.name, this.#open(record)]),
    )
  }

  #open(record: BucketRecord): Bucket {
    return new Bucket(join(this.#path, 'contents', record.name), record)
  }

  /** @throws {UpstreamError} `NoSuchBucket` */
  bucket(name: string): Bucket {
    const bucket = this.#buckets.get(name)
    if (bucket === undefined) throw new UpstreamError('NoSuchBucket', { BucketName: name })
    return bucket
  }

  /** The buckets whose names begin with `prefix` and come behind `marker`, by name. */
  buckets(prefix: string, marker: string): Generator<Bucket, void, void> {
    return this.#buckets.range(prefix, marker)
  }

  /** @throws {UpstreamError} `BucketAlreadyOwnedByYou` */
  createBucket(record: BucketRecord): void {
    const { name } = record
    if (this.#buckets.get(name) !== undefined) {
      throw new UpstreamError('BucketAlreadyOwnedByYou', { BucketName: name })
    }
    this.#files.write(name, record)
    this.#buckets.set(name, this.#open(record))
  }

  /** @throws {UpstreamError} `BucketNotEmpty` */
  removeBucket(bucket: Bucket): void {
    const { name } = bucket.record
    if (!bucket.isEmpty) throw new UpstreamError('BucketNotEmpty', { BucketName: name })
    this.#files.remove(name)
    this.#buckets.delete(name)
    bucket.remove()
  }
}
