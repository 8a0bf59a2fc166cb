import { z } from 'zod'

/** Checksums that S3 keeps with an object. https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html */
export const CHECKSUM_ALGORITHMS = ['CRC32', 'CRC32C', 'CRC64NVME', 'SHA1', 'SHA256'] as const
const CHECKSUM_TYPES = ['FULL_OBJECT', 'COMPOSITE'] as const

const size = z.int().nonnegative()
const time = z.iso.datetime()

const checksumKind = z
  .object({ algorithm: z.enum(CHECKSUM_ALGORITHMS), type: z.enum(CHECKSUM_TYPES) })
  .readonly()

const checksum = checksumKind.unwrap().extend({ value: z.string() }).readonly()

/** Tells the right key from a wrong one, and does not tell the key. */
const keyProof = z.object({ salt: z.base64(), hmac: z.base64() }).readonly()

/** Bytes in a file of their own, encrypted where there is an `iv`. */
const segment = z.object({ id: z.uuid(), length: size, iv: z.base64().optional() }).readonly()

const part = z
  .object({
    number: z.int().positive(),
    etag: z.string(),
    lastModified: time,
    checksum: checksum.optional(),
    segment,
  })
  .readonly()

/** What is given back with an object, and not of its bytes. */
const properties = z
  .object({
    /** Headers as binary strings: content headers and user metadata. */
    headers: z.record(z.string(), z.string()).readonly(),
    storageClass: z.string(),
    tags: z.array(z.tuple([z.string(), z.string()]).readonly()).readonly(),
  })
  .readonly()

export const bucketRecord = z
  .object({ name: z.string(), createdAt: time, location: z.string() })
  .readonly()

export const objectRecord = z
  .object({
    objectKey: z.string(),
    etag: z.string(),
    size,
    lastModified: time,
    properties,
    proof: keyProof.optional(),
    checksum: checksum.optional(),
    /** In order; one of them where the object was not uploaded in parts. */
    parts: z.array(part).min(1).readonly(),
    multipart: z.boolean(),
  })
  .readonly()

export const uploadRecord = z
  .object({
    id: z.string(),
    objectKey: z.string(),
    initiated: time,
    properties,
    proof: keyProof.optional(),
    /** What CreateMultipartUpload declared. */
    checksum: checksumKind.optional(),
  })
  .readonly()

export const partRecord = z.object({ uploadId: z.string(), part }).readonly()

export type ChecksumAlgorithm = (typeof CHECKSUM_ALGORITHMS)[number]
export type ChecksumType = (typeof CHECKSUM_TYPES)[number]
export type ChecksumKind = z.infer<typeof checksumKind>
export type Checksum = z.infer<typeof checksum>
export type KeyProof = z.infer<typeof keyProof>
export type Segment = z.infer<typeof segment>
export type Part = z.infer<typeof part>
export type Properties = z.infer<typeof properties>
export type BucketRecord = z.infer<typeof bucketRecord>
export type ObjectRecord = z.infer<typeof objectRecord>
export type UploadRecord = z.infer<typeof uploadRecord>
