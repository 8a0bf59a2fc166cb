import assert from 'node:assert/strict'
import * as s3 from '@aws-sdk/client-s3'
import {
  type Behaviour,
  behaviour,
  bytesOf,
  type Place,
  patterned,
  refused,
  sourceSseC,
  sseC,
} from './server.ts'

const BODY = patterned(70_001)

const copy = (
  { client, bucket }: Place,
  from: string,
  to: string,
  input: Partial<s3.CopyObjectCommandInput> = {},
): Promise<s3.CopyObjectCommandOutput> =>
  client.send(
    new s3.CopyObjectCommand({
      Bucket: bucket,
      Key: to,
      CopySource: `${bucket}/${encodeURIComponent(from)}`,
      ...input,
    }),
  )

const reads = async (
  { client, bucket: Bucket }: Place,
  Key: string,
  encryption: Partial<ReturnType<typeof sseC>> = {},
): Promise<void> => {
  const get = await client.send(new s3.GetObjectCommand({ Bucket, Key, ...encryption }))
  assert.ok(BODY.equals(await bytesOf(get)))
}

const put = (
  { client, bucket: Bucket }: Place,
  input: Partial<s3.PutObjectCommandInput> = {},
): Promise<s3.PutObjectCommandOutput> =>
  client.send(new s3.PutObjectCommand({ Bucket, Key: 'from here', Body: BODY, ...input }))

export const copyBehaviours: readonly Behaviour[] = [
  behaviour(
    'a copy takes the encryption that it asks for, whatever its source has',
    async place => {
      await put(place)
      await copy(place, 'from here', 'k1', sseC('k1'))
      await copy(place, 'k1', 'k2', { ...sourceSseC('k1'), ...sseC('k2') })
      const plain = await copy(place, 'k2', 'plain', sourceSseC('k2'))
      assert.equal(plain.SSECustomerAlgorithm, undefined)
      await reads(place, 'k1', sseC('k1'))
      await reads(place, 'k2', sseC('k2'))
      await reads(place, 'plain')
    },
  ),

  behaviour('an encrypted source is copied with its key only', async place => {
    await put(place, sseC('k'))
    assert.equal((await refused(copy(place, 'from here', 'to'))).status, 400)
    const other = await refused(copy(place, 'from here', 'to', sourceSseC('other')))
    assert.deepEqual([other.status, other.code], [403, 'AccessDenied'])
    const { client, bucket: Bucket } = place
    assert.equal(
      (await refused(client.send(new s3.HeadObjectCommand({ Bucket, Key: 'to' })))).status,
      404,
    )
  }),

  behaviour('a plaintext source is not copied with a key', async place => {
    await put(place)
    const { status, code } = await refused(copy(place, 'from here', 'to', sourceSseC('k')))
    assert.deepEqual([status, code], [400, 'InvalidRequest'])
  }),

  behaviour('a copy onto itself must change something', async place => {
    await put(place)
    assert.deepEqual(await refused(copy(place, 'from here', 'from here')), {
      status: 400,
      code: 'InvalidRequest',
      message:
        "This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata, storage class, website redirect location or encryption attributes.",
    })
    await copy(place, 'from here', 'from here', { MetadataDirective: 'REPLACE' })
    await reads(place, 'from here')
    await copy(place, 'from here', 'from here', sseC('k'))
    await reads(place, 'from here', sseC('k'))
    await copy(place, 'from here', 'from here', { ...sourceSseC('k'), ...sseC('k2') })
    await reads(place, 'from here', sseC('k2'))
  }),

  behaviour('metadata and tags are copied, or replaced by those of the request', async place => {
    const { client, bucket: Bucket } = place
    const described = (a: string) => ({
      ContentType: `text/${a}`,
      Metadata: { a },
      Tagging: `t=${a}`,
    })
    await put(place, described('one'))
    await copy(place, 'from here', 'copied', described('two'))
    await copy(place, 'from here', 'replaced', {
      ...described('two'),
      MetadataDirective: 'REPLACE',
      TaggingDirective: 'REPLACE',
    })
    for (const [Key, a] of [
      ['copied', 'one'],
      ['replaced', 'two'],
    ] as const) {
      const head = await client.send(new s3.HeadObjectCommand({ Bucket, Key }))
      const { TagSet } = await client.send(new s3.GetObjectTaggingCommand({ Bucket, Key }))
      assert.deepEqual([head.ContentType, head.Metadata], [`text/${a}`, { a }])
      assert.deepEqual(TagSet, [{ Key: 't', Value: a }])
    }
  }),

  behaviour('a copy may depend on its source', async place => {
    const { ETag } = await put(place)
    const statusOf = async (input: Partial<s3.CopyObjectCommandInput>) =>
      (await refused(copy(place, 'from here', 'to', input))).status
    assert.equal(await statusOf({ CopySourceIfMatch: '"0123"' }), 412)
    assert.equal(await statusOf({ CopySourceIfNoneMatch: ETag }), 412)
    assert.equal(await statusOf({ CopySourceIfUnmodifiedSince: new Date(0) }), 412)
    await copy(place, 'from here', 'to', { CopySourceIfMatch: ETag })
    await reads(place, 'to')
  }),

  behaviour('a source that is not there is missing', async place => {
    const { status, code } = await refused(copy(place, 'absent', 'to'))
    assert.deepEqual([status, code], [404, 'NoSuchKey'])
  }),
]
