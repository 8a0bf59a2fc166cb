import assert from 'node:assert/strict'
import * as s3 from '@aws-sdk/client-s3'
import { type Behaviour, behaviour, bytesOf, md5, refused, withHeaders } from './server.ts'

const LONG_AGO = new Date('2001-01-01T00:00:00Z')
const FAR_AHEAD = new Date(Date.now() + 3_600_000)

/** Headers that come back as they were given. */
const DESCRIBED = {
  CacheControl: 'max-age=60',
  ContentDisposition: 'attachment; filename="a.txt"',
  ContentEncoding: 'identity',
  ContentLanguage: 'de',
  ContentType: 'text/plain; charset=utf-8',
} as const

export const objectBehaviours: readonly Behaviour[] = [
  behaviour(
    'a plaintext object has the MD5 of its bytes for an ETag',
    async ({ client, bucket: Bucket }) => {
      const place = { Bucket, Key: 'plain' }
      const put = await client.send(new s3.PutObjectCommand({ ...place, Body: 'hello' }))
      const get = await client.send(new s3.GetObjectCommand(place))
      assert.equal(put.ETag, `"${md5('hello')}"`)
      assert.equal(get.ETag, put.ETag)
      assert.equal((await bytesOf(get)).toString(), 'hello')
      assert.equal(get.AcceptRanges, 'bytes')
      assert.equal(put.SSECustomerAlgorithm, undefined)
    },
  ),

  behaviour('an empty object is an object', async ({ client, bucket: Bucket }) => {
    const place = { Bucket, Key: 'empty' }
    await client.send(new s3.PutObjectCommand({ ...place, Body: '' }))
    const head = await client.send(new s3.HeadObjectCommand(place))
    assert.equal(head.ContentLength, 0)
    assert.equal(head.ETag, `"${md5('')}"`)
    const ranged = new s3.GetObjectCommand({ ...place, Range: 'bytes=0-0' })
    assert.equal((await refused(client.send(ranged))).status, 416)
  }),

  behaviour(
    'content headers and user metadata come back as they were sent',
    async ({ client, bucket: Bucket }) => {
      const place = { Bucket, Key: 'described' }
      const Metadata = { plain: 'a  b', 'with-dash': '=?UTF-8?' }
      await client.send(new s3.PutObjectCommand({ ...place, ...DESCRIBED, Metadata, Body: 'x' }))
      const head = await client.send(new s3.HeadObjectCommand(place))
      for (const [name, value] of Object.entries(DESCRIBED)) {
        assert.equal(head[name as keyof typeof DESCRIBED], value, name)
      }
      assert.equal(head.Metadata?.['with-dash'], Metadata['with-dash'])
    },
  ),

  behaviour('a read may choose headers of its answer', async ({ client, bucket: Bucket }) => {
    const place = { Bucket, Key: 'described' }
    await client.send(new s3.PutObjectCommand({ ...place, ...DESCRIBED, Body: 'x' }))
    const get = await client.send(
      new s3.GetObjectCommand({
        ...place,
        ResponseContentType: 'application/x-other',
        ResponseCacheControl: 'no-store',
      }),
    )
    assert.equal(get.ContentType, 'application/x-other')
    assert.equal(get.CacheControl, 'no-store')
    assert.equal(get.ContentLanguage, 'de')
  }),

  behaviour(
    'a range beyond the end is not satisfiable, one that makes no sense is as none',
    async ({ client, bucket: Bucket }) => {
      const place = { Bucket, Key: 'plain' }
      await client.send(new s3.PutObjectCommand({ ...place, Body: '0123456789' }))
      const beyond = new s3.GetObjectCommand({ ...place, Range: 'bytes=10-' })
      const { status, code } = await refused(client.send(beyond))
      assert.deepEqual([status, code], [416, 'InvalidRange'])
      for (const Range of ['bytes=0-4,6-7', 'items=0-4']) {
        const get = await client.send(new s3.GetObjectCommand({ ...place, Range }))
        assert.deepEqual([get.$metadata.httpStatusCode, get.ContentLength], [200, 10], Range)
      }
    },
  ),

  behaviour('conditional reads', async ({ client, bucket: Bucket }) => {
    const place = { Bucket, Key: 'plain' }
    const { ETag } = await client.send(new s3.PutObjectCommand({ ...place, Body: 'x' }))
    const cases = [
      [{ IfMatch: ETag }, 200],
      [{ IfMatch: '"0123"' }, 412],
      [{ IfNoneMatch: ETag }, 304],
      [{ IfNoneMatch: '"0123"' }, 200],
      [{ IfModifiedSince: LONG_AGO }, 200],
      [{ IfUnmodifiedSince: LONG_AGO }, 412],
      [{ IfUnmodifiedSince: FAR_AHEAD }, 200],
      [{ IfMatch: ETag, IfUnmodifiedSince: LONG_AGO }, 200],
    ] as const
    for (const [conditions, expected] of cases) {
      for (const Command of [s3.GetObjectCommand, s3.HeadObjectCommand]) {
        const sending = client.send(new Command({ ...place, ...conditions }))
        const status =
          expected === 200
            ? (await sending).$metadata.httpStatusCode
            : (await refused(sending)).status
        assert.equal(status, expected, JSON.stringify(conditions))
      }
    }
  }),

  behaviour('conditional writes', async ({ client, bucket: Bucket }) => {
    const place = { Bucket, Key: 'once' }
    const once = { ...place, IfNoneMatch: '*' }
    const { ETag } = await client.send(new s3.PutObjectCommand({ ...once, Body: 'first' }))
    const again = await refused(client.send(new s3.PutObjectCommand({ ...once, Body: 'second' })))
    assert.deepEqual([again.status, again.code], [412, 'PreconditionFailed'])
    const other = { ...place, IfMatch: '"0123"', Body: 'third' }
    assert.equal((await refused(client.send(new s3.PutObjectCommand(other)))).status, 412)
    await client.send(new s3.PutObjectCommand({ ...place, IfMatch: ETag, Body: 'fourth' }))
    const get = await client.send(new s3.GetObjectCommand(place))
    assert.equal((await bytesOf(get)).toString(), 'fourth')
  }),

  behaviour(
    'tags are set with an object and by themselves, counted and deleted',
    async ({ client, bucket: Bucket }) => {
      const place = { Bucket, Key: 'tagged' }
      await client.send(
        new s3.PutObjectCommand({ ...place, Body: 'x', Tagging: 'a=1&b%20c=d%2Be' }),
      )
      const get = await client.send(new s3.GetObjectCommand(place))
      await bytesOf(get)
      assert.equal(get.TagCount, 2)
      const tags = await client.send(new s3.GetObjectTaggingCommand(place))
      assert.deepEqual(
        Object.fromEntries(tags.TagSet?.map(({ Key, Value }) => [Key, Value]) ?? []),
        { a: '1', 'b c': 'd+e' },
      )
      const Tagging = { TagSet: [{ Key: 'empty', Value: '' }] }
      await client.send(new s3.PutObjectTaggingCommand({ ...place, Tagging }))
      const replaced = await client.send(new s3.GetObjectTaggingCommand(place))
      assert.deepEqual(replaced.TagSet, Tagging.TagSet)
      await client.send(new s3.DeleteObjectTaggingCommand(place))
      const none = await client.send(new s3.GetObjectTaggingCommand(place))
      assert.deepEqual(none.TagSet ?? [], [])
    },
  ),

  behaviour('deleting what is not there succeeds', async ({ client, bucket: Bucket }) => {
    const { $metadata } = await client.send(new s3.DeleteObjectCommand({ Bucket, Key: 'absent' }))
    assert.equal($metadata.httpStatusCode, 204)
  }),

  behaviour(
    'many are deleted at once, told of each unless it shall be quiet',
    async ({ client, bucket: Bucket }) => {
      const keys = ['a', '<b> & "c"', 'd/é', 'e f']
      const Objects = keys.map(Key => ({ Key }))
      for (const Key of keys) await client.send(new s3.PutObjectCommand({ Bucket, Key, Body: 'x' }))
      const told = await client.send(
        new s3.DeleteObjectsCommand({ Bucket, Delete: { Objects: Objects.slice(0, 2) } }),
      )
      assert.deepEqual(told.Deleted?.map(({ Key }) => Key).sort(), keys.slice(0, 2).sort())
      const quiet = await client.send(
        new s3.DeleteObjectsCommand({ Bucket, Delete: { Objects: Objects.slice(2), Quiet: true } }),
      )
      assert.deepEqual(quiet.Deleted ?? [], [])
      assert.equal((await client.send(new s3.ListObjectsV2Command({ Bucket }))).KeyCount, 0)
    },
  ),

  behaviour('a storage class comes back', async ({ client, bucket: Bucket }) => {
    const place = { Bucket, Key: 'cold' }
    const StorageClass = 'REDUCED_REDUNDANCY'
    await client.send(new s3.PutObjectCommand({ ...place, Body: 'x', StorageClass }))
    const head = await client.send(new s3.HeadObjectCommand(place))
    assert.equal(head.StorageClass, StorageClass)
    const unknown = withHeaders(new s3.PutObjectCommand({ ...place, Body: 'x' }), {
      'x-amz-storage-class': 'BOGUS',
    })
    assert.equal((await refused(client.send(unknown))).code, 'InvalidStorageClass')
  }),

  behaviour(
    'buckets are made, found, located and removed only when empty',
    async ({ client, bucket: Bucket }) => {
      const buckets = await client.send(new s3.ListBucketsCommand({}))
      assert.ok(buckets.Buckets?.some(({ Name }) => Name === Bucket))
      const location = await client.send(new s3.GetBucketLocationCommand({ Bucket }))
      assert.equal(location.LocationConstraint || undefined, undefined)
      await client.send(new s3.HeadBucketCommand({ Bucket }))
      const again = await refused(client.send(new s3.CreateBucketCommand({ Bucket })))
      assert.deepEqual([again.status, again.code], [409, 'BucketAlreadyOwnedByYou'])
      await client.send(new s3.PutObjectCommand({ Bucket, Key: 'x', Body: 'x' }))
      const full = await refused(client.send(new s3.DeleteBucketCommand({ Bucket })))
      assert.deepEqual([full.status, full.code], [409, 'BucketNotEmpty'])
      const missing = await refused(
        client.send(new s3.HeadBucketCommand({ Bucket: `${Bucket}-x` })),
      )
      assert.equal(missing.status, 404)
      const nowhere = { Bucket: `${Bucket}-x`, Key: 'x' }
      assert.equal(
        (await refused(client.send(new s3.GetObjectCommand(nowhere)))).code,
        'NoSuchBucket',
      )
    },
  ),
]
