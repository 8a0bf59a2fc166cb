import { createHash } from 'node:crypto'
import t from 'tap'
import { send, signer } from '../support/client.ts'
import { startObsUpstream } from '../support/obs-upstream.ts'
import { encrypt, keyring, rule, startProxy, UPSTREAM } from '../support/proxy.ts'
import { type Answer, obey, type Seen, startUpstream } from '../support/upstream.ts'

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

/** What AWS's own signer makes of the request that came, for the headers that its signature names. */
const expectedByAws = async ({ method, target, headers }: Seen): Promise<string | undefined> => {
  const [path = '', query = ''] = target.split('?')
  const named = /SignedHeaders=([^,]*)/.exec(headers['authorization'] ?? '')?.[1]?.split(';') ?? []
  const date = headers['x-amz-date'] ?? ''
  const signed = await signer(UPSTREAM).sign(
    {
      method,
      protocol: 'http:',
      hostname: 'h',
      path,
      query: Object.fromEntries(new URLSearchParams(query)),
      headers: Object.fromEntries(named.map(name => [name, headers[name] ?? ''])),
    },
    {
      signingDate: new Date(date.replace(/^(....)(..)(..T)(..)(..)(..Z)$/, '$1-$2-$3$4:$5:$6')),
    },
  )
  return signed.headers['authorization']
}

/** OBS takes SigV4 with an unsigned payload alone: https://support.huaweicloud.com/intl/en-us/obs_faq/obs_faq_0274.html */
const bySigv4 = async (seen: Seen): Promise<Answer> => {
  const { headers } = seen
  const isRight =
    headers['authorization'] === (await expectedByAws(seen)) &&
    headers['x-amz-content-sha256'] === 'UNSIGNED-PAYLOAD' &&
    !Object.keys(headers).some(name => /^x-(?:obs-|amz-(?:checksum|trailer|sdk))/.test(name))
  return isRight ? obey(seen) : { status: 403 }
}

t.test('by SigV4 OBS is spoken to in S3’s words, with an unsigned payload', async t => {
  const upstream = await startUpstream(t, bySigv4)
  const proxy = await startProxy(t, {
    upstream: upstream.origin,
    provider: 'obs',
    signature: 'sigv4',
    keyrings: [MAIN],
    rules: [rule(encrypt())],
  })
  const checksum = { 'x-amz-checksum-crc32c': 'mnG7TA==', 'x-amz-sdk-checksum-algorithm': 'CRC32C' }
  const headers = { 'x-amz-meta-a': 'b  c', 'content-type': 'text/plain', ...checksum }
  const put = await send(proxy.origin, { method: 'PUT', path: PATH, body: 'hello', headers })
  t.equal(put.status, 200, put.text)
  t.equal(put.headers[`${SSE}-customer-key-md5`], KEY?.md5)
  t.match(upstream.seen[0], {
    body: Buffer.from('hello'),
    headers: { [`${SSE}-customer-key`]: KEY?.base64.expose(), 'x-amz-meta-a': 'b  c' },
  })
  for (const asked of [
    { path: PATH },
    { method: 'HEAD', path: PATH },
    { path: '/examplebucket', query: { prefix: 'a b/ü', delimiter: '/' } },
    { method: 'POST', path: PATH, query: { uploads: '' } },
    { method: 'DELETE', path: PATH },
  ]) {
    const { status } = await send(proxy.origin, asked)
    t.ok(status < 300, `${asked.method ?? 'GET'} ${asked.path}: ${status}`)
  }
})
