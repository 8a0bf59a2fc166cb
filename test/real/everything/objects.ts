import type { Test } from 'tap'
import { tripleOf } from '../provider.ts'
import { APP, masterKey, type Site } from '../proxy.ts'
import { crc32Of } from '../uploads.ts'
import { send, xmlTexts } from '../wire/http.ts'
import { sign } from '../wire/signing.ts'
import { app, demand, type Feature, newBucket, wordOf } from './asking.ts'

const TEXT = Buffer.from('name,age\nann,30\nbob,40\n')

const storeText = async (t: Test, site: Site, name: string) => {
  const bucket = await newBucket(t, site, name)
  const place = { bucket, objectKey: 'people.csv' }
  const headers = { 'content-type': 'text/csv' }
  const { headers: stored } = await demand(t, site, {
    method: 'PUT',
    ...place,
    body: TEXT,
    headers,
  })
  return { bucket, place, etag: stored['etag'] ?? '' }
}

export const acl: Feature = [
  'ACL',
  async (t, site) => {
    const { place } = await storeText(t, site, 'acl')
    const query = { acl: '' }
    const found = await demand(t, site, { method: 'GET', ...place, query })
    t.match(String(found.body), 'FULL_CONTROL')
    await demand(t, site, { method: 'PUT', ...place, query, headers: { 'x-amz-acl': 'private' } })
    t.ok((await demand(t, site, { method: 'GET', ...place })).body.equals(TEXT), 'read after all')
  },
]

export const conditions: Feature = [
  'conditional reads and writes',
  async (t, site) => {
    const { place, etag } = await storeText(t, site, 'conditions')
    const future = new Date(Date.now() + 3_600_000).toUTCString()
    const past = new Date(Date.now() - 3_600_000).toUTCString()
    const reads: readonly (readonly [Record<string, string>, number])[] = [
      [{ 'if-match': etag }, 200],
      [{ 'if-match': '"00000000000000000000000000000000"' }, 412],
      [{ 'if-none-match': etag }, 304],
      [{ 'if-unmodified-since': future }, 200],
      [{ 'if-unmodified-since': past }, 412],
      [{ 'if-modified-since': past }, 200],
    ]
    for (const [headers, status] of reads) {
      const name = JSON.stringify(headers)
      t.equal((await app(site, { method: 'GET', ...place, headers })).status, status, name)
    }
    const once = { 'if-none-match': '*' }
    const again = await app(site, { method: 'PUT', ...place, body: TEXT, headers: once })
    const own = `direct-${place.bucket}`
    await site.provider.createBucket(own)
    await site.provider.store({ ...place, bucket: own }, TEXT)
    const direct = await site.provider.ask({
      method: 'PUT',
      ...place,
      bucket: own,
      body: TEXT,
      headers: once,
    })
    t.equal(wordOf(again), wordOf(direct), 'a write that must not overwrite')
  },
]

export const responseOverrides: Feature = [
  'response-* overrides and x-id',
  async (t, site) => {
    const { place } = await storeText(t, site, 'overrides')
    const query = {
      'response-content-type': 'text/plain',
      'response-content-disposition': 'attachment; filename="a b.csv"',
      'response-cache-control': 'no-store',
      'x-id': 'GetObject',
    }
    const { headers, body } = await demand(t, site, { method: 'GET', ...place, query })
    t.ok(body.equals(TEXT))
    t.match(headers, {
      'content-type': 'text/plain',
      'content-disposition': 'attachment; filename="a b.csv"',
      'cache-control': 'no-store',
    })
    const put = { method: 'PUT', ...place, query: { 'x-id': 'PutObject' }, body: TEXT }
    await demand(t, site, put)
  },
]

export const chunkedTransfer: Feature = [
  'Transfer-Encoding: chunked with a decoded length',
  async (t, site) => {
    const bucket = await newBucket(t, site, 'chunked')
    const trailer = `x-amz-checksum-crc32:${crc32Of(TEXT)}`
    const framed = `${TEXT.length.toString(16)}\r\n${TEXT}\r\n0\r\n${trailer}\r\n\r\n`
    const signed = await sign(site.http, APP, {
      method: 'PUT',
      bucket,
      objectKey: 'k',
      payloadHash: 'STREAMING-UNSIGNED-PAYLOAD-TRAILER',
      headers: {
        'content-encoding': 'aws-chunked',
        'x-amz-decoded-content-length': String(TEXT.length),
        'x-amz-trailer': 'x-amz-checksum-crc32',
      },
    })
    const headers = { ...signed.headers, 'transfer-encoding': 'chunked' }
    const answer = await send(site.http, { ...signed, headers, body: Buffer.from(framed) })
    t.equal(answer.status, 200, String(answer.body))
    const read = await demand(t, site, { method: 'GET', bucket, objectKey: 'k' })
    t.ok(read.body.equals(TEXT))
    t.equal(read.headers['content-encoding'], undefined)
  },
]

const SELECT =
  '<SelectObjectContentRequest><Expression>select s.name from S3Object s where cast(s.age as int) &gt; 35</Expression><ExpressionType>SQL</ExpressionType><InputSerialization><CompressionType>NONE</CompressionType><CSV><FileHeaderInfo>USE</FileHeaderInfo></CSV></InputSerialization><OutputSerialization><CSV/></OutputSerialization></SelectObjectContentRequest>'

export const select: Feature = [
  'SelectObjectContent',
  async (t, site) => {
    const { place } = await storeText(t, site, 'select')
    const query = { select: '', 'select-type': '2' }
    const ask = { method: 'POST', ...place, query, body: Buffer.from(SELECT) }
    const answer = await app(site, ask)
    // RGW 16 speaks another SQL: whatever it answers, it is what it answers to a client that has the key.
    const direct = await site.provider.ask({ ...ask, headers: tripleOf(masterKey('v1')) })
    t.equal(wordOf(answer), wordOf(direct))
    t.ok(answer.body.equals(direct.body), 'word for word')
    if (site.upstream !== 'minio') return
    t.equal(answer.status, 200)
    t.match(String(answer.body), 'bob')
    t.notMatch(String(answer.body), /\bann\b/)
  },
]

export const restore: Feature = [
  'RestoreObject',
  async (t, site) => {
    const { place } = await storeText(t, site, 'restore')
    const query = { restore: '' }
    const body = Buffer.from('<RestoreRequest><Days>1</Days></RestoreRequest>')
    const ask = { method: 'POST', ...place, query, body }
    t.equal(wordOf(await app(site, ask)), wordOf(await site.provider.ask(ask)))
  },
]

const HARD = ['dir/', 'empty', 'a&b<c>"d\'e', 'space and+plus', 'tab\there', 'Zürich/東京']

export const keysAndListings: Feature = [
  'directory markers, empty objects, keys that need escaping',
  async (t, site) => {
    const bucket = await newBucket(t, site, 'keys')
    for (const objectKey of HARD) {
      await demand(t, site, { method: 'PUT', bucket, objectKey, body: Buffer.alloc(0) })
      const { headers } = await demand(t, site, { method: 'HEAD', bucket, objectKey })
      t.equal(headers['content-length'], '0', objectKey)
      t.match(headers, { 'x-amz-server-side-encryption-customer-algorithm': 'AES256' }, objectKey)
    }
    for (const version of [{}, { 'list-type': '2' }]) {
      const plain = await demand(t, site, { method: 'GET', bucket, query: { ...version } })
      t.strictSame([...xmlTexts(plain, 'Key')].sort(), [...HARD].sort())
      const query = { ...version, 'encoding-type': 'url' }
      const encoded = await demand(t, site, { method: 'GET', bucket, query })
      const keys = xmlTexts(encoded, 'Key').map(key => decodeURIComponent(key.replaceAll('+', ' ')))
      t.strictSame(keys.sort(), [...HARD].sort())
      const etag = (await demand(t, site, { method: 'HEAD', bucket, objectKey: 'empty' })).headers[
        'etag'
      ]
      t.ok(xmlTexts(encoded, 'ETag').includes(etag ?? ''), 'ETags as HEAD shows them')
    }
    const query = { 'list-type': '2', delimiter: '/' }
    const folders = await demand(t, site, { method: 'GET', bucket, query })
    t.strictSame([...xmlTexts(folders, 'Prefix')].filter(Boolean).sort(), ['Zürich/', 'dir/'])
  },
]
