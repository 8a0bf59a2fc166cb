import { createHash } from 'node:crypto'
import t from 'tap'
import { send } from '../support/client.ts'
import { encrypt, keyBytes, keyring, rule, startProxy } from '../support/proxy.ts'
import { type Answering, echoOf, obey, type Seen, startUpstream } from '../support/upstream.ts'

const KEY = 'x-amz-server-side-encryption-customer-key'
const MD5 = 'x-amz-server-side-encryption-customer-key-md5'
const SOURCE_KEY = 'x-amz-copy-source-server-side-encryption-customer-key'

const base64 = (name: string): string => keyBytes(name).toString('base64')
const md5 = (name: string): string => createHash('md5').update(keyBytes(name)).digest('base64')

const s3Error = (status: number, code: string, message: string) => ({
  status,
  headers: { 'content-type': 'application/xml' },
  body: `<Error><Code>${code}</Code><Message>${message}</Message></Error>`,
})
const WRONG_KEY = s3Error(403, 'AccessDenied', 'Access Denied.')
const NOT_APPLICABLE = s3Error(
  400,
  'InvalidRequest',
  'The encryption parameters are not applicable to this object.',
)

/** A provider that holds one object, encrypted with the named key or, undefined, plain; it answers as AWS does. */
const holding =
  (name: string | undefined): Answering =>
  seen => {
    if (name === undefined) {
      return seen.headers[KEY] === undefined ? { body: 'bytes' } : NOT_APPLICABLE
    }
    return seen.headers[KEY] === base64(name) ? { body: 'bytes', headers: echoOf(seen) } : WRONG_KEY
  }

t.test('a PUT carries the newest key, signed, and arrives byte for byte', async t => {
  const upstream = await startUpstream(t)
  const proxy = await startProxy(t, {
    upstream: upstream.origin,
    keyrings: [keyring('main', 'v2', 'v1')],
  })
  const headers = { 'x-amz-meta-colour': 'blue', 'content-type': 'text/plain' }
  const answer = await send(proxy.origin, { method: 'PUT', path: '/b/k', body: 'hello', headers })
  t.equal(answer.status, 200)
  t.equal(answer.headers[MD5], md5('main/v2'))
  const [seen] = upstream.seen
  t.match(seen, {
    method: 'PUT',
    target: '/b/k',
    body: Buffer.from('hello'),
    headers: {
      [KEY]: base64('main/v2'),
      [MD5]: md5('main/v2'),
      'x-amz-server-side-encryption-customer-algorithm': 'AES256',
      'x-amz-meta-colour': 'blue',
      'content-type': 'text/plain',
      'content-length': '5',
    },
  })
  t.match(
    seen?.headers['authorization'],
    /Credential=UP\/.*SignedHeaders=.*x-amz-server-side-encryption-customer-key;/,
  )
  t.match(proxy.lines.at(-1), {
    operation: 'PutObject',
    client: 'app',
    bucket: 'b',
    rule: 'test',
    keyVersion: 'main/v2',
    attempts: 1,
    status: 200,
  })
})

t.test('a read walks from the newest version to the oldest, and remembers', async t => {
  const upstream = await startUpstream(t, holding('main/v1'))
  const proxy = await startProxy(t, {
    upstream: upstream.origin,
    keyrings: [keyring('main', 'v3', 'v2', 'v1')],
  })
  const first = await send(proxy.origin, { path: '/b/k' })
  t.match(first, { status: 200, text: 'bytes' })
  t.strictSame(
    upstream.seen.map(seen => seen.headers[KEY]),
    ['main/v3', 'main/v2', 'main/v1'].map(base64),
  )
  const again = await send(proxy.origin, { method: 'HEAD', path: '/b/k' })
  t.equal(again.status, 200)
  t.equal(upstream.seen.length, 4, 'the second read knows the version')
  t.match(proxy.lines.at(-1), { keyVersion: 'main/v1', attempts: 1 })
})

t.test('when no version fits, the client gets the first attempt’s error', async t => {
  const upstream = await startUpstream(t, holding('another'))
  const proxy = await startProxy(t, {
    upstream: upstream.origin,
    keyrings: [keyring('main', 'v2', 'v1')],
  })
  const answer = await send(proxy.origin, { path: '/b/k' })
  t.equal(answer.status, 403)
  t.match(answer.text, '<Code>AccessDenied</Code>')
  t.equal(upstream.seen.length, 2)
})

t.test('plaintext objects are read or refused as the rule says', async t => {
  // As AWS and MinIO answer (400), and as Ceph RGW does (200 without echo).
  const providers: readonly (readonly [string, Answering])[] = [
    ['aws', holding(undefined)],
    ['ceph', () => ({ body: 'bytes' })],
  ]
  for (const [name, answering] of providers) {
    const upstream = await startUpstream(t, answering)
    const allow = await startProxy(t, {
      upstream: upstream.origin,
      rules: [rule(encrypt({ plaintextReads: 'allow' }))],
    })
    const deny = await startProxy(t, { upstream: upstream.origin })
    t.match(await send(allow.origin, { path: '/b/k' }), { status: 200, text: 'bytes' }, name)
    const refused = await send(deny.origin, { path: '/b/k' })
    t.equal(refused.status, 403, name)
    t.match(refused.text, /stored without SSE-C, and rule &apos;test&apos;|rule 'test'/, name)
    t.notMatch(refused.text, 'bytes', name)
  }
})

const upload =
  '<InitiateMultipartUploadResult><UploadId>up.1/x</UploadId></InitiateMultipartUploadResult>'
const multipart: Answering = seen =>
  seen.target.includes('uploads') ? { body: upload, headers: echoOf(seen) } : obey(seen)
const uploadIdOf = (xml: string): string => /<UploadId>([^<]*)</.exec(xml)?.[1] ?? ''

t.test('an upload keeps the key it was created with, whatever rotates in between', async t => {
  const upstream = await startUpstream(t, multipart)
  const before = await startProxy(t, {
    upstream: upstream.origin,
    keyrings: [keyring('main', 'v1')],
  })
  const created = await send(before.origin, {
    method: 'POST',
    path: '/b/k',
    query: { uploads: '' },
  })
  const uploadId = uploadIdOf(created.text)
  t.match(uploadId, /^v1\.[\w-]{22}\.up\.1\/x$/)

  const after = await startProxy(t, {
    upstream: upstream.origin,
    keyrings: [keyring('main', 'v2', 'v1')],
  })
  const part = { method: 'PUT', path: '/b/k', query: { partNumber: '1', uploadId }, body: 'part' }
  t.equal((await send(after.origin, part)).status, 200)
  const seen = upstream.seen.at(-1)
  t.equal(seen?.headers[KEY], base64('main/v1'))
  t.equal(seen?.target, '/b/k?partNumber=1&uploadId=up.1%2Fx')
})

t.test('an upload id that the proxy did not give out is unknown', async t => {
  const upstream = await startUpstream(t, multipart)
  const proxy = await startProxy(t, { upstream: upstream.origin })
  const created = await send(proxy.origin, { method: 'POST', path: '/b/k', query: { uploads: '' } })
  const uploadId = uploadIdOf(created.text)
  const forged = [
    'up.1/x',
    uploadId.replace(/^v1/, 'v2'),
    uploadId.replace(/x$/, 'y'),
    uploadId.replace(/\.(.)/, (_, letter) => `.${letter === 'A' ? 'B' : 'A'}`),
    `~${uploadId.slice(2)}`,
  ]
  for (const id of forged) {
    const query = { partNumber: '1', uploadId: id }
    const answer = await send(proxy.origin, { method: 'PUT', path: '/b/k', query, body: 'p' })
    t.match(answer, { status: 404, text: /NoSuchUpload/ }, id)
  }
  const elsewhere = { partNumber: '1', uploadId }
  const other = await send(proxy.origin, {
    method: 'PUT',
    path: '/b/other',
    query: elsewhere,
    body: 'p',
  })
  t.equal(other.status, 404, 'nor for another object')
  t.equal(upstream.seen.length, 1)
})

t.test('listed uploads get ids that the proxy takes back', async t => {
  const listing =
    '<ListMultipartUploadsResult><Upload><Key>a&amp;b</Key><UploadId>up1</UploadId></Upload></ListMultipartUploadsResult>'
  const upstream = await startUpstream(t, seen =>
    seen.target === '/b?uploads=' ? { body: listing } : { status: 204 },
  )
  const proxy = await startProxy(t, { upstream: upstream.origin })
  const listed = await send(proxy.origin, { path: '/b', query: { uploads: '' } })
  const uploadId = uploadIdOf(listed.text)
  t.match(uploadId, /^~\..*\.up1$/)
  const aborted = await send(proxy.origin, {
    method: 'DELETE',
    path: '/b/a%26b',
    query: { uploadId },
  })
  t.equal(aborted.status, 204)
  t.equal(upstream.seen.at(-1)?.target, '/b/a%26b?uploadId=up1')
})

t.test('the ids of listed uploads are those of keys that were encoded, said or not', async t => {
  const key = '<Key>a%26b%20%C3%A9</Key>'
  const marker =
    '<NextKeyMarker>a&amp;b \u00e9</NextKeyMarker><NextUploadIdMarker>up1</NextUploadIdMarker>'
  const silent = `<R>${marker}<Upload>${key}<UploadId>up1</UploadId></Upload></R>`
  const said = `<R><EncodingType>url</EncodingType><Upload>${key}<UploadId>up1</UploadId></Upload></R>`
  for (const listing of [silent, said]) {
    const upstream = await startUpstream(t, seen =>
      seen.method === 'GET' ? { body: listing } : { status: 204 },
    )
    const proxy = await startProxy(t, { upstream: upstream.origin })
    const query = { uploads: '', 'encoding-type': 'url' }
    const { text } = await send(proxy.origin, { path: '/b', query })
    const ids = [...text.matchAll(/<(?:UploadId|NextUploadIdMarker)>([^<]*)/g)].map(([, id]) => id)
    t.equal(new Set(ids).size, 1, 'the marker’s, too')
    const aborted = await send(proxy.origin, {
      method: 'DELETE',
      path: '/b/a%26b%20%C3%A9',
      query: { uploadId: ids[0] ?? '' },
    })
    t.equal(aborted.status, 204)
  }
})

t.test('a copy gets the key of each side’s own rule', async t => {
  const upstream = await startUpstream(t)
  const proxy = await startProxy(t, {
    upstream: upstream.origin,
    rules: [
      rule(encrypt({ encrypt: { keyring: 'other' } }), { buckets: ['other'] }),
      rule({ kind: 'passthrough' }, { buckets: ['plain'] }),
      rule(encrypt()),
    ],
    keyrings: [keyring('main', 'v1'), keyring('other', 'v7')],
  })
  const copy = (from: string, to: string) =>
    send(proxy.origin, { method: 'PUT', path: to, headers: { 'x-amz-copy-source': from } })
  await copy('/other/a', '/main/a')
  t.match(upstream.seen.at(-1)?.headers, {
    [KEY]: base64('main/v1'),
    [SOURCE_KEY]: base64('other/v7'),
  })
  await copy('plain/a', '/main/a')
  t.equal(upstream.seen.at(-1)?.headers[KEY], base64('main/v1'))
  t.equal(upstream.seen.at(-1)?.headers[SOURCE_KEY], undefined)
  await copy('main/a', '/plain/a')
  t.equal(upstream.seen.at(-1)?.headers[KEY], undefined)
  t.equal(upstream.seen.at(-1)?.headers[SOURCE_KEY], base64('main/v1'))
})

t.test('a copy may not read what its client may not read', async t => {
  const upstream = await startUpstream(t)
  const proxy = await startProxy(t, {
    upstream: upstream.origin,
    rules: [rule({ kind: 'deny' }, { buckets: ['secret'], operations: ['read'] }), rule(encrypt())],
  })
  const headers = { 'x-amz-copy-source': '/secret/a' }
  const answer = await send(proxy.origin, { method: 'PUT', path: '/b/a', headers })
  t.equal(answer.status, 403)
  t.equal(upstream.seen.length, 0)
})

t.test('one forbidden key among many stops a multi-object delete', async t => {
  const upstream = await startUpstream(t, () => ({ body: '<DeleteResult/>' }))
  const proxy = await startProxy(t, {
    upstream: upstream.origin,
    rules: [
      rule({ kind: 'deny' }, { prefixes: ['frozen/'], operations: ['delete'] }),
      rule(encrypt()),
    ],
  })
  const remove = (...keys: readonly string[]) =>
    send(proxy.origin, {
      method: 'POST',
      path: '/b',
      query: { delete: '' },
      body: `<Delete>${keys.map(key => `<Object><Key>${key}</Key></Object>`).join('')}</Delete>`,
    })
  t.equal((await remove('a', 'b')).status, 200)
  t.equal((await remove('a', 'frozen/b')).status, 403)
  t.equal((await remove('&#102;rozen/b')).status, 403, 'however it is spelled')
  t.equal((await remove('<!-- -->frozen/b')).status, 400, 'what readers disagree on is refused')
  t.equal(upstream.seen.length, 1)
})

t.test('an unconfirmed write is taken back, and only that', async t => {
  const cases: readonly (readonly [name: string, seenAfter: readonly string[], head: object])[] = [
    ['still plaintext', ['HEAD', 'DELETE'], { headers: { etag: '"0123"' } }],
    ['overwritten meanwhile', ['HEAD'], { headers: { etag: '"4567"' } }],
    ['overwritten by an encrypted one', ['HEAD'], { status: 400 }],
  ]
  for (const [name, after, head] of cases) {
    const upstream = await startUpstream(t, seen =>
      seen.method === 'HEAD'
        ? head
        : { headers: { etag: '"0123"' }, status: seen.method === 'DELETE' ? 204 : 200 },
    )
    const proxy = await startProxy(t, { upstream: upstream.origin })
    const answer = await send(proxy.origin, { method: 'PUT', path: '/b/k', body: 'hello' })
    t.match(answer, { status: 502, text: /UnconfirmedEncryption/ }, name)
    t.strictSame(
      upstream.seen.map(seen => seen.method),
      ['PUT', ...after],
      name,
    )
    t.notOk(upstream.seen.at(-1)?.headers[KEY], 'without a key')
    if (after.includes('DELETE')) t.equal(upstream.seen.at(-1)?.headers['if-match'], '"0123"')
  }
})

t.test('of a versioned bucket exactly the written version is removed', async t => {
  const upstream = await startUpstream(t, () => ({ headers: { 'x-amz-version-id': 'ver/1' } }))
  const proxy = await startProxy(t, { upstream: upstream.origin })
  await send(proxy.origin, { method: 'PUT', path: '/b/k', body: 'hello' })
  t.strictSame(
    upstream.seen.map(seen => `${seen.method} ${seen.target}`),
    ['PUT /b/k', 'DELETE /b/k?versionId=ver%2F1'],
  )
})

t.test('a part that was not confirmed takes its upload with it', async t => {
  const upstream = await startUpstream(t, seen =>
    seen.method === 'POST' ? multipart(seen) : { status: seen.method === 'DELETE' ? 204 : 200 },
  )
  const proxy = await startProxy(t, { upstream: upstream.origin })
  const created = await send(proxy.origin, { method: 'POST', path: '/b/k', query: { uploads: '' } })
  const query = { partNumber: '1', uploadId: uploadIdOf(created.text) }
  const answer = await send(proxy.origin, { method: 'PUT', path: '/b/k', query, body: 'part' })
  t.equal(answer.status, 502)
  t.equal(upstream.seen.at(-1)?.method, 'DELETE')
  t.equal(upstream.seen.at(-1)?.target, '/b/k?uploadId=up.1%2Fx')
})

t.test('onUnconfirmed: keep leaves it there and says so', async t => {
  const upstream = await startUpstream(t, () => ({}))
  const rules = [rule(encrypt({ onUnconfirmed: 'keep' }))]
  const proxy = await startProxy(t, { upstream: upstream.origin, rules })
  const answer = await send(proxy.origin, { method: 'PUT', path: '/b/k', body: 'hello' })
  t.match(answer, { status: 502, text: /was kept/ })
  t.equal(upstream.seen.length, 1)
})

t.test('a client’s own key is taken or refused as the rule says', async t => {
  const own = keyBytes('own')
  const headers = {
    'x-amz-server-side-encryption-customer-algorithm': 'AES256',
    [KEY]: own.toString('base64'),
    [MD5]: createHash('md5').update(own).digest('base64'),
  }
  const upstream = await startUpstream(t)
  const reject = await startProxy(t, { upstream: upstream.origin })
  const put = { method: 'PUT', path: '/b/k', body: 'hello', headers }
  t.match(await send(reject.origin, put), { status: 400, text: /brings its own SSE-C key/ })
  t.equal(upstream.seen.length, 0)

  const rules = [rule(encrypt({ clientKeys: 'accept' }))]
  const accept = await startProxy(t, { upstream: upstream.origin, rules })
  t.equal((await send(accept.origin, put)).status, 200)
  t.equal(upstream.seen.at(-1)?.headers[KEY], own.toString('base64'))
  const broken = { ...put, headers: { ...headers, [MD5]: md5('other') } }
  t.match(await send(accept.origin, broken), {
    status: 400,
    text: /MD5 hash of the key did not match/,
  })
})

t.test('another encryption method is removed or refused as the rule says', async t => {
  const upstream = await startUpstream(t)
  const put = {
    method: 'PUT',
    path: '/b/k',
    body: 'hello',
    headers: { 'x-amz-server-side-encryption': 'AES256' },
  }
  const remove = await startProxy(t, { upstream: upstream.origin })
  t.equal((await send(remove.origin, put)).status, 200)
  t.equal(upstream.seen[0]?.headers['x-amz-server-side-encryption'], undefined)
  const rules = [rule(encrypt({ conflicts: 'reject' }))]
  const reject = await startProxy(t, { upstream: upstream.origin, rules })
  t.match(await send(reject.origin, put), {
    status: 400,
    text: /refuses x-amz-server-side-encryption/,
  })
})

t.test('nothing goes upstream without a rule, or against one', async t => {
  const upstream = await startUpstream(t)
  const none = await startProxy(t, { upstream: upstream.origin, rules: [] })
  t.equal((await send(none.origin, { path: '/b/k' })).status, 403)
  const deny = await startProxy(t, { upstream: upstream.origin, rules: [rule({ kind: 'deny' })] })
  t.equal((await send(deny.origin, { path: '/b/k' })).status, 403)
  t.equal(upstream.seen.length, 0)
})

t.test('passthrough adds nothing', async t => {
  const upstream = await startUpstream(t)
  const rules = [rule({ kind: 'passthrough' })]
  const proxy = await startProxy(t, { upstream: upstream.origin, rules })
  t.equal((await send(proxy.origin, { method: 'PUT', path: '/b/k', body: 'hello' })).status, 200)
  t.notOk(Object.keys(upstream.seen[0]?.headers ?? {}).some(name => name.includes('encryption')))
})

t.test('a redirect is not followed and not passed on', async t => {
  const upstream = await startUpstream(t, () => ({
    status: 307,
    headers: { location: 'http://elsewhere.example/b/k' },
  }))
  const proxy = await startProxy(t, { upstream: upstream.origin })
  const answer = await send(proxy.origin, { path: '/b/k' })
  t.match(answer, { status: 502, text: /UpstreamRedirect/ })
  t.equal(answer.headers.location, undefined)
})

t.test('keys travel as they are', async t => {
  const upstream = await startUpstream(t)
  const proxy = await startProxy(t, { upstream: upstream.origin })
  const paths = [
    '/b/a%20b',
    '/b/a%2Bb',
    '/b//x//',
    '/b/../c',
    '/b/.',
    '/b/%25',
    '/b/%C3%A9',
    '/b/a%2Fb',
  ]
  for (const path of paths) await send(proxy.origin, { path })
  t.strictSame(
    upstream.seen.map((seen: Seen) => seen.target),
    paths.map(path => path.replace('%2F', '/')),
  )
})

t.test('answers come byte for byte, names in UTF-8 too', async t => {
  const disposition = Buffer.from('attachment; filename="gr\u00fc\u00dfe.txt"').toString('latin1')
  const upstream = await startUpstream(t, seen => ({
    headers: {
      'x-amz-meta-a': Buffer.from('\u00e9').toString('latin1'),
      'content-disposition': disposition,
      ...echoOf(seen),
      'content-length': '5',
    },
    body: 'bytes',
  }))
  const proxy = await startProxy(t, { upstream: upstream.origin })
  const answer = await send(proxy.origin, { path: '/b/k' })
  t.equal(answer.headers['x-amz-meta-a'], Buffer.from('\u00e9').toString('latin1'))
  t.equal(answer.headers['content-disposition'], disposition)
})
