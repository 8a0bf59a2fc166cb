import { createHash } from 'node:crypto'
import t from 'tap'
import { send } from '../support/client.ts'
import { startObsUpstream } from '../support/obs-upstream.ts'
import { encrypt, keyring, rule, startProxy } from '../support/proxy.ts'

const MAIN = keyring('main', 'v1')
const [KEY] = MAIN.keysFor({ bucket: '', objectKey: '' })
const PATH = '/examplebucket/encryp2'
const SSE = 'x-amz-server-side-encryption'

const started = async (test: Parameters<typeof startProxy>[0], effect = encrypt()) => {
  const upstream = await startObsUpstream(test)
  const proxy = await startProxy(test, {
    upstream: upstream.origin,
    provider: 'obs',
    keyrings: [MAIN],
    rules: [rule({ kind: 'passthrough' }, { buckets: ['plain'] }, 'plain'), rule(effect)],
  })
  return { upstream, proxy }
}

t.test('an S3 client’s object is SSE-C encrypted at OBS, in OBS’s words and signature', async t => {
  const { upstream, proxy } = await started(t)
  const put = await send(proxy.origin, {
    method: 'PUT',
    path: PATH,
    body: 'hello obs',
    headers: { 'x-amz-meta-a': 'b', 'x-amz-storage-class': 'STANDARD_IA' },
  })
  t.equal(put.status, 200, put.text)
  t.equal(put.headers[`${SSE}-customer-key-md5`], KEY?.md5, 'confirmed to the client in S3’s words')
  t.notOk(Object.keys(put.headers).some(name => name.startsWith('x-obs-')))
  const [seen] = upstream.seen
  t.match(seen?.headers, {
    authorization: /^OBS UP:/,
    'x-obs-meta-a': 'b',
    'x-obs-storage-class': 'WARM',
    'x-obs-server-side-encryption-customer-algorithm': 'AES256',
    'x-obs-server-side-encryption-customer-key-md5': KEY?.md5,
  })
  t.notOk(Object.keys(seen?.headers ?? {}).some(name => name.startsWith('x-amz-')))
  t.equal(upstream.objects.at(PATH)?.keyMd5, KEY?.md5)

  const got = await send(proxy.origin, { method: 'GET', path: PATH })
  t.equal(got.text, 'hello obs')
  t.equal(got.headers['x-amz-storage-class'], 'STANDARD_IA')
  t.equal((await send(proxy.origin, { method: 'HEAD', path: PATH })).status, 200)
  t.equal((await send(proxy.origin, { method: 'DELETE', path: PATH })).status, 204)
})

t.test('a copy between keys is OBS’s own, with both triples', async t => {
  const { upstream, proxy } = await started(t)
  await send(proxy.origin, { method: 'PUT', path: PATH, body: 'bytes' })
  const copied = await send(proxy.origin, {
    method: 'PUT',
    path: '/examplebucket/copy',
    headers: { 'x-amz-copy-source': 'examplebucket/encryp2' },
  })
  t.equal(copied.status, 200, copied.text)
  const seen = upstream.seen.find(({ headers }) => headers['x-obs-copy-source'] !== undefined)
  t.match(seen?.headers, {
    'x-obs-copy-source': 'examplebucket/encryp2',
    'x-obs-copy-source-server-side-encryption-customer-key-md5': KEY?.md5,
    'x-obs-server-side-encryption-customer-key-md5': KEY?.md5,
  })
  t.equal(upstream.objects.at('/examplebucket/copy')?.body.toString(), 'bytes')
})

t.test('SSE-KMS passes in OBS’s words, both ways', async t => {
  const { upstream, proxy } = await started(t)
  const put = await send(proxy.origin, {
    method: 'PUT',
    path: '/plain/k',
    body: 'x',
    headers: { [SSE]: 'aws:kms', [`${SSE}-aws-kms-key-id`]: 'key/522d6070' },
  })
  t.equal(put.status, 200, put.text)
  t.strictSame(upstream.objects.at('/plain/k')?.method, {
    'x-obs-server-side-encryption': 'kms',
    'x-obs-server-side-encryption-kms-key-id': 'key/522d6070',
  })
  t.equal(put.headers[SSE], 'aws:kms')
  t.equal(put.headers[`${SSE}-aws-kms-key-id`], 'key/522d6070')
})

t.test('a bucket’s encryption is put, got and deleted in OBS’s words', async t => {
  const { upstream, proxy } = await started(t)
  const xml = (method: string): string =>
    `<ServerSideEncryptionConfiguration><Rule><ApplyServerSideEncryptionByDefault><SSEAlgorithm>${method}</SSEAlgorithm><KMSMasterKeyID>k</KMSMasterKeyID></ApplyServerSideEncryptionByDefault></Rule></ServerSideEncryptionConfiguration>`
  const body = xml('aws:kms')
  const put = await send(proxy.origin, {
    method: 'PUT',
    path: '/examplebucket',
    query: { encryption: '' },
    body,
    headers: { 'content-md5': createHash('md5').update(body).digest('base64') },
  })
  t.equal(put.status, 200, put.text)
  t.strictSame([...upstream.documents.values()], [xml('kms')])
  t.equal(
    upstream.seen.at(-1)?.headers['content-md5'],
    createHash('md5').update(xml('kms')).digest('base64'),
    'vouched for anew',
  )
  const query = { encryption: '' }
  const got = await send(proxy.origin, { method: 'GET', path: '/examplebucket', query })
  t.equal(got.text, xml('aws:kms'))
  const gone = await send(proxy.origin, { method: 'DELETE', path: '/examplebucket', query })
  t.equal(gone.status, 204)
  t.equal(upstream.documents.size, 0)
})

t.test('a document that its Content-MD5 does not vouch for is not vouched for anew', async t => {
  const { upstream, proxy } = await started(t)
  const answer = await send(proxy.origin, {
    method: 'PUT',
    path: '/examplebucket',
    body: '<CreateBucketConfiguration><LocationConstraint>r</LocationConstraint></CreateBucketConfiguration>',
    headers: { 'content-md5': '1B2M2Y8AsgTpgAmY7PhCfg==' },
  })
  t.equal(answer.status, 400)
  t.match(answer.text, 'BadDigest')
  t.strictSame(upstream.seen, [])
})

t.test('a header that OBS has no word for is refused, not forgotten', async t => {
  const { upstream, proxy } = await started(t)
  const answer = await send(proxy.origin, {
    method: 'PUT',
    path: PATH,
    body: 'x',
    headers: { 'x-amz-expected-bucket-owner': '123456789012' },
  })
  t.equal(answer.status, 501)
  t.match(answer.text, 'x-amz-expected-bucket-owner')
  t.strictSame(upstream.seen, [])
})
