import { createHash } from 'node:crypto'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { S3Error } from '../../s3/error.ts'
import { UpstreamError } from '../error.ts'
import { RecordFolder } from './record-folder.ts'
import {
  type BucketRecord,
  type ObjectRecord,
  objectRecord,
  type Part,
  partRecord,
  type Segment,
  type UploadRecord,
  uploadRecord,
} from './records.ts'
import { Segments } from './segments.ts'
import { SortedMap } from './sorted-map.ts'

/** A multipart upload in progress. */
export interface Upload {
  readonly record: UploadRecord
  /** By number. */
  readonly parts: ReadonlyMap<number, Part>
}

interface OwnUpload extends Upload {
  readonly parts: Map<number, Part>
}

/**
 * A bucket: a folder of object records, upload records and segments, all records in memory, too.
 *
 * What changes a bucket is synchronous; see `RecordFolder`.
 */
export class Bucket {
  readonly record: BucketRecord
  readonly segments: Segments
  readonly #path: string
  readonly #objectFiles
  readonly #uploadFiles
  readonly #partFiles
  readonly #objects: SortedMap<ObjectRecord>
  readonly #uploads: Map<string, OwnUpload>
  #isRemoved = false

  /** Opens the folder, making what it lacks. */
  constructor(path: string, record: BucketRecord) {
    this.record = record
    this.#path = path
    this.segments = new Segments(join(path, 'data'))
    this.#objectFiles = new RecordFolder(join(path, 'objects'), objectRecord)
    this.#uploadFiles = new RecordFolder(join(path, 'uploads'), uploadRecord)
    this.#partFiles = new RecordFolder(join(path, 'parts'), partRecord)
    this.#objects = new SortedMap(
      this.#objectFiles.readAll().map(object => [object.objectKey, object]),
    )
    this.#uploads = this.#readUploads()
    this.#sweep()
  }

  #readUploads(): Map<string, OwnUpload> {
    const uploads = new Map(
      this.#uploadFiles.readAll().map(record => [record.id, { record, parts: new Map() }]),
    )
    for (const { uploadId, part } of this.#partFiles.readAll()) {
      uploads.get(uploadId)?.parts.set(part.number, part)
    }
    return uploads
  }

  #sweep(): void {
    const objects = [...this.objects()].flatMap(segmentsOf)
    const uploads = this.uploads().flatMap(({ parts }) => [...parts.values()])
    const segments = [...objects, ...uploads.map(({ segment }) => segment)]
    this.segments.sweep(new Set(segments.map(({ id }) => id)))
  }

  get isEmpty(): boolean {
    return this.#objects.size === 0
  }

  object(objectKey: string): ObjectRecord | undefined {
    return this.#objects.get(objectKey)
  }

  /** The objects in the order of a listing. */
  objects(prefix = '', marker = ''): Generator<ObjectRecord, void, void> {
    return this.#objects.range(prefix, marker)
  }

  /**
   * Puts an object in the place of the one before.
   *
   * @throws {UpstreamError} `NoSuchBucket` when the bucket was removed while the bytes came
   */
  putObject(object: ObjectRecord): void {
    if (this.#isRemoved) throw new UpstreamError('NoSuchBucket', { BucketName: this.record.name })
    const before = this.#objects.get(object.objectKey)
    this.#objectFiles.write(fileNameOf(object.objectKey), object)
    this.#objects.set(object.objectKey, object)
    if (before !== undefined) this.segments.discard(without(segmentsOf(before), segmentsOf(object)))
  }

  removeObject(objectKey: string): void {
    const before = this.#objects.get(objectKey)
    if (before === undefined) return
    this.#objectFiles.remove(fileNameOf(objectKey))
    this.#objects.delete(objectKey)
    this.segments.discard(segmentsOf(before))
  }

  /** @throws {S3Error} `NoSuchUpload`, also when the upload is another object's */
  upload(id: string, objectKey: string): Upload {
    return this.#ownUpload(id, objectKey)
  }

  #ownUpload(id: string, objectKey: string): OwnUpload {
    const upload = this.#uploads.get(id)
    if (upload?.record.objectKey !== objectKey) {
      throw new S3Error('NoSuchUpload', undefined, { details: { UploadId: id } })
    }
    return upload
  }

  uploads(): readonly Upload[] {
    return [...this.#uploads.values()]
  }

  startUpload(record: UploadRecord): void {
    this.#uploadFiles.write(record.id, record)
    this.#uploads.set(record.id, { record, parts: new Map() })
  }

  /** @throws {S3Error} `NoSuchUpload` when the upload has ended while the part came; its bytes are discarded then. */
  putPart({ id, objectKey }: UploadRecord, part: Part): void {
    try {
      const { parts } = this.#ownUpload(id, objectKey)
      const before = parts.get(part.number)
      this.#partFiles.write(partFileOf(id, part.number), { uploadId: id, part })
      parts.set(part.number, part)
      if (before !== undefined) this.segments.discard([before.segment])
    } catch (cause) {
      this.segments.discard([part.segment])
      throw cause
    }
  }

  /** Puts the object that an upload has become; parts that it did not take up are discarded. */
  completeUpload(record: UploadRecord, object: ObjectRecord): void {
    this.putObject(object)
    this.#endUpload(record, segmentsOf(object))
  }

  abortUpload(record: UploadRecord): void {
    this.#endUpload(record, [])
  }

  #endUpload({ id, objectKey }: UploadRecord, kept: readonly Segment[]): void {
    const { parts } = this.#ownUpload(id, objectKey)
    this.#uploadFiles.remove(id)
    this.#uploads.delete(id)
    for (const number of parts.keys()) this.#partFiles.remove(partFileOf(id, number))
    this.segments.discard(
      without(
        [...parts.values()].map(({ segment }) => segment),
        kept,
      ),
    )
  }

  /** Removes the folder, and with it the uploads in progress. */
  remove(): void {
    this.#isRemoved = true
    this.#uploads.clear()
    rmSync(this.#path, { recursive: true, force: true })
  }
}

/** An object key of any form, made safe for any file system. */
const fileNameOf = (objectKey: string): string =>
  createHash('sha256').update(objectKey).digest('hex')

const partFileOf = (uploadId: string, number: number): string => `${uploadId}-${number}`

const segmentsOf = (object: ObjectRecord): readonly Segment[] =>
  object.parts.map(({ segment }) => segment)

const without = (segments: readonly Segment[], kept: readonly Segment[]): readonly Segment[] => {
  const ids = new Set(kept.map(({ id }) => id))
  return segments.filter(({ id }) => !ids.has(id))
}
