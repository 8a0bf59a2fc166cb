import { createHash, createHmac } from 'node:crypto'
import fc from 'fast-check'
import t from 'tap'
import type { Scheme } from '../../lib/authenticate/client.ts'
import { send, sendRaw } from '../support/client.ts'
import { type GoogSending, googHeaders, googTarget, sendGoog } from '../support/goog-client.ts'
import { googleStorage, HMAC } from '../support/google-storage.ts'
import {
  APP,
  APP_CLIENT,
  encrypt,
  keyBytes,
  type ProxyOptions,
  rule,
  startProxy,
} from '../support/proxy.ts'
import { echoOf, startUpstream } from '../support/upstream.ts'

/* A client of Cloud Storage, signing GOOG4-HMAC-SHA256, in front of a provider that speaks S3. */

const SSE = 'x-amz-server-side-encryption-customer'

const clientWith = (...schemes: readonly Scheme[]) => ({
  ...APP_CLIENT,
  proof: { ...APP_CLIENT.proof, schemes } as typeof APP_CLIENT.proof,
})

const start = async (
  test: Parameters<typeof startProxy>[0],
  options: Partial<ProxyOptions> = {},
) => {
  const upstream = await startUpstream(test, seen => ({
    headers: {
      etag: '"0123"',
      'x-amz-request-id': 'UP',
      'x-amz-version-id': '1700',
      'x-amz-meta-a': 'b',
      'x-amz-storage-class': 'STANDARD_IA',
      ...echoOf(seen),
    },
    body: seen.headers['x-amz-copy-source']
      ? '<CopyObjectResult><ETag>"0123"</ETag></CopyObjectResult>'
      : '',
    ...(seen.target.startsWith('/bucket/missing')
      ? { status: 404, body: '<Error><Code>NoSuchKey</Code><Message>no such key</Message></Error>' }
      : {}),
  }))
  const proxy = await startProxy(test, {
    upstream: upstream.origin,
    clients: [clientWith('v4', 'goog4')],
    ...options,
  })
  return { upstream, proxy }
}

const sha256Of = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('base64')
const md5Of = (bytes: Buffer): string => createHash('md5').update(bytes).digest('base64')

const triple = (bytes: Buffer, place = 'x-goog-'): Record<string, string> => ({
  [`${place}encryption-algorithm`]: 'AES256',
  [`${place}encryption-key`]: bytes.toString('base64'),
  [`${place}encryption-key-sha256`]: sha256Of(bytes),
})

t.test('a request in Google’s words travels as S3, and its answer goes back in them', async t => {
  const { upstream, proxy } = await start(t)
  const put = await sendGoog(proxy.origin, {
    method: 'PUT',
    path: '/bucket/a/b%20c',
    headers: {
      'x-goog-acl': 'public-read',
      'x-goog-meta-colour': 'blue  and   green',
      'x-goog-storage-class': 'NEARLINE',
      'x-goog-user-project': 'payer',
      'content-type': 'text/plain',
    },
    body: 'hello',
  })
  t.match(put, {
    status: 200,
    headers: {
      'x-goog-encryption-algorithm': 'AES256',
      'x-goog-encryption-key-sha256': sha256Of(keyBytes('main/v1')),
      'x-goog-generation': '1700',
      'x-goog-request-id': 'UP',
      'x-goog-storage-class': 'NEARLINE',
      'x-goog-meta-a': 'b',
    },
  })
  t.notOk(Object.keys(put.headers).some(name => name.startsWith('x-amz-')))
  const [seen] = upstream.seen
  t.match(seen, {
    method: 'PUT',
    target: '/bucket/a/b%20c',
    headers: {
      authorization: /^AWS4-HMAC-SHA256 Credential=UP/,
      'x-amz-acl': 'public-read',
      'x-amz-meta-colour': 'blue  and   green',
      'x-amz-storage-class': 'STANDARD_IA',
      [`${SSE}-key`]: keyBytes('main/v1').toString('base64'),
      [`${SSE}-key-md5`]: md5Of(keyBytes('main/v1')),
    },
    body: Buffer.from('hello'),
  })
  t.notOk(Object.keys(seen?.headers ?? {}).some(name => name.startsWith('x-goog-')))
})

t.test('a client’s own key is named by its SHA-256, here and back', async t => {
  const { upstream, proxy } = await start(t, { rules: [rule(encrypt({ clientKeys: 'accept' }))] })
  const own = keyBytes('own')
  const asking: GoogSending = { method: 'PUT', path: '/bucket/key', body: 'x' }
  const put = await sendGoog(proxy.origin, { ...asking, headers: triple(own) })
  t.match(put, { status: 200, headers: { 'x-goog-encryption-key-sha256': sha256Of(own) } })
  t.match(upstream.seen[0]?.headers, {
    [`${SSE}-key`]: own.toString('base64'),
    [`${SSE}-key-md5`]: md5Of(own),
  })
  const wrong = { ...triple(own), 'x-goog-encryption-key-sha256': sha256Of(keyBytes('other')) }
  t.match(await sendGoog(proxy.origin, { ...asking, headers: wrong }), { status: 400 })
  // In a signed URL they stand in the query as well as anywhere.
  const target = googTarget(proxy.origin, { ...asking, query: triple(own) })
  t.equal((await sendRaw(proxy.origin, 'PUT', target, { 'content-length': '1' }, 'x')).status, 200)
  t.equal(upstream.seen.at(-1)?.headers[`${SSE}-key-md5`], md5Of(own))
  t.equal(upstream.seen.length, 2)
})

t.test('a copy names the generation of its source, and the keys of both', async t => {
  const { upstream, proxy } = await start(t, { rules: [rule(encrypt({ clientKeys: 'accept' }))] })
  const [from, to] = [keyBytes('from'), keyBytes('to')]
  const copied = await sendGoog(proxy.origin, {
    method: 'PUT',
    path: '/bucket/copy',
    headers: {
      'x-goog-copy-source': '/bucket/a%20b',
      'x-goog-copy-source-generation': '1600',
      'x-goog-copy-source-if-match': '"0123"',
      'x-goog-metadata-directive': 'COPY',
      ...triple(from, 'x-goog-copy-source-'),
      ...triple(to),
    },
  })
  t.equal(copied.status, 200, copied.text)
  t.match(upstream.seen[0]?.headers, {
    'x-amz-copy-source': 'bucket/a%20b?versionId=1600',
    'x-amz-copy-source-if-match': '"0123"',
    'x-amz-metadata-directive': 'COPY',
    [`x-amz-copy-source-server-side-encryption-customer-key-md5`]: md5Of(from),
    [`${SSE}-key-md5`]: md5Of(to),
  })
})

t.test('a generation is a version', async t => {
  const { upstream, proxy } = await start(t)
  const got = await sendGoog(proxy.origin, { path: '/bucket/key', query: { generation: '1600' } })
  t.equal(got.status, 200, got.text)
  t.equal(upstream.seen[0]?.target, '/bucket/key?versionId=1600')
})

t.test('a signed URL opens what it was signed for, until it ends', async t => {
  const { upstream, proxy } = await start(t)
  const target = googTarget(proxy.origin, { path: '/bucket/key' })
  t.equal((await sendRaw(proxy.origin, 'GET', target, {})).status, 200)
  t.equal(upstream.seen[0]?.target, '/bucket/key')
  t.match(await sendRaw(proxy.origin, 'DELETE', target, {}), {
    status: 403,
    text: /SignatureDoesNotMatch/,
  })
  const old = { path: '/bucket/key', now: new Date(Date.now() - 601_000) }
  t.match(await sendRaw(proxy.origin, 'GET', googTarget(proxy.origin, old), {}), {
    status: 403,
    text: /Request has expired.*X-Goog-Expires/,
  })
  const signed = { 'x-goog-acl': 'private', 'content-type': 'text/plain' }
  const put = googTarget(proxy.origin, { method: 'PUT', path: '/bucket/key', headers: signed })
  const sent = { ...signed, 'content-length': '1' }
  t.equal((await sendRaw(proxy.origin, 'PUT', put, sent, 'x')).status, 200)
  t.match(await sendRaw(proxy.origin, 'PUT', put, { ...sent, 'x-goog-meta-a': 'b' }, 'x'), {
    status: 403,
    text: /HeadersNotSigned>x-goog-meta-a</,
  })
})

t.test('the body is held against its hash, wherever that stands', async t => {
  const { upstream, proxy } = await start(t)
  const put = (headers: Readonly<Record<string, string>>) =>
    sendGoog(proxy.origin, { method: 'PUT', path: '/bucket/key', headers, body: 'hello' })
  const hex = createHash('sha256').update('hello').digest('hex')
  t.equal((await put({ 'x-goog-content-sha256': hex })).status, 200)
  t.match(await put({ 'x-goog-content-sha256': hex.replace(/./g, '0') }), {
    status: 400,
    text: /SHA256Mismatch/,
  })
  const md5 = md5Of(Buffer.from('hello'))
  t.equal((await put({ 'x-goog-hash': `crc32c=mnG7TA==,md5=${md5}` })).status, 200)
  t.match(upstream.seen.at(-1)?.headers, {
    'content-md5': md5,
    'x-amz-checksum-crc32c': 'mnG7TA==',
  })
  t.match(await put({ 'x-goog-hash': 'crc32c=AAAAAA==' }), { status: 400, text: /BadDigest/ })
  t.match(await put({ 'x-goog-hash': 'sha1=AAAA' }), { status: 400, text: /crc32c=BASE64/ })
  t.match(await put({ 'x-goog-hash': `md5=${md5}`, 'content-md5': 'other' }), { status: 400 })
  const framed = 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD'
  t.match(await put({ 'x-goog-content-sha256': framed }), { status: 400, text: /UNSIGNED-PAYLOAD/ })
  t.equal(upstream.seen.length, 2)
})

t.test('the payload hash is signed whether it is listed or not', async t => {
  const { proxy } = await start(t)
  const sending = { method: 'PUT', path: '/bucket/key', body: 'x' }
  const { target, headers } = googHeaders(proxy.origin, sending)
  const added = { ...headers, 'content-length': '1', 'x-goog-content-sha256': 'UNSIGNED-PAYLOAD' }
  t.equal((await sendRaw(proxy.origin, 'PUT', target, added, 'x')).status, 200)
  const other = {
    ...added,
    'x-goog-content-sha256': createHash('sha256').update('x').digest('hex'),
  }
  t.equal((await sendRaw(proxy.origin, 'PUT', target, other, 'x')).status, 403)
})

t.test('what S3 cannot promise is refused by name, and what it can is said', async t => {
  const { upstream, proxy } = await start(t)
  const put = (name: string, value: string) =>
    sendGoog(proxy.origin, {
      method: 'PUT',
      path: '/bucket/key',
      headers: { [name]: value },
      body: 'x',
    })
  t.equal((await put('x-goog-if-generation-match', '0')).status, 200)
  t.equal(upstream.seen[0]?.headers['if-none-match'], '*')
  for (const name of [
    'x-goog-if-generation-match',
    'x-goog-if-metageneration-match',
    'x-goog-content-length-range',
    'x-goog-resumable',
  ]) {
    t.match(await put(name, '7'), { status: 501, text: new RegExp(name) }, name)
  }
  for (const path of ['/bucket', '/bucket/key']) {
    t.match(await sendGoog(proxy.origin, { path, query: { acl: '' } }), {
      status: 501,
      text: /\?acl.*are not translated/,
    })
  }
  const canned = { 'x-goog-acl': 'private' }
  const asking = { method: 'PUT', path: '/bucket/key', query: { acl: '' }, headers: canned }
  t.equal((await sendGoog(proxy.origin, asking)).status, 200)
  t.equal(upstream.seen.length, 2)
})

t.test('only a client that may sign so is believed', async t => {
  const unoffered = await start(t, { clients: [APP_CLIENT] })
  const asking = { path: '/bucket/key' }
  const url = googTarget(unoffered.proxy.origin, asking)
  const refused = { status: 400, text: /authorization mechanism.*not supported/ }
  t.match(await sendGoog(unoffered.proxy.origin, asking), refused)
  t.match(await sendRaw(unoffered.proxy.origin, 'GET', url, {}), refused)
  const only = await start(t, { clients: [clientWith('goog4')] })
  t.equal((await sendGoog(only.proxy.origin, asking)).status, 200)
  t.match(await send(only.proxy.origin, asking), { status: 400, text: /may not sign with v4/ })
  t.match(
    await sendGoog(only.proxy.origin, {
      ...asking,
      credentials: { ...APP, secretAccessKey: 'wrong' },
    }),
    { status: 403, text: /SignatureDoesNotMatch/, headers: { 'x-goog-request-id': /./ } },
  )
  t.match(
    await sendGoog(only.proxy.origin, {
      ...asking,
      credentials: { ...APP, accessKeyId: 'GOOG1NOBODY' },
    }),
    { status: 403, text: /InvalidAccessKeyId/ },
  )
  t.match(
    await sendGoog(only.proxy.origin, {
      ...asking,
      headers: { 'x-goog-security-token': 'token' },
    }),
    { status: 400, text: /InvalidToken/ },
  )
})

const FAULTS: readonly (readonly [
  name: string,
  change: (text: string) => string,
  status: number,
  text: RegExp,
])[] = [
  ['service', text => text.replace('/storage/', '/s3/'), 400, /belongs to &quot;storage/],
  [
    'terminator',
    text => text.replace('goog4_request', 'aws4_request'),
    400,
    /uses &quot;goog4_request/,
  ],
  ['day', text => text.replace(/\/\d{8}\//, '/20200101/'), 400, /Invalid credential date/],
  ['credential', text => text.replace(/Credential=[^,]*,/, 'Credential=x,'), 400, /goog4_request/],
  ['RSA', text => text.replace('HMAC', 'RSA'), 400, /not supported/],
]

t.test('a malformed header is refused by name', async t => {
  const { proxy } = await start(t)
  for (const [name, change, status, text] of FAULTS) {
    const { target, headers } = googHeaders(proxy.origin, { path: '/bucket/key' })
    const authorization = change(headers['authorization'] ?? '')
    const answer = await sendRaw(proxy.origin, 'GET', target, { ...headers, authorization })
    t.match(answer, { status, text }, name)
  }
  const { headers } = googHeaders(proxy.origin, { path: '/bucket/key' })
  const { 'x-goog-date': _, ...undated } = headers
  t.match(await sendRaw(proxy.origin, 'GET', '/bucket/key', undated), {
    status: 403,
    text: /valid Date or x-goog-date/,
  })
})

t.test('a malformed signed URL is refused by name', async t => {
  const { proxy } = await start(t)
  const target = googTarget(proxy.origin, { path: '/bucket/key' })
  const cases = [
    [target.replace(/&X-Goog-Expires=\d+/, ''), 400, /AuthorizationQueryParametersError/],
    [target.replace('Expires=600', 'Expires=604801'), 400, /X-Goog-Expires must be/],
    [target.replace('HMAC', 'RSA'), 400, /X-Goog-Algorithm only supports &quot;GOOG4-HMAC/],
    [target.replace(/Date=\d{8}T/, 'Date=2026-'), 400, /Invalid credential date|X-Goog-Date/],
    [`${target}&X-Amz-Signature=0`, 400, /Only one auth mechanism/],
    [`${target}&x-goog-signature=0`, 403, /SignatureDoesNotMatch/],
    [`${target}&x-goog-acl=private&X-Goog-Acl=public-read`, 403, /SignatureDoesNotMatch/],
  ] as const
  for (const [url, status, text] of cases) {
    t.match(await sendRaw(proxy.origin, 'GET', url, {}), { status, text }, url)
  }
  const { headers } = googHeaders(proxy.origin, { path: '/bucket/key' })
  t.match(await sendRaw(proxy.origin, 'GET', target, headers), {
    status: 400,
    text: /Only one auth mechanism/,
  })
})

t.test('two families of words in one request are refused', async t => {
  const { upstream, proxy } = await start(t)
  for (const name of ['x-amz-acl', 'x-obs-acl', 'x-cos-acl', 'opc-meta-a', 'x-bz-info-a']) {
    const headers = { 'x-goog-meta-a': 'b', [name]: 'private' }
    const answer = await sendGoog(proxy.origin, { path: '/bucket/key', headers })
    t.match(answer, { status: 400, text: new RegExp(`mixes.*(?:${name}|x-goog-meta-a)`) }, name)
  }
  t.equal(upstream.seen.length, 0)
})

t.test('errors of the provider and of the proxy come in the words that were asked in', async t => {
  const { proxy } = await start(t)
  const missing = await sendGoog(proxy.origin, { path: '/bucket/missing' })
  t.match(missing, { status: 404, text: /NoSuchKey/, headers: { 'x-goog-request-id': 'UP' } })
  const unknown = await sendGoog(proxy.origin, { path: '/bucket/key', query: { compose: '' } })
  t.match(unknown, { status: 501, text: /'compose'/, headers: { 'x-goog-request-id': /./ } })
  for (const { headers } of [missing, unknown]) {
    t.notOk(Object.keys(headers).some(name => name.startsWith('x-amz-')))
  }
})

t.test('a form of Google’s signs its policy, and comes to a PutObject', async t => {
  const { upstream, proxy } = await start(t)
  const date = new Date().toISOString().replace(/[-:]|\.\d{3}/g, '')
  const fields: Record<string, string> = {
    key: 'from-form',
    'x-goog-meta-colour': 'blue',
    'x-goog-algorithm': 'GOOG4-HMAC-SHA256',
    'x-goog-credential': `${APP.accessKeyId}/${date.slice(0, 8)}/auto/storage/goog4_request`,
    'x-goog-date': date,
  }
  const conditions = [{ bucket: 'bucket' }, ...Object.entries(fields).map(([k, v]) => ({ [k]: v }))]
  const expiration = new Date(Date.now() + 60_000).toISOString()
  const policy = Buffer.from(JSON.stringify({ expiration, conditions })).toString('base64')
  const key = ['auto', 'storage', 'goog4_request'].reduce(
    (hmac, text) => createHmac('sha256', hmac).update(text).digest(),
    createHmac('sha256', `GOOG4${APP.secretAccessKey}`).update(date.slice(0, 8)).digest(),
  )
  const signature = createHmac('sha256', key).update(policy).digest('hex')
  const post = (more: Readonly<Record<string, string>>) => {
    const parts = Object.entries({ ...fields, policy, 'x-goog-signature': signature, ...more }).map(
      ([name, value]) =>
        `--b\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`,
    )
    const file =
      '--b\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\nhello\r\n--b--\r\n'
    const body = parts.join('') + file
    const headers = {
      'content-type': 'multipart/form-data; boundary=b',
      'content-length': String(body.length),
    }
    return sendRaw(proxy.origin, 'POST', '/bucket', headers, body)
  }
  const posted = await post({})
  t.equal(posted.status, 204, posted.text)
  t.match(posted.headers, { 'x-goog-encryption-key-sha256': sha256Of(keyBytes('main/v1')) })
  t.match(upstream.seen[0], {
    target: '/bucket/from-form',
    headers: { 'x-amz-meta-colour': 'blue', [`${SSE}-algorithm`]: 'AES256' },
    body: Buffer.from('hello'),
  })
  t.match(await post({ 'x-goog-signature': signature.replace(/^./, 'x') }), { status: 403 })
  t.match(await post({ 'x-goog-meta-colour': 'red' }), { status: 403, text: /Policy Condition/ })
  t.match(await post({ 'x-goog-algorithm': 'GOOG4-RSA-SHA256' }), {
    status: 400,
    text: /X-Goog-Algorithm only supports/,
  })
  t.match(await post({ 'x-goog-date': 'now' }), { status: 400, text: /X-Goog-Date is mal-formed/ })
  t.equal(upstream.seen.length, 1)
})

t.test('URLs that Google’s own library signs are believed, whatever is in them', async t => {
  const { upstream, proxy } = await start(t)
  const storage = googleStorage(APP, 'http://storage.test')
  const text = fc.string({
    unit: fc.constantFrom(...'aZ09-._~ %&=/?!*\'()$,:@"<>+é漢'),
    minLength: 1,
    maxLength: 12,
  })
  const value = fc.string({ unit: fc.constantFrom(..."aZ09 -._~!*'()/?=&") })
  await fc.assert(
    fc.asyncProperty(
      text.filter(name => !/^[/?]|[/]$|(?:^|\/)\.{1,2}(?:\/|$)|\/\//.test(name)),
      value.map(each => each.trim()),
      value,
      async (objectKey, metadata, disposition) => {
        const url = await storage
          .bucket('bucket')
          .file(objectKey)
          .getSignedUrl({
            version: 'v4',
            action: 'write',
            expires: Date.now() + 60_000,
            extensionHeaders: { 'x-goog-meta-a': metadata },
            queryParams: { ...HMAC, 'x-ignored': disposition },
          })
        const { pathname, search } = new URL(url[0])
        const headers = { host: 'storage.test', 'x-goog-meta-a': metadata, 'content-length': '1' }
        const answer = await sendRaw(proxy.origin, 'PUT', pathname + search, headers, 'x')
        const seen = upstream.seen.at(-1)
        return (
          answer.status === 200 &&
          decodeURIComponent(seen?.target.split('?')[0] ?? '') === `/bucket/${objectKey}` &&
          (seen?.headers['x-amz-meta-a'] ?? '') === metadata
        )
      },
    ),
    { numRuns: 150 },
  )
})

/** Changes one character to another that means something else: the name of the signature itself may be in any case. */
const tampered = (text: string, at: number): string => {
  const place = at % text.length
  return text.slice(0, place) + (/x/i.test(text[place] ?? '') ? 'y' : 'x') + text.slice(place + 1)
}

interface Put {
  readonly target: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

const tamperedPut = (put: Put, place: string, at: number): Put => {
  if (place === 'target') return { ...put, target: `/${tampered(put.target.slice(1), at)}` }
  if (place === 'body') return { ...put, body: tampered(put.body, at) }
  const value = tampered(put.headers[place] ?? '', at)
  return { ...put, headers: { ...put.headers, [place]: value } }
}

t.test('a changed signed byte is refused, wherever it is', async t => {
  const { upstream, proxy } = await start(t)
  const body = 'hello'
  const headers = {
    'x-goog-meta-colour': 'blue',
    'x-goog-acl': 'private',
    'content-type': 'text/plain',
    'x-goog-content-sha256': createHash('sha256').update(body).digest('hex'),
  }
  const query = { generation: '1600' }
  const sending: GoogSending = { method: 'PUT', path: '/bucket/some/key', query, headers, body }
  const send = ({ target, headers, body }: Put) =>
    sendRaw(proxy.origin, 'PUT', target, { ...headers, 'content-length': '5' }, body)
  const { host } = new URL(proxy.origin)
  const inHeader = { ...googHeaders(proxy.origin, sending), body }
  const inUrl = { target: googTarget(proxy.origin, sending), headers: { host, ...headers }, body }
  for (const signed of [inHeader, inUrl]) {
    t.equal((await send(signed)).status, 200)
    const before = upstream.seen.length
    const places = fc.constantFrom('target', 'body', ...Object.keys(signed.headers))
    const isRefused = async (place: string, at: number): Promise<boolean> =>
      (await send(tamperedPut(signed, place, at))).status >= 400 && upstream.seen.length === before
    await fc.assert(fc.asyncProperty(places, fc.nat(), isRefused), { numRuns: 400 })
  }
})
