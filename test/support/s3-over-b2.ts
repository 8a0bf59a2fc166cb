import { randomBytes } from 'node:crypto'
import { Readable } from 'node:stream'
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteBucketCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetBucketLocationCommand,
  GetBucketVersioningCommand,
  GetObjectCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  ListBucketsCommand,
  ListMultipartUploadsCommand,
  ListObjectsCommand,
  type ListObjectsCommandOutput,
  ListObjectsV2Command,
  ListObjectVersionsCommand,
  type ListObjectVersionsCommandOutput,
  ListPartsCommand,
  PutObjectCommand,
  PutObjectTaggingCommand,
  S3Client,
  UploadPartCommand,
  UploadPartCopyCommand,
} from '@aws-sdk/client-s3'
import { NodeHttpHandler } from '@smithy/node-http-handler'
import type { Test } from 'tap'
import { APP } from './proxy.ts'

/** B2's least size of a part that is not the last. */
const PART = 5_000_000

export const s3ClientOf = (origin: string): S3Client =>
  new S3Client({
    endpoint: origin,
    region: 'us-east-1',
    forcePathStyle: true,
    credentials: APP,
    maxAttempts: 1,
    requestHandler: new NodeHttpHandler({ requestTimeout: 20_000 }),
  })

const bytesOf = async (body: unknown): Promise<Buffer> => {
  if (!(body instanceof Readable)) throw new Error('no body')
  const chunks: Buffer[] = []
  for await (const chunk of body) chunks.push(chunk)
  return Buffer.concat(chunks)
}

/** Status and code of the error that a request ends in. */
export const codeOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'no error',
    error => `${error.$metadata?.httpStatusCode} ${error.name}`,
  )

/** An S3 client's ways with objects, behind which nobody knows B2. */
export const useObjects = async (t: Test, s3: S3Client, Bucket: string): Promise<void> => {
  const Key = 'dir/ä +%/file'
  const bytes = randomBytes(70_000)
  const described = {
    ContentType: 'text/x-own',
    CacheControl: 'max-age=7',
    ContentDisposition: 'attachment; filename="a b.txt"',
    ContentLanguage: 'de',
    Metadata: { one: '1 + 1', 'two-words': '%41+ !"' },
  }
  const put = await s3.send(new PutObjectCommand({ Bucket, Key, Body: bytes, ...described }))
  t.match(put.ETag, /^"[0-9a-f]{32}-0"$/)
  t.ok(put.VersionId)
  t.equal(put.SSECustomerAlgorithm, 'AES256')
  const got = await s3.send(new GetObjectCommand({ Bucket, Key }))
  t.ok((await bytesOf(got.Body)).equals(bytes))
  t.match(got, {
    ETag: put.ETag,
    VersionId: put.VersionId,
    ...described,
    SSECustomerAlgorithm: 'AES256',
  })
  const head = await s3.send(new HeadObjectCommand({ Bucket, Key, VersionId: put.VersionId }))
  t.match(head, { ETag: put.ETag, ContentLength: bytes.length, ...described })
  const ranges: readonly [string, Buffer][] = [
    ['bytes=10-19', bytes.subarray(10, 20)],
    ['bytes=69990-', bytes.subarray(69_990)],
    ['bytes=-5', bytes.subarray(-5)],
  ]
  for (const [Range, expected] of ranges) {
    const part = await s3.send(new GetObjectCommand({ Bucket, Key, Range }))
    t.ok((await bytesOf(part.Body)).equals(expected), Range)
    t.ok(part.ContentRange)
  }
  t.equal(
    await codeOf(s3.send(new GetObjectCommand({ Bucket, Key, Range: 'bytes=70000-' }))),
    '416 InvalidRange',
  )
  t.equal(
    await codeOf(s3.send(new GetObjectCommand({ Bucket, Key, IfMatch: '"other"' }))),
    '412 PreconditionFailed',
  )
  t.match(
    await codeOf(s3.send(new GetObjectCommand({ Bucket, Key, IfNoneMatch: put.ETag }))),
    /^304 /,
  )
  t.equal(
    (await s3.send(new GetObjectCommand({ Bucket, Key, ResponseContentType: 'a/b' }))).ContentType,
    'a/b',
  )
  t.equal(await codeOf(s3.send(new GetObjectCommand({ Bucket, Key: 'none' }))), '404 NoSuchKey')
  t.match(await codeOf(s3.send(new HeadObjectCommand({ Bucket, Key: 'none' }))), /^404 /)
  t.match(await codeOf(s3.send(new GetObjectCommand({ Bucket: 'no-such', Key }))), '404')
  const empty = await s3.send(new PutObjectCommand({ Bucket, Key: 'empty', Body: '' }))
  t.ok(empty.VersionId)
  t.equal((await s3.send(new HeadObjectCommand({ Bucket, Key: 'empty' }))).ContentLength, 0)
  t.equal(
    await codeOf(s3.send(new PutObjectCommand({ Bucket, Key, Body: 'x', IfNoneMatch: '*' }))),
    '501 NotImplemented',
  )
  const Tagging = { TagSet: [{ Key: 'a', Value: 'b' }] }
  t.equal(
    await codeOf(s3.send(new PutObjectTaggingCommand({ Bucket, Key, Tagging }))),
    '501 NotImplemented',
  )
  const other = await s3.send(new PutObjectCommand({ Bucket, Key: 'other', Body: 'other' }))
  t.match(
    await codeOf(s3.send(new GetObjectCommand({ Bucket, Key, VersionId: other.VersionId }))),
    /^404 NoSuchVersion/,
    "another object's version is none of this one's",
  )
}

/** Copies, with metadata and without. */
export const copyObjects = async (t: Test, s3: S3Client, Bucket: string): Promise<void> => {
  const Key = 'copies/from'
  await s3.send(new PutObjectCommand({ Bucket, Key, Body: 'copied', Metadata: { a: 'b' } }))
  const CopySource = `${Bucket}/${Key}`
  const copied = await s3.send(new CopyObjectCommand({ Bucket, Key: 'copies/to', CopySource }))
  t.match(copied.CopyObjectResult?.ETag, /-0"$/)
  t.equal(copied.SSECustomerAlgorithm, 'AES256')
  const read = await s3.send(new GetObjectCommand({ Bucket, Key: 'copies/to' }))
  t.equal((await bytesOf(read.Body)).toString(), 'copied')
  t.match(read, { ETag: copied.CopyObjectResult?.ETag, Metadata: { a: 'b' } })
  const replacing = {
    MetadataDirective: 'REPLACE',
    Metadata: { c: 'd' },
    ContentType: 'x/y',
  } as const
  await s3.send(new CopyObjectCommand({ Bucket, Key: 'copies/to', CopySource, ...replacing }))
  const replaced = await s3.send(new HeadObjectCommand({ Bucket, Key: 'copies/to' }))
  t.strictSame(replaced.Metadata, { c: 'd' })
  t.equal(replaced.ContentType, 'x/y')
  t.equal(
    await codeOf(
      s3.send(new CopyObjectCommand({ Bucket, Key, CopySource: `${Bucket}/copies/none` })),
    ),
    '404 NoSuchKey',
  )
  t.equal(
    await codeOf(
      s3.send(new CopyObjectCommand({ Bucket, Key, CopySource, CopySourceIfMatch: '"other"' })),
    ),
    '412 PreconditionFailed',
  )
}

/** An upload in parts, one of them a copy. */
export const uploadInParts = async (t: Test, s3: S3Client, Bucket: string): Promise<void> => {
  const Key = 'large'
  const bytes = randomBytes(PART)
  await s3.send(new PutObjectCommand({ Bucket, Key: 'piece', Body: bytes }))
  const { UploadId } = await s3.send(
    new CreateMultipartUploadCommand({ Bucket, Key, Metadata: { m: 'n' }, ContentType: 'l/f' }),
  )
  const upload = { Bucket, Key, UploadId }
  const first = await s3.send(new UploadPartCommand({ ...upload, PartNumber: 1, Body: bytes }))
  t.match(first.ETag, /^"[0-9a-f]{40}-0"$/)
  const CopySource = `${Bucket}/piece`
  const second = await s3.send(
    new UploadPartCopyCommand({
      ...upload,
      PartNumber: 2,
      CopySource,
      CopySourceRange: `bytes=0-${PART - 1}`,
    }),
  )
  const third = await s3.send(new UploadPartCommand({ ...upload, PartNumber: 3, Body: 'end' }))
  const parts = await s3.send(new ListPartsCommand(upload))
  t.strictSame(
    parts.Parts?.map(({ PartNumber, ETag }) => [PartNumber, ETag]),
    [
      [1, first.ETag],
      [2, second.CopyPartResult?.ETag],
      [3, third.ETag],
    ],
  )
  const uploads = await s3.send(new ListMultipartUploadsCommand({ Bucket }))
  t.strictSame(
    uploads.Uploads?.map(each => each.Key),
    [Key],
  )
  const Parts = [first.ETag, second.CopyPartResult?.ETag, third.ETag].map((ETag, index) => ({
    PartNumber: index + 1,
    ETag,
  }))
  t.equal(
    await codeOf(
      s3.send(
        new CompleteMultipartUploadCommand({
          ...upload,
          MultipartUpload: { Parts: Parts.slice(1) },
        }),
      ),
    ),
    '501 NotImplemented',
    'numbers with a gap',
  )
  const done = await s3.send(
    new CompleteMultipartUploadCommand({ ...upload, MultipartUpload: { Parts } }),
  )
  const read = await s3.send(new GetObjectCommand({ Bucket, Key }))
  t.ok((await bytesOf(read.Body)).equals(Buffer.concat([bytes, bytes, Buffer.from('end')])))
  t.match(read, {
    ETag: done.ETag,
    Metadata: { m: 'n' },
    ContentType: 'l/f',
    SSECustomerAlgorithm: 'AES256',
  })
  const aborted = await s3.send(new CreateMultipartUploadCommand({ Bucket, Key }))
  await s3.send(new AbortMultipartUploadCommand({ Bucket, Key, UploadId: aborted.UploadId }))
  t.equal((await s3.send(new ListMultipartUploadsCommand({ Bucket }))).Uploads, undefined)
}

/** Every page of a listing, of two keys each. */
const listAll = async (
  s3: S3Client,
  input: { Bucket: string; Prefix?: string; Delimiter?: string },
) => {
  const found: string[] = []
  let ContinuationToken: string | undefined
  do {
    const page = await s3.send(
      new ListObjectsV2Command({ ...input, MaxKeys: 2, ContinuationToken }),
    )
    found.push(...(page.Contents ?? []).map(({ Key = '' }) => Key))
    found.push(...(page.CommonPrefixes ?? []).map(({ Prefix = '' }) => Prefix))
    ContinuationToken = page.NextContinuationToken
  } while (ContinuationToken !== undefined)
  return found.sort()
}

const listAllV1 = async (s3: S3Client, input: { Bucket: string; Delimiter?: string }) => {
  const found: string[] = []
  for (let Marker: string | undefined = ''; Marker !== undefined; ) {
    const page: ListObjectsCommandOutput = await s3.send(
      new ListObjectsCommand({ ...input, MaxKeys: 2, Marker }),
    )
    found.push(...(page.Contents ?? []).map(({ Key = '' }) => Key))
    found.push(...(page.CommonPrefixes ?? []).map(({ Prefix = '' }) => Prefix))
    Marker = page.NextMarker
  }
  return found.sort()
}

/** Listings, versions and deletes, in a bucket of its own. */
export const listAndDelete = async (t: Test, s3: S3Client, Bucket: string): Promise<void> => {
  t.equal(await codeOf(s3.send(new HeadBucketCommand({ Bucket }))), '404 NotFound')
  await s3.send(new CreateBucketCommand({ Bucket }))
  await s3.send(new HeadBucketCommand({ Bucket }))
  t.ok((await s3.send(new ListBucketsCommand({}))).Buckets?.some(({ Name }) => Name === Bucket))
  t.equal((await s3.send(new GetBucketVersioningCommand({ Bucket }))).Status, 'Enabled')
  t.ok(await s3.send(new GetBucketLocationCommand({ Bucket })))
  const keys = ['a', 'a/1', 'a/2', 'b', 'c/1', 'd ü']
  for (const Key of keys) await s3.send(new PutObjectCommand({ Bucket, Key, Body: Key }))
  t.strictSame(await listAll(s3, { Bucket }), keys)
  t.strictSame(await listAll(s3, { Bucket, Delimiter: '/' }), ['a', 'a/', 'b', 'c/', 'd ü'])
  t.strictSame(await listAll(s3, { Bucket, Prefix: 'a/' }), ['a/1', 'a/2'])
  t.strictSame(await listAllV1(s3, { Bucket }), keys)
  t.strictSame(await listAllV1(s3, { Bucket, Delimiter: '/' }), ['a', 'a/', 'b', 'c/', 'd ü'])
  const after = await s3.send(new ListObjectsV2Command({ Bucket, StartAfter: 'b' }))
  t.strictSame(
    after.Contents?.map(({ Key }) => Key),
    ['c/1', 'd ü'],
  )
  t.equal((await s3.send(new ListObjectsV2Command({ Bucket, MaxKeys: 0 }))).KeyCount, 0)
  const second = await s3.send(new PutObjectCommand({ Bucket, Key: 'a', Body: 'second' }))
  const hidden = await s3.send(new DeleteObjectCommand({ Bucket, Key: 'a' }))
  t.equal(hidden.DeleteMarker, true)
  t.equal(await codeOf(s3.send(new GetObjectCommand({ Bucket, Key: 'a' }))), '404 NoSuchKey')
  t.strictSame(await listAll(s3, { Bucket, Prefix: 'a' }), ['a/1', 'a/2'])
  const versions: string[] = []
  for (
    let KeyMarker: string | undefined = '', VersionIdMarker: string | undefined;
    KeyMarker !== undefined;
  ) {
    const page: ListObjectVersionsCommandOutput = await s3.send(
      new ListObjectVersionsCommand({ Bucket, MaxKeys: 1, KeyMarker, VersionIdMarker }),
    )
    versions.push(...(page.Versions ?? []).map(({ Key, IsLatest }) => `${Key} ${IsLatest}`))
    versions.push(
      ...(page.DeleteMarkers ?? []).map(({ Key, IsLatest }) => `${Key} marker ${IsLatest}`),
    )
    KeyMarker = page.NextKeyMarker
    VersionIdMarker = page.NextVersionIdMarker
  }
  t.strictSame(versions, [
    'a marker true',
    'a false',
    'a false',
    ...keys.slice(1).map(key => `${key} true`),
  ])
  await s3.send(new DeleteObjectCommand({ Bucket, Key: 'a', VersionId: hidden.VersionId }))
  const restored = await s3.send(new GetObjectCommand({ Bucket, Key: 'a' }))
  t.equal((await bytesOf(restored.Body)).toString(), 'second')
  t.equal(restored.VersionId, second.VersionId)
  await s3.send(new DeleteObjectCommand({ Bucket, Key: 'never-there' }))
  t.equal(await codeOf(s3.send(new DeleteBucketCommand({ Bucket }))), '409 BucketNotEmpty')
  const left = await s3.send(new ListObjectVersionsCommand({ Bucket }))
  const Objects = [...(left.Versions ?? []), ...(left.DeleteMarkers ?? [])].map(
    ({ Key = '', VersionId = '' }) => ({ Key, VersionId }),
  )
  const deleted = await s3.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects } }))
  t.equal(deleted.Deleted?.length, Objects.length)
  t.equal(deleted.Errors, undefined)
  await s3.send(new DeleteBucketCommand({ Bucket }))
  t.equal(await codeOf(s3.send(new HeadBucketCommand({ Bucket }))), '404 NotFound')
}
