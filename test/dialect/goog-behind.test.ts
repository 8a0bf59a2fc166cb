import { createHash, createHmac } from 'node:crypto'
import t from 'tap'
import { send } from '../support/client.ts'
import { sendGoog } from '../support/goog-client.ts'
import { APP_CLIENT, encrypt, keyring, rule, startProxy, UPSTREAM } from '../support/proxy.ts'
import { type Answer, type Seen, startUpstream } from '../support/upstream.ts'

const MAIN = keyring('main', 'v1')
const [KEY] = MAIN.keysFor({ bucket: '', objectKey: '' })
const SHA256 = createHash('sha256')
  .update(Buffer.from(KEY?.base64.expose() ?? '', 'base64'))
  .digest('base64')

const GOOG_CLIENT = {
  ...APP_CLIENT,
  proof: { ...APP_CLIENT.proof, schemes: ['v4', 'goog4'] } as typeof APP_CLIENT.proof,
}

const hmac = (key: string | Buffer, text: string): Buffer =>
  createHmac('sha256', key).update(text).digest()

/** The signature by Google's page, step by step. https://cloud.google.com/storage/docs/authentication/signatures */
const expectedSignature = ({ method, target, headers }: Seen, signedHeaders: string): string => {
  const [path = '', query = ''] = target.split('?')
  const date = headers['x-goog-date'] ?? ''
  const scope = `${date.slice(0, 8)}/us-east-1/storage/goog4_request`
  const names = signedHeaders.split(';')
  const canonical = [
    method,
    path,
    query,
    ...names.map(name => `${name}:${headers[name]}`),
    '',
    signedHeaders,
    'UNSIGNED-PAYLOAD',
  ].join('\n')
  const text = [
    'GOOG4-HMAC-SHA256',
    date,
    scope,
    createHash('sha256').update(canonical).digest('hex'),
  ].join('\n')
  const day = hmac(`GOOG4${UPSTREAM.secretAccessKey}`, date.slice(0, 8))
  const key = hmac(hmac(hmac(day, 'us-east-1'), 'storage'), 'goog4_request')
  return createHmac('sha256', key).update(text).digest('hex')
}

const answer = (seen: Seen): Answer => {
  const [, signed = '', signature] =
    /^GOOG4-HMAC-SHA256 Credential=UP\/.*, SignedHeaders=(.*), Signature=(.*)$/.exec(
      seen.headers['authorization'] ?? '',
    ) ?? []
  if (signature !== expectedSignature(seen, signed)) return { status: 403 }
  const given = seen.headers['x-goog-encryption-key-sha256']
  return {
    headers: {
      etag: '"e"',
      'x-goog-generation': '1700000000000000',
      ...(given === undefined
        ? {}
        : { 'x-goog-encryption-algorithm': 'AES256', 'x-goog-encryption-key-sha256': given }),
    },
    body: seen.method === 'GET' ? 'bytes' : '',
  }
}

t.test('an S3 client’s object gets its key at Google, with SHA-256 and GOOG4', async t => {
  const upstream = await startUpstream(t, answer)
  const proxy = await startProxy(t, {
    upstream: upstream.origin,
    provider: 'gcs',
    keyrings: [MAIN],
    rules: [rule(encrypt())],
  })
  const put = await send(proxy.origin, { method: 'PUT', path: '/bbb/k', body: 'bytes' })
  t.equal(put.status, 200, put.text)
  t.equal(put.headers['x-amz-server-side-encryption-customer-key-md5'], KEY?.md5)
  t.equal(put.headers['x-amz-version-id'], '1700000000000000')
  const [seen] = upstream.seen
  t.match(seen?.headers, {
    'x-goog-encryption-algorithm': 'AES256',
    'x-goog-encryption-key': KEY?.base64.expose(),
    'x-goog-encryption-key-sha256': SHA256,
  })
  t.notOk(Object.keys(seen?.headers ?? {}).some(name => name.startsWith('x-amz-')))
  const query = { versionId: '1700000000000000' }
  const got = await send(proxy.origin, { method: 'GET', path: '/bbb/k', query })
  t.equal(got.text, 'bytes')
  t.equal(upstream.seen.at(-1)?.target, '/bbb/k?generation=1700000000000000')
})

t.test('a copy of a given version names its generation', async t => {
  const upstream = await startUpstream(t, seen => ({
    ...answer(seen),
    body: '<CopyObjectResult><ETag>"e"</ETag></CopyObjectResult>',
  }))
  const proxy = await startProxy(t, {
    upstream: upstream.origin,
    provider: 'gcs',
    keyrings: [MAIN],
    rules: [rule(encrypt())],
  })
  const headers = { 'x-amz-copy-source': 'bbb/a%20b?versionId=16%2F00' }
  const copied = await send(proxy.origin, { method: 'PUT', path: '/bbb/copy', headers })
  t.equal(copied.status, 200, copied.text)
  t.match(upstream.seen[0]?.headers, {
    'x-goog-copy-source': 'bbb/a%20b',
    'x-goog-copy-source-generation': '16/00',
    'x-goog-copy-source-encryption-key-sha256': SHA256,
    'x-goog-encryption-key-sha256': SHA256,
  })
})

t.test('what Google says otherwise is said so, and what nobody translates is refused', async t => {
  const upstream = await startUpstream(t, answer)
  const proxy = await startProxy(t, {
    upstream: upstream.origin,
    provider: 'gcs',
    keyrings: [MAIN],
    rules: [rule(encrypt())],
    clients: [GOOG_CLIENT],
  })
  const put = { method: 'PUT', path: '/bbb/k', body: 'bytes' }
  const once = { 'if-none-match': '*', 'x-amz-storage-class': 'GLACIER_IR' }
  t.equal((await send(proxy.origin, { ...put, headers: once })).status, 200)
  t.match(upstream.seen[0]?.headers, {
    'if-none-match': undefined,
    'x-goog-if-generation-match': '0',
    'x-goog-storage-class': 'COLDLINE',
  })
  // From Google's words to Google's words nothing is lost.
  const own = { 'x-goog-if-generation-match': '7', 'x-goog-user-project': 'payer' }
  t.equal((await sendGoog(proxy.origin, { ...put, headers: own })).status, 200)
  t.match(upstream.seen[1]?.headers, own)
  const query = { lifecycle: '' }
  t.match(await send(proxy.origin, { path: '/bbb', query }), { status: 501, text: /lifecycle/ })
  const resumable = { 'x-goog-resumable': 'start' }
  t.match(await sendGoog(proxy.origin, { ...put, headers: resumable }), { status: 501 })
  t.equal(upstream.seen.length, 2)
})

t.test('an echo of another key is no confirmation', async t => {
  const upstream = await startUpstream(t, seen => {
    const { headers = {}, ...rest } = answer(seen)
    return seen.method === 'PUT'
      ? { ...rest, headers: { ...headers, 'x-goog-encryption-key-sha256': 'b3RoZXI=' } }
      : { ...rest, headers }
  })
  const proxy = await startProxy(t, {
    upstream: upstream.origin,
    provider: 'gcs',
    keyrings: [MAIN],
    rules: [rule(encrypt({ onUnconfirmed: 'keep' }))],
  })
  const put = await send(proxy.origin, { method: 'PUT', path: '/bbb/k', body: 'bytes' })
  t.equal(put.status, 502)
  t.match(put.text, 'UnconfirmedEncryption')
})
