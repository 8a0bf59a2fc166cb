import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import * as s3 from '@aws-sdk/client-s3'
import {
  type Behaviour,
  behaviour,
  bytesOf,
  md5,
  type Place,
  patterned,
  refused,
  sseC,
  withHeaders,
} from './server.ts'

const ALGORITHMS = ['CRC32', 'CRC32C', 'CRC64NVME', 'SHA1', 'SHA256'] as const

/** Each algorithm's digest of `hello`, from Python's binascii and hashlib and the crc catalogue's parameters. */
const OF_HELLO: Readonly<Record<(typeof ALGORITHMS)[number], string>> = {
  CRC32: 'NhCmhg==',
  CRC32C: 'mnG7TA==',
  CRC64NVME: 'M3eFcAZSQlc=',
  SHA1: 'qvTGHdzF6KLavt4PO0gs2a6pQ00=',
  SHA256: 'LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=',
}

const isAbsent = async ({ client, bucket: Bucket }: Place, Key: string): Promise<void> => {
  assert.equal((await refused(client.send(new s3.HeadObjectCommand({ Bucket, Key })))).status, 404)
}

export const integrityBehaviours: readonly Behaviour[] = [
  behaviour('a body that does not have its Content-MD5 is refused', async place => {
    const { client, bucket: Bucket } = place
    const wrong = { Bucket, Key: 'x', Body: 'hello', ContentMD5: md5('other', 'base64') }
    const { status, code } = await refused(client.send(new s3.PutObjectCommand(wrong)))
    assert.deepEqual([status, code], [400, 'BadDigest'])
    const bad = { ...wrong, ContentMD5: 'no digest' }
    assert.equal((await refused(client.send(new s3.PutObjectCommand(bad)))).code, 'InvalidDigest')
    await isAbsent(place, 'x')
    const right = { ...wrong, ...sseC('k'), ContentMD5: md5('hello', 'base64') }
    await client.send(new s3.PutObjectCommand(right))
  }),

  behaviour('a body that does not have its payload hash is refused', async place => {
    const put = new s3.PutObjectCommand({ Bucket: place.bucket, Key: 'x', Body: 'hello' })
    const sending = place.client.send(
      withHeaders(put, {
        'x-amz-content-sha256': '0'.repeat(64),
        'x-amz-checksum-crc32': undefined,
        'x-amz-sdk-checksum-algorithm': undefined,
      }),
    )
    const { status, code } = await refused(sending)
    assert.deepEqual([status, code], [400, 'XAmzContentSHA256Mismatch'])
    await isAbsent(place, 'x')
  }),

  ...ALGORITHMS.map(ChecksumAlgorithm =>
    behaviour(`a ${ChecksumAlgorithm} is checked, kept and told when asked for`, async place => {
      const { client, bucket: Bucket } = place
      const name = `Checksum${ChecksumAlgorithm}` as const
      const object = { Bucket, Key: 'x', Body: 'hello' }
      const wrong = Buffer.from(OF_HELLO[ChecksumAlgorithm], 'base64').reverse().toString('base64')
      const refusal = await refused(
        client.send(new s3.PutObjectCommand({ ...object, [name]: wrong })),
      )
      assert.equal(refusal.status, 400)
      await isAbsent(place, 'x')
      const right = { ...object, [name]: OF_HELLO[ChecksumAlgorithm] }
      for (const encryption of [{}, sseC('k')]) {
        const asked = { Bucket, Key: 'x', ...encryption }
        const put = await client.send(new s3.PutObjectCommand({ ...right, ...encryption }))
        const head = await client.send(
          new s3.HeadObjectCommand({ ...asked, ChecksumMode: 'ENABLED' }),
        )
        const silent = withHeaders(new s3.HeadObjectCommand(asked), {
          'x-amz-checksum-mode': undefined,
        })
        assert.equal(put[name], OF_HELLO[ChecksumAlgorithm])
        assert.equal(head[name], OF_HELLO[ChecksumAlgorithm])
        assert.equal((await client.send(silent))[name], undefined)
      }
    }),
  ),

  behaviour(
    'a body of unsigned chunks is stored without its framing',
    async ({ client, bucket: Bucket }) => {
      const place = { Bucket, Key: 'stream', ...sseC('k') }
      const body = patterned(300_000)
      const Body = Readable.from([body.subarray(0, 70_000), body.subarray(70_000)])
      await client.send(
        new s3.PutObjectCommand({
          ...place,
          Body,
          ContentLength: body.length,
          ContentEncoding: 'x-own',
        }),
      )
      const get = await client.send(new s3.GetObjectCommand(place))
      assert.ok(body.equals(await bytesOf(get)))
      assert.equal(get.ContentEncoding, 'x-own')
    },
  ),
]
