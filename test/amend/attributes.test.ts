import t from 'tap'
import { MIB, startStage } from '../copy/stage.ts'
import { send } from '../support/client.ts'
import { encrypt, rule, startProxy } from '../support/proxy.ts'
import { type Answer, type Answering, echoOf, startUpstream } from '../support/upstream.ts'

const ALL = 'ETag,Checksum,ObjectParts,StorageClass,ObjectSize'
const MULTIPART = '"5d41402abc4b2a76b9719d911017c592-3"'

const HEAD = {
  etag: MULTIPART,
  'content-length': '12345',
  'last-modified': 'Wed, 25 Nov 2026 10:00:00 GMT',
  'x-amz-checksum-crc64nvme': 'AAAAAAAAAAA=',
  'x-amz-checksum-type': 'FULL_OBJECT',
}

const attributesOf = (origin: string, wanted = ALL, query: Record<string, string> = {}) =>
  send(origin, {
    path: '/b/k',
    query: { attributes: '', ...query },
    headers: { 'x-amz-object-attributes': wanted },
  })

/** Answers `?attributes` as told, and a HEAD with a head. */
const answering =
  (attributes: Answer, head: Answer = { headers: HEAD }): Answering =>
  seen => {
    if (seen.method === 'HEAD') return { ...head, headers: { ...head.headers, ...echoOf(seen) } }
    return seen.target.includes('attributes')
      ? { ...attributes, headers: { ...attributes.headers, ...echoOf(seen) } }
      : { status: 404, body: '<Error><Code>NoSuchKey</Code></Error>' }
  }

const SECRET = '<GetObjectAttributesResponse>the object itself</GetObjectAttributesResponse>'

t.test('an object in place of its attributes is not passed on: a HEAD tells them', async t => {
  const answers: readonly (readonly [string, string, Answer])[] = [
    ['ceph', 'is not even asked', { body: SECRET }],
    ['generic', 'answers with the object', { headers: { etag: '"e"' }, body: SECRET }],
    ['generic', 'answers with something else', { body: '<Other/>' }],
    ['generic', 'does not know it', { status: 501 }],
    ['generic', 'does not know it, in words', { status: 405, body: '<Error/>' }],
  ]
  for (const [provider, name, answer] of answers) {
    const upstream = await startUpstream(t, answering(answer))
    const proxy = await startProxy(t, { upstream: upstream.origin, provider })
    const { status, text, headers } = await attributesOf(proxy.origin)
    t.equal(status, 200, name)
    t.equal(headers['last-modified'], HEAD['last-modified'], name)
    t.match(
      text,
      new RegExp(
        `<ETag>${MULTIPART.replaceAll('"', '')}</ETag><Checksum><ChecksumCRC64NVME>AAAAAAAAAAA=</ChecksumCRC64NVME><ChecksumType>FULL_OBJECT</ChecksumType></Checksum><ObjectParts><PartsCount>3</PartsCount></ObjectParts><StorageClass>STANDARD</StorageClass><ObjectSize>12345</ObjectSize></GetObjectAttributesResponse>`,
      ),
      name,
    )
    t.notMatch(text, 'the object itself', name)
    t.equal(upstream.seen.length, provider === 'ceph' ? 1 : 2, name)
    t.equal(upstream.seen.at(-1)?.headers['x-amz-checksum-mode'], 'ENABLED')
  }
})

t.test('only what is asked for is told, of the version that is asked for', async t => {
  const upstream = await startUpstream(t, answering({}))
  const proxy = await startProxy(t, { upstream: upstream.origin, provider: 'ceph' })
  const { text } = await attributesOf(proxy.origin, 'ObjectSize', { versionId: 'v/1' })
  t.match(text, /"><ObjectSize>12345<\/ObjectSize><\/GetObjectAttributesResponse>$/)
  t.equal(upstream.seen.at(-1)?.target, '/b/k?versionId=v%2F1')
  t.match(await attributesOf(proxy.origin, 'Colour'), { status: 400, text: /Invalid attribute/ })
})

t.test('a refusal is told as a GET tells it', async t => {
  const upstream = await startUpstream(t, answering({}, { status: 404 }))
  const proxy = await startProxy(t, { upstream: upstream.origin, provider: 'ceph' })
  t.match(await attributesOf(proxy.origin), { status: 404, text: /NoSuchKey/ })
  const fickle = await startUpstream(t, seen =>
    seen.method === 'HEAD' ? { status: 404 } : { body: SECRET, headers: echoOf(seen) },
  )
  const other = await startProxy(t, { upstream: fickle.origin, provider: 'ceph' })
  t.match(await attributesOf(other.origin), { status: 503, text: /changed/ })
})

t.test('nothing is told of plaintext where that may not be read', async t => {
  const plain: Answering = () => ({ headers: HEAD })
  const upstream = await startUpstream(t, plain)
  const deny = await startProxy(t, { upstream: upstream.origin, provider: 'ceph' })
  t.match(await attributesOf(deny.origin), { status: 403, text: /stored without SSE-C/ })
  const rules = [rule(encrypt({ plaintextReads: 'allow' }))]
  const allow = await startProxy(t, { upstream: upstream.origin, provider: 'ceph', rules })
  t.match(await attributesOf(allow.origin), { status: 200, text: /12345/ })
})

t.test('names are sent without the spaces that some providers trip over', async t => {
  const upstream = await startUpstream(t, answering({ status: 501 }))
  const proxy = await startProxy(t, { upstream: upstream.origin, provider: 'minio' })
  await attributesOf(proxy.origin, 'ETag, ObjectSize')
  t.equal(upstream.seen[0]?.headers['x-amz-object-attributes'], 'ETag,ObjectSize')
})

t.test('a provider’s own answer is its own', async t => {
  const stage = await startStage(t)
  const proxy = await stage.proxy()
  const path = '/main/k'
  await send(proxy.origin, { method: 'PUT', path, body: Buffer.alloc(MIB) })
  const asked = { 'x-amz-object-attributes': 'ObjectSize' }
  const answer = await send(proxy.origin, { path, query: { attributes: '' }, headers: asked })
  t.match(answer, { status: 200, text: /<ObjectSize>1048576</ })
  t.match(proxy.lines.at(-1), { operation: 'GetObjectAttributes', attempts: 1 })
  const missing = await send(proxy.origin, {
    path: '/main/none',
    query: { attributes: '' },
    headers: asked,
  })
  t.match(missing, { status: 404, text: /NoSuchKey/ })
})
