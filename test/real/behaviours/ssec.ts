import assert from 'node:assert/strict'
import * as s3 from '@aws-sdk/client-s3'
import {
  type Behaviour,
  behaviour,
  bytesOf,
  keyMd5,
  md5,
  patterned,
  refused,
  sseC,
  withHeaders,
} from './server.ts'

const PREFIX = 'x-amz-server-side-encryption-customer-'
const ALGORITHM = `${PREFIX}algorithm`
const KEY = `${PREFIX}key`
const KEY_MD5 = `${PREFIX}key-md5`
/** Triples that are not whole, or not in themselves right; each server has words of its own for some of them. */
const FAULTY_TRIPLES: readonly (readonly [
  what: string,
  changes: Readonly<Record<string, string | undefined>>,
])[] = [
  ['no algorithm', { [ALGORITHM]: undefined }],
  ['no key', { [KEY]: undefined }],
  ['no key MD5', { [KEY_MD5]: undefined }],
  ["another key's MD5", { [KEY_MD5]: keyMd5('other') }],
]

export const ssecBehaviours: readonly Behaviour[] = [
  behaviour(
    'an object written with a customer key is read with it, and both answers echo it',
    async ({ client, bucket: Bucket }) => {
      const place = { Bucket, Key: 'secret' }
      const body = patterned(100_000)
      const put = await client.send(new s3.PutObjectCommand({ ...place, ...sseC('k'), Body: body }))
      const get = await client.send(new s3.GetObjectCommand({ ...place, ...sseC('k') }))
      const head = await client.send(new s3.HeadObjectCommand({ ...place, ...sseC('k') }))
      assert.ok(body.equals(await bytesOf(get)))
      for (const answer of [put, get, head]) {
        assert.equal(answer.SSECustomerAlgorithm, 'AES256')
        assert.equal(answer.SSECustomerKeyMD5, keyMd5('k'))
      }
      assert.equal(head.ContentLength, body.length)
    },
  ),

  behaviour(
    'its ETag is 32 hex digits, not the MD5, and the same wherever it is shown',
    async ({ client, bucket: Bucket }) => {
      const place = { Bucket, Key: 'secret' }
      const put = await client.send(new s3.PutObjectCommand({ ...place, ...sseC('k'), Body: 'x' }))
      const head = await client.send(new s3.HeadObjectCommand({ ...place, ...sseC('k') }))
      const list = await client.send(new s3.ListObjectsV2Command({ Bucket }))
      assert.match(put.ETag ?? '', /^"[0-9a-f]{32}"$/)
      assert.notEqual(put.ETag, `"${md5('x')}"`)
      assert.equal(head.ETag, put.ETag)
      assert.deepEqual(
        list.Contents?.map(({ ETag, Size }) => [ETag, Size]),
        [[put.ETag, 1]],
      )
    },
  ),

  behaviour('it is not read without its key', async ({ client, bucket: Bucket }) => {
    const place = { Bucket, Key: 'secret' }
    await client.send(new s3.PutObjectCommand({ ...place, ...sseC('k'), Body: 'x' }))
    assert.deepEqual(await refused(client.send(new s3.GetObjectCommand(place))), {
      status: 400,
      code: 'InvalidRequest',
      message:
        'The object was stored using a form of Server Side Encryption. The correct parameters must be provided to retrieve the object.',
    })
    assert.equal((await refused(client.send(new s3.HeadObjectCommand(place)))).status, 400)
  }),

  behaviour('it is not read with another key', async ({ client, bucket: Bucket }) => {
    const place = { Bucket, Key: 'secret' }
    const asked = { ...place, ...sseC('other') }
    await client.send(new s3.PutObjectCommand({ ...place, ...sseC('k'), Body: 'x' }))
    const { status, code } = await refused(client.send(new s3.GetObjectCommand(asked)))
    assert.deepEqual([status, code], [403, 'AccessDenied'])
    assert.equal((await refused(client.send(new s3.HeadObjectCommand(asked)))).status, 403)
  }),

  behaviour('a plaintext object is not read with a key', async ({ client, bucket: Bucket }) => {
    const place = { Bucket, Key: 'plain' }
    await client.send(new s3.PutObjectCommand({ ...place, Body: 'x' }))
    const asked = { ...place, ...sseC('k') }
    assert.deepEqual(await refused(client.send(new s3.GetObjectCommand(asked))), {
      status: 400,
      code: 'InvalidRequest',
      message: 'The encryption parameters are not applicable to this object.',
    })
    assert.equal((await refused(client.send(new s3.HeadObjectCommand(asked)))).status, 400)
  }),

  behaviour(
    'a key that is not there is missing, whatever key it is asked with',
    async ({ client, bucket: Bucket }) => {
      const asked = { Bucket, Key: 'absent', ...sseC('k') }
      const { status, code } = await refused(client.send(new s3.GetObjectCommand(asked)))
      assert.deepEqual([status, code], [404, 'NoSuchKey'])
      assert.equal((await refused(client.send(new s3.HeadObjectCommand(asked)))).status, 404)
    },
  ),

  ...FAULTY_TRIPLES.map(([what, changes]) =>
    behaviour(
      `a triple with ${what} is refused on writes and reads`,
      async ({ client, bucket: Bucket }) => {
        const place = { Bucket, Key: 'secret', ...sseC('k') }
        const put = withHeaders(new s3.PutObjectCommand({ ...place, Body: 'x' }), changes)
        const unwritten = await refused(client.send(put))
        assert.deepEqual([unwritten.status, unwritten.code], [400, 'InvalidArgument'])
        await client.send(new s3.PutObjectCommand({ ...place, Body: 'x' }))
        const get = withHeaders(new s3.GetObjectCommand(place), changes)
        const unread = await refused(client.send(get))
        assert.deepEqual([unread.status, unread.code], [400, 'InvalidArgument'])
      },
    ),
  ),

  behaviour(
    "a key together with the provider's own encryption is refused",
    async ({ client, bucket: Bucket }) => {
      const both = { Bucket, Key: 'both', ...sseC('k'), ServerSideEncryption: 'AES256' } as const
      assert.deepEqual(
        await refused(client.send(new s3.PutObjectCommand({ ...both, Body: 'x' }))),
        {
          status: 400,
          code: 'InvalidArgument',
          message:
            'Server Side Encryption with Customer provided key is incompatible with the encryption method specified',
        },
      )
      const create = new s3.CreateMultipartUploadCommand(both)
      assert.equal((await refused(client.send(create))).status, 400)
    },
  ),

  behaviour('ranges are decrypted from the middle', async ({ client, bucket: Bucket }) => {
    const place = { Bucket, Key: 'secret', ...sseC('k') }
    const body = patterned(200_003)
    await client.send(new s3.PutObjectCommand({ ...place, Body: body }))
    for (const [Range, from, to] of [
      ['bytes=0-0', 0, 1],
      ['bytes=17-99999', 17, 100_000],
      ['bytes=70001-', 70_001, 200_003],
      ['bytes=-33', 199_970, 200_003],
      ['bytes=200000-300000', 200_000, 200_003],
    ] as const) {
      const answer = await client.send(new s3.GetObjectCommand({ ...place, Range }))
      assert.ok(body.subarray(from, to).equals(await bytesOf(answer)), Range)
      assert.equal(answer.ContentRange, `bytes ${from}-${to - 1}/200003`)
      assert.equal(answer.$metadata.httpStatusCode, 206)
    }
  }),

  behaviour('attributes are told with the key only', async ({ client, bucket: Bucket }) => {
    const place = { Bucket, Key: 'secret' }
    const wanted = { ObjectAttributes: ['ObjectSize'] satisfies s3.ObjectAttributes[] }
    await client.send(new s3.PutObjectCommand({ ...place, ...sseC('k'), Body: 'four' }))
    const told = new s3.GetObjectAttributesCommand({ ...place, ...wanted, ...sseC('k') })
    assert.equal((await client.send(told)).ObjectSize, 4)
    const untold = new s3.GetObjectAttributesCommand({ ...place, ...wanted })
    assert.equal((await refused(client.send(untold))).status, 400)
  }),

  behaviour(
    'an object is overwritten, tagged and deleted without its key',
    async ({ client, bucket: Bucket }) => {
      const place = { Bucket, Key: 'secret' }
      await client.send(new s3.PutObjectCommand({ ...place, ...sseC('k'), Body: 'x' }))
      const Tagging = { TagSet: [{ Key: 'a', Value: 'b' }] }
      await client.send(new s3.PutObjectTaggingCommand({ ...place, Tagging }))
      const tagged = await client.send(new s3.GetObjectTaggingCommand(place))
      assert.deepEqual(tagged.TagSet, Tagging.TagSet)
      await client.send(new s3.PutObjectCommand({ ...place, Body: 'plain' }))
      const get = await client.send(new s3.GetObjectCommand(place))
      assert.equal((await bytesOf(get)).toString(), 'plain')
      assert.equal(get.SSECustomerAlgorithm, undefined)
      await client.send(new s3.DeleteObjectCommand(place))
      assert.equal((await refused(client.send(new s3.GetObjectCommand(place)))).code, 'NoSuchKey')
    },
  ),
]
