import { Readable } from 'node:stream'
import {
  type ChecksumType,
  type CompletedPart,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  GetObjectAttributesCommand,
  GetObjectCommand,
  HeadObjectCommand,
  S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import type { Test } from 'tap'
import { bytesOf, MIB } from '../bytes.ts'
import { APP, type Site } from '../proxy.ts'
import { REGION } from '../stage.ts'
import { crc32Of } from '../uploads.ts'
import { type Feature, newBucket } from './asking.ts'

const PARTS = [bytesOf(5 * MIB, 'checked one'), bytesOf(1000, 'checked two')]

const WHOLE = Buffer.concat(PARTS)

const startSdk = (t: Test, { http }: Site): S3Client => {
  const client = new S3Client({
    endpoint: http.origin,
    region: REGION,
    credentials: APP,
    forcePathStyle: true,
  })
  t.teardown(() => client.destroy())
  return client
}

type Object = { readonly Bucket: string; readonly Key: string }

/** The SDK puts a buffer's checksum before it, and a stream's behind it. */
const uploadParts = async (
  client: S3Client,
  object: Object,
  UploadId: string | undefined,
): Promise<CompletedPart[]> => {
  const done: CompletedPart[] = []
  for (const [i, bytes] of PARTS.entries()) {
    const PartNumber = i + 1
    const Body = i === 0 ? bytes : Readable.from([bytes])
    const part = { ...object, UploadId, PartNumber, Body, ContentLength: bytes.length }
    const told = await client.send(new UploadPartCommand({ ...part, ChecksumAlgorithm: 'CRC32' }))
    done.push({ PartNumber, ETag: told.ETag, ChecksumCRC32: told.ChecksumCRC32 })
  }
  return done
}

const upload = async (client: S3Client, object: Object, ChecksumType: ChecksumType) => {
  const kind = { ChecksumAlgorithm: 'CRC32', ChecksumType } as const
  const { UploadId } = await client.send(new CreateMultipartUploadCommand({ ...object, ...kind }))
  const Parts = await uploadParts(client, object, UploadId)
  const whole = ChecksumType === 'FULL_OBJECT' ? { ChecksumCRC32: crc32Of(WHOLE) } : {}
  return client.send(
    new CompleteMultipartUploadCommand({
      ...object,
      ...whole,
      UploadId,
      ChecksumType,
      MultipartUpload: { Parts },
    }),
  )
}

/** Uploads in parts with a checksum declared, and what of that the provider keeps. */
export const testChecksums = async (t: Test, site: Site, keeps: boolean): Promise<void> => {
  const client = startSdk(t, site)
  const Bucket = await newBucket(t, site, 'checksums')
  for (const type of ['COMPOSITE', 'FULL_OBJECT'] as const) {
    const object = { Bucket, Key: type }
    const completed = await upload(client, object, type)
    t.match(completed.ETag, /-2"$/, type)
    const head = await client.send(new HeadObjectCommand({ ...object, ChecksumMode: 'ENABLED' }))
    const ObjectAttributes = ['Checksum' as const, 'ObjectSize' as const]
    const attributes = await client.send(
      new GetObjectAttributesCommand({ ...object, ObjectAttributes }),
    )
    t.equal(attributes.ObjectSize, WHOLE.length)
    const full = type === 'FULL_OBJECT' ? crc32Of(WHOLE) : /-2$/
    for (const [name, found] of [
      ['completed', completed.ChecksumCRC32],
      ['head', head.ChecksumCRC32],
    ] as const) {
      if (keeps) t.match(found, full, `${type}, ${name}`)
      else t.equal(found, undefined, `${type}, ${name}: none is made up`)
    }
    const { Body } = await client.send(new GetObjectCommand({ ...object, ChecksumMode: 'ENABLED' }))
    t.ok(WHOLE.equals((await Body?.transformToByteArray()) ?? Buffer.alloc(0)), 'and the bytes')
  }
}

export const checksums: Feature = [
  'checksums of uploads in parts',
  (t, site) => testChecksums(t, site, site.upstream === 'minio'),
]
