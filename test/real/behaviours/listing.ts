import assert from 'node:assert/strict'
import * as s3 from '@aws-sdk/client-s3'
import { type Behaviour, behaviour, bytesOf, type Place, sseC } from './server.ts'

/** Keys that are hard on paths, queries, XML and file systems. */
const ODD_KEYS = [
  'a b',
  'a+b',
  'a%b',
  'a%20b',
  'a&b=<c>"d"\'e\'',
  'a?b#c',
  'dots../..x/y',
  'é/ü/文字',
  '😀',
  '\uffee',
  'tab\there',
  'trailing/',
  'UPPER',
  'upper',
  `long/${'x'.repeat(200)}/${'é'.repeat(100)}`,
]

const putAll = async (
  { client, bucket: Bucket }: Place,
  keys: readonly string[],
): Promise<void> => {
  for (const Key of keys) await client.send(new s3.PutObjectCommand({ Bucket, Key, Body: Key }))
}

const inUtf8Order = (keys: readonly string[]): string[] =>
  [...keys].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))

const decode = (name: string | undefined): string =>
  decodeURIComponent((name ?? '').replaceAll('+', '%20'))

export const listingBehaviours: readonly Behaviour[] = [
  behaviour(
    'odd keys are written, read and listed in the order of their UTF-8 bytes',
    async place => {
      const { client, bucket: Bucket } = place
      for (const Key of ODD_KEYS) {
        await client.send(new s3.PutObjectCommand({ Bucket, Key, ...sseC('k'), Body: Key }))
      }
      for (const Key of ODD_KEYS) {
        const get = await client.send(new s3.GetObjectCommand({ Bucket, Key, ...sseC('k') }))
        assert.equal((await bytesOf(get)).toString(), Key)
      }
      const listed = await client.send(new s3.ListObjectsV2Command({ Bucket, EncodingType: 'url' }))
      assert.deepEqual(
        listed.Contents?.map(({ Key }) => decode(Key)),
        inUtf8Order(ODD_KEYS),
      )
    },
  ),

  behaviour('a listing comes in pages that leave nothing out', async place => {
    const { client, bucket: Bucket } = place
    const keys = Array.from({ length: 7 }, (_, i) => `key-${i}`)
    await putAll(place, keys)
    const seen: (string | undefined)[] = []
    let pages = 0
    const paginator = s3.paginateListObjectsV2({ client, pageSize: 3 }, { Bucket })
    for await (const page of paginator) {
      pages += 1
      assert.equal(page.IsTruncated ?? false, pages < 3)
      seen.push(...(page.Contents ?? []).map(({ Key }) => Key))
    }
    assert.equal(pages, 3)
    assert.deepEqual(seen, keys)
  }),

  behaviour('a listing by version 1 goes on behind a marker', async place => {
    const { client, bucket: Bucket } = place
    await putAll(place, ['a/1', 'a/2', 'b', 'c/1'])
    const input = { Bucket, Delimiter: '/', MaxKeys: 2 }
    const first = await client.send(new s3.ListObjectsCommand(input))
    assert.deepEqual(first.CommonPrefixes, [{ Prefix: 'a/' }])
    assert.deepEqual(
      first.Contents?.map(({ Key }) => Key),
      ['b'],
    )
    assert.equal(first.IsTruncated, true)
    const second = await client.send(
      new s3.ListObjectsCommand({ ...input, Marker: first.NextMarker }),
    )
    assert.deepEqual(second.CommonPrefixes, [{ Prefix: 'c/' }])
    assert.equal(second.IsTruncated, false)
  }),

  behaviour('prefixes narrow, delimiters roll up, start-after skips', async place => {
    const { client, bucket: Bucket } = place
    await putAll(place, ['a', 'd/1', 'd/e/1', 'd/e/2', 'd/f/1', 'dd', 'e'])
    const list = async (input: Partial<s3.ListObjectsV2CommandInput>) => {
      const {
        Contents = [],
        CommonPrefixes = [],
        KeyCount,
      } = await client.send(new s3.ListObjectsV2Command({ Bucket, ...input }))
      const names = [Contents.map(({ Key }) => Key), CommonPrefixes.map(({ Prefix }) => Prefix)]
      assert.equal(KeyCount, names.flat().length)
      return names
    }
    assert.deepEqual(await list({ Prefix: 'd' }), [['d/1', 'd/e/1', 'd/e/2', 'd/f/1', 'dd'], []])
    assert.deepEqual(await list({ Delimiter: '/' }), [['a', 'dd', 'e'], ['d/']])
    assert.deepEqual(await list({ Prefix: 'd/', Delimiter: '/' }), [['d/1'], ['d/e/', 'd/f/']])
    assert.deepEqual(await list({ Prefix: 'd/', StartAfter: 'd/e/1' }), [['d/e/2', 'd/f/1'], []])
    assert.deepEqual(await list({ Prefix: 'nothing' }), [[], []])
    assert.deepEqual(await list({ MaxKeys: 0 }), [[], []])
  }),

  behaviour('an owner is told when asked for', async place => {
    const { client, bucket: Bucket } = place
    await putAll(place, ['a'])
    const silent = await client.send(new s3.ListObjectsV2Command({ Bucket }))
    const telling = await client.send(new s3.ListObjectsV2Command({ Bucket, FetchOwner: true }))
    assert.equal(silent.Contents?.[0]?.Owner, undefined)
    assert.notEqual(telling.Contents?.[0]?.Owner, undefined)
  }),
]
