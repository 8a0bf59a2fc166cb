import t, { type Test } from 'tap'
import { send } from '../support/client.ts'
import { encrypt, type ProxyOptions, rule, startProxy } from '../support/proxy.ts'
import {
  type Answer,
  type Answering,
  echoOf,
  type Seen,
  startUpstream,
} from '../support/upstream.ts'

const KEY = 'x-amz-server-side-encryption-customer-key'
const MD5 = 'x-amz-server-side-encryption-customer-key-md5'
const CREATED: Answer = { body: '<R><UploadId>up</UploadId></R>' }
const PARTS =
  '<CompleteMultipartUpload><Part><PartNumber>1</PartNumber></Part></CompleteMultipartUpload>'

const kindOf = ({ method, target }: Seen): string =>
  `${method}${['uploads', 'partNumber', 'uploadId'].map(name => (target.includes(name) ? ` ${name}` : '')).join('')}`

/** An upstream that takes uploads and does not confirm their creation, as MinIO; the look at the object is told. */
const silent =
  (look: Answering, completed: Answer = { body: '<R><ETag>"made-1"</ETag></R>' }): Answering =>
  seen => {
    switch (kindOf(seen)) {
      case 'POST uploads':
        return CREATED
      case 'POST uploadId':
        return completed
      case 'HEAD':
        return look(seen)
      case 'DELETE':
      case 'DELETE uploadId':
        return { status: 204 }
      default:
        return { headers: { etag: '"part"', ...echoOf(seen) } }
    }
  }

const encrypted: Answering = seen =>
  seen.headers[KEY] === undefined
    ? { status: 400 }
    : { headers: { etag: '"made-1"', ...echoOf(seen) } }

/** Uploads one part, and completes. */
const upload = async (t: Test, options: ProxyOptions) => {
  const proxy = await startProxy(t, options)
  const place = { path: '/b/k' }
  const created = await send(proxy.origin, { ...place, method: 'POST', query: { uploads: '' } })
  const uploadId = /<UploadId>([^<]*)</.exec(created.text)?.[1] ?? ''
  const part = await send(proxy.origin, {
    ...place,
    method: 'PUT',
    query: { partNumber: '1', uploadId },
    body: 'part',
  })
  const completed = await send(proxy.origin, {
    ...place,
    method: 'POST',
    query: { uploadId },
    body: PARTS,
  })
  return { created, uploadId, part, completed }
}

t.test(
  'an upload whose creation was not confirmed is one all the same, once its object is',
  async t => {
    const upstream = await startUpstream(t, silent(encrypted))
    const options = { upstream: upstream.origin, provider: 'generic' }
    const { created, uploadId, part, completed } = await upload(t, options)
    t.equal(created.status, 200)
    t.match(uploadId, /^~v1\.[\w-]{22}\.up$/, 'the id says that nothing is proven')
    t.equal(part.status, 200)
    t.match(completed, { status: 200, text: /made-1/ })
    t.strictSame(upstream.seen.map(kindOf), [
      'POST uploads',
      'PUT partNumber uploadId',
      'POST uploadId',
      'HEAD',
    ])
  },
)

t.test('its part must be confirmed', async t => {
  const upstream = await startUpstream(t, seen =>
    seen.method === 'PUT' ? { headers: { etag: '"part"' } } : silent(encrypted)(seen),
  )
  const options = { upstream: upstream.origin, provider: 'generic' }
  const { part } = await upload(t, options)
  t.match(part, { status: 502, text: /UnconfirmedEncryption/ })
  t.ok(upstream.seen.map(kindOf).includes('DELETE uploadId'), 'and the upload is taken back')
})

t.test('an object that a look does not show encrypted is taken back', async t => {
  const looks: readonly (readonly [string, Answering, readonly string[]])[] = [
    [
      'plaintext, the key ignored',
      () => ({ headers: { etag: '"made-1"' } }),
      ['HEAD', 'HEAD', 'DELETE'],
    ],
    [
      'plaintext, the key refused',
      seen =>
        seen.headers[KEY] === undefined ? { headers: { etag: '"made-1"' } } : { status: 400 },
      ['HEAD', 'HEAD', 'DELETE'],
    ],
    ['hidden', () => ({ status: 403 }), ['HEAD', 'HEAD']],
    [
      'encrypted with another key',
      seen =>
        seen.headers[KEY] === undefined
          ? { status: 400 }
          : { headers: { etag: '"made-1"', ...echoOf(seen), [MD5]: 'AAAAAAAAAAAAAAAAAAAAAA==' } },
      ['HEAD', 'HEAD'],
    ],
  ]
  for (const [name, look, asked] of looks) {
    const upstream = await startUpstream(t, silent(look))
    const options = { upstream: upstream.origin, provider: 'generic' }
    const { completed } = await upload(t, options)
    t.match(completed, { status: 502, text: /UnconfirmedEncryption/ }, name)
    t.strictSame(upstream.seen.map(kindOf).slice(3), asked, name)
  }
})

t.test('nor is plaintext believed where plaintext may be read', async t => {
  const upstream = await startUpstream(
    t,
    silent(() => ({ headers: { etag: '"made-1"' } })),
  )
  const options = {
    upstream: upstream.origin,
    provider: 'generic',
    rules: [rule(encrypt({ plaintextReads: 'allow' }))],
  }
  const { completed } = await upload(t, options)
  t.match(completed, { status: 502, text: /UnconfirmedEncryption/ })
})

t.test('where parts are echoed only when they are encrypted, nothing is looked at', async t => {
  const upstream = await startUpstream(t, silent(encrypted))
  const options = { upstream: upstream.origin, provider: 'minio' }
  const { completed } = await upload(t, options)
  t.equal(completed.status, 200)
  t.notOk(upstream.seen.some(({ method }) => method === 'HEAD'))
})

t.test('a provider that is known to confirm creations is held to it', async t => {
  for (const provider of ['aws', 'ceph', 'embedded']) {
    const upstream = await startUpstream(t, silent(encrypted))
    const proxy = await startProxy(t, { upstream: upstream.origin, provider })
    const create = { method: 'POST', path: '/b/k', query: { uploads: '' } }
    t.match(
      await send(proxy.origin, create),
      { status: 502, text: /UnconfirmedEncryption/ },
      provider,
    )
  }
})

t.test('a failure that comes behind a 200 is a failure, and nothing is looked at', async t => {
  const late = { body: '\n  <Error><Code>InternalError</Code></Error>' }
  const upstream = await startUpstream(t, silent(encrypted, late))
  const options = { upstream: upstream.origin, provider: 'generic' }
  const { completed } = await upload(t, options)
  t.match(completed, { status: 500, text: /InternalError/ })
  t.notOk(upstream.seen.some(({ method }) => method === 'HEAD'))
})

t.test('an empty ETag is filled in, with that of the version that was made', async t => {
  const empty = { body: '<R><ETag></ETag></R>', headers: { 'x-amz-version-id': 'v/9' } }
  const upstream = await startUpstream(t, seen =>
    seen.target.includes('uploads')
      ? { ...CREATED, headers: echoOf(seen) }
      : silent(encrypted, empty)(seen),
  )
  const options = { upstream: upstream.origin, provider: 'ceph' }
  const { completed } = await upload(t, options)
  t.match(completed, { status: 200, text: /<ETag>&quot;made-1&quot;<\/ETag>/ })
  t.equal(upstream.seen.at(-1)?.target, '/b/k?versionId=v%2F9')
})
