import { createRequire } from 'node:module'
import t, { type Test } from 'tap'
import { type Sending, send } from '../support/client.ts'
import { encrypt, keyring, rule, startProxy, UPSTREAM } from '../support/proxy.ts'
import { type Answer, type Seen, startUpstream } from '../support/upstream.ts'

/** As much of Tencent's own SDK as the tests use. */
interface Cos {
  getAuthorization(parameters: {
    readonly SecretId: string
    readonly SecretKey: string
    readonly Method: string
    readonly Pathname: string
    readonly Query: Readonly<Record<string, string>>
    readonly Headers: Readonly<Record<string, string>>
    readonly KeyTime: string
  }): string
}

const { getAuthorization } = createRequire(import.meta.url)('cos-js-sdk-v5') as Cos

const MAIN = keyring('main', 'v1')
const [KEY] = MAIN.keysFor({ bucket: '', objectKey: '' })
const CUSTOMER = 'x-cos-server-side-encryption-customer'

/** What the vendor's SDK makes of the request that came, for the time and the headers that it names itself. */
const expectedAuthorization = ({ method, target, headers }: Seen): string => {
  const { authorization = '' } = headers
  const said = new URLSearchParams(authorization)
  const [path = '', query = ''] = target.split('?')
  const named = (said.get('q-header-list') ?? '').split(';')
  return getAuthorization({
    SecretId: UPSTREAM.accessKeyId,
    SecretKey: UPSTREAM.secretAccessKey,
    Method: method,
    Pathname: decodeURIComponent(path),
    Query: Object.fromEntries(new URLSearchParams(query.replaceAll('+', '%2B'))),
    Headers: Object.fromEntries(
      named.map(name => [name, Buffer.from(headers[name] ?? '', 'latin1').toString()]),
    ),
    KeyTime: said.get('q-key-time') ?? '',
  })
}

/** Whether the signature counts now, and covers whatever COS acts upon. */
const isWhole = ({ headers }: Seen): boolean => {
  const said = new URLSearchParams(headers['authorization'])
  const [from = '', until = ''] = (said.get('q-key-time') ?? '').split(';')
  const now = Date.now() / 1000
  const named = said.get('q-header-list')?.split(';') ?? []
  const names = Object.keys(headers)
  return (
    Number(from) < now &&
    now < Number(until) &&
    names.every(name => !name.startsWith('x-cos-') || named.includes(name)) &&
    named.includes('host') &&
    !names.some(name => /^(?:x-(?:amz|goog|bz|obs)|opc)-/.test(name))
  )
}

const answer = (seen: Seen): Answer => {
  if (seen.headers['authorization'] !== expectedAuthorization(seen) || !isWhole(seen)) {
    return { status: 403, body: '<Error><Code>SignatureDoesNotMatch</Code></Error>' }
  }
  const md5 = seen.headers[`${CUSTOMER}-key-md5`]
  return {
    headers: {
      etag: '"e"',
      'x-cos-request-id': 'NjA',
      ...(md5 && { [`${CUSTOMER}-algorithm`]: 'AES256', [`${CUSTOMER}-key-md5`]: md5 }),
    },
    body: seen.headers['x-cos-copy-source']
      ? '<CopyObjectResult><ETag>"e"</ETag></CopyObjectResult>'
      : '',
  }
}

const start = async (t: Test, effect = encrypt()) => {
  const upstream = await startUpstream(t, answer)
  const proxy = await startProxy(t, {
    upstream: upstream.origin,
    provider: 'cos',
    keyrings: [MAIN],
    rules: [rule({ kind: 'passthrough' }, { prefixes: ['plain'] }, 'plain'), rule(effect)],
  })
  return { upstream, proxy }
}

t.test('an S3 client’s object is encrypted at COS, in its words and by its signature', async t => {
  const { upstream, proxy } = await start(t)
  const put = await send(proxy.origin, {
    method: 'PUT',
    path: '/My_bucket/a%20b/%C3%BC%2B',
    body: 'bytes',
    headers: { 'x-amz-meta-name': 'ä b', 'content-type': 'text/plain; charset=utf-8' },
  })
  t.equal(put.status, 200, put.text)
  t.match(put.headers, {
    'x-amz-server-side-encryption-customer-key-md5': KEY?.md5,
    'x-amz-request-id': 'NjA',
  })
  t.match(upstream.seen[0]?.headers, {
    authorization: /^q-sign-algorithm=sha1&q-ak=UP&q-sign-time=/,
    [`${CUSTOMER}-algorithm`]: 'AES256',
    [`${CUSTOMER}-key`]: KEY?.base64.expose(),
    [`${CUSTOMER}-key-md5`]: KEY?.md5,
  })
})

const OTHERS: readonly Sending[] = [
  { path: '/bucket/key' },
  { path: '/bucket/key', query: { versionId: 'a/b+c' } },
  { path: '/bucket', query: { prefix: 'a b/ü', 'max-keys': '10', delimiter: '/' } },
  { path: '/bucket', query: { lifecycle: '' } },
  { method: 'DELETE', path: '/bucket/key' },
  { method: 'POST', path: '/bucket/key', query: { uploads: '' } },
  { method: 'PUT', path: '/bucket/key', headers: { 'x-amz-copy-source': 'bucket/%C3%BC' } },
]

t.test('whatever is asked, the vendor’s own SDK would have signed it so', async t => {
  const { upstream, proxy } = await start(t)
  for (const sending of OTHERS) {
    const { status, text } = await send(proxy.origin, sending)
    t.ok(status < 300, `${sending.method ?? 'GET'} ${sending.path}: ${status} ${text}`)
  }
  t.ok(upstream.seen.length >= OTHERS.length)
})

t.test('KMS has COS’s words', async t => {
  const { upstream, proxy } = await start(t)
  const sse = 'x-amz-server-side-encryption'
  const headers = {
    [sse]: 'aws:kms',
    [`${sse}-aws-kms-key-id`]: 'k',
    'x-amz-storage-class': 'GLACIER',
  }
  const put = await send(proxy.origin, { method: 'PUT', path: '/bucket/plain', body: 'x', headers })
  t.equal(put.status, 200, put.text)
  t.match(upstream.seen[0]?.headers, {
    'x-cos-server-side-encryption': 'cos/kms',
    'x-cos-server-side-encryption-cos-kms-key-id': 'k',
    'x-cos-storage-class': 'ARCHIVE',
  })
})
