import { createHmac } from 'node:crypto'
import t from 'tap'
import type { Scheme } from '../../lib/authenticate/client.ts'
import { headersFromRaw } from '../../lib/s3/headers.ts'
import { parseQuery } from '../../lib/s3/query.ts'
import { Secret } from '../../lib/s3/secret.ts'
import { OBS_FLAVOUR, SIGV2_FLAVOUR } from '../../lib/sigv2/flavour.ts'
import { signatureOf, stringToSign } from '../../lib/sigv2/string-to-sign.ts'
import { type Received, send, sendRaw } from '../support/client.ts'
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

/* A client that signs as OBS or as SigV2, in front of a provider that speaks S3. */

const clientWith = (...schemes: readonly Scheme[]) => ({
  ...APP_CLIENT,
  proof: { ...APP_CLIENT.proof, schemes } as typeof APP_CLIENT.proof,
})

interface Asking {
  readonly method?: string
  readonly target: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  readonly scheme?: 'OBS' | 'AWS'
  readonly secretAccessKey?: string
  /** Leaves the length unsaid. */
  readonly chunked?: boolean
  /** Sent and not signed. */
  readonly unsigned?: string
}

const ask = (origin: string, asking: Asking): Promise<Received> => {
  const { method = 'GET', target, headers = {}, scheme = 'OBS', body = '', unsigned = '' } = asking
  const sent = { host: new URL(origin).host, date: new Date().toUTCString(), ...headers }
  const [resource = '', query = ''] = target.split('?')
  const text = stringToSign(
    {
      method,
      headers: headersFromRaw(Object.entries(sent).flat()),
      resource,
      query: parseQuery(query),
      expires: undefined,
    },
    scheme === 'OBS' ? OBS_FLAVOUR : SIGV2_FLAVOUR,
  )
  const signature = signatureOf(new Secret(asking.secretAccessKey ?? APP.secretAccessKey), text)
  const isFramed = !asking.chunked && (method === 'PUT' || body !== '')
  const length = isFramed ? { 'content-length': `${body.length}` } : {}
  return sendRaw(
    origin,
    method,
    target + unsigned,
    { ...sent, ...length, authorization: `${scheme} ${APP.accessKeyId}:${signature}` },
    body,
  )
}

const DOCUMENTS: Readonly<Record<string, string>> = {
  '/bucket/key?acl=':
    '<AccessControlPolicy><Grantee xmlns:xsi="x" xsi:type="CanonicalUser"><ID>u</ID></Grantee><Grantee xmlns:xsi="x" xsi:type="Group"><URI>http://acs.amazonaws.com/groups/global/AllUsers</URI></Grantee></AccessControlPolicy>',
  '/bucket?location=': '<LocationConstraint>eu</LocationConstraint>',
}

const start = async (options: Partial<ProxyOptions> = {}) => {
  const upstream = await startUpstream(t, seen => ({
    headers: { etag: '"0123"', 'x-amz-request-id': 'UP', 'x-amz-meta-a': 'b', ...echoOf(seen) },
    ...(seen.method === 'GET' && DOCUMENTS[seen.target] && { body: DOCUMENTS[seen.target] }),
    ...(seen.target.startsWith('/bucket/missing')
      ? {
          status: 404,
          body: '<Error><Code>NoSuchKey</Code><Message>no such key</Message></Error>',
        }
      : {}),
  }))
  const proxy = await startProxy(t, {
    upstream: upstream.origin,
    clients: [clientWith('v4', 'v2', 'obs')],
    ...options,
  })
  return { upstream, proxy }
}

t.test('an OBS request travels as S3, and its answer as OBS', async t => {
  const { upstream, proxy } = await start()
  const answer = await ask(proxy.origin, {
    method: 'PUT',
    target: '/bucket/key',
    headers: {
      'x-obs-meta-colour': 'blue',
      'x-obs-storage-class': 'WARM',
      'x-obs-acl': 'public-read-delivered',
    },
    body: 'hello',
  })
  t.match(answer, {
    status: 200,
    headers: {
      'x-obs-request-id': 'UP',
      'x-obs-meta-a': 'b',
      'x-obs-server-side-encryption-customer-algorithm': 'AES256',
    },
  })
  t.notOk(Object.keys(answer.headers).some(name => name.startsWith('x-amz-')))
  const [seen] = upstream.seen
  t.match(seen?.headers, {
    'x-amz-meta-colour': 'blue',
    'x-amz-storage-class': 'STANDARD_IA',
    'x-amz-acl': 'public-read',
    'x-amz-server-side-encryption-customer-algorithm': 'AES256',
    authorization: /^AWS4-HMAC-SHA256 Credential=UP\//,
  })
  t.notOk(Object.keys(seen?.headers ?? {}).some(name => name.startsWith('x-obs-')))
  t.equal(seen?.headers['date'], undefined)
})

t.test('a SigV2 request travels as it is, and so does its answer', async t => {
  const { upstream, proxy } = await start()
  const answer = await ask(proxy.origin, {
    method: 'PUT',
    target: '/bucket/key',
    headers: { 'x-amz-meta-colour': 'blue' },
    body: 'hello',
    scheme: 'AWS',
  })
  t.match(answer, { status: 200, headers: { 'x-amz-request-id': 'UP' } })
  t.equal(upstream.seen[0]?.headers['x-amz-meta-colour'], 'blue')
})

t.test('an error is told in headers, too, and in the words of OBS', async t => {
  const { proxy } = await start()
  t.match(await ask(proxy.origin, { target: '/bucket/missing' }), {
    status: 404,
    headers: {
      'x-obs-error-code': 'NoSuchKey',
      'x-obs-error-message': 'no such key',
      'x-obs-request-id': 'UP',
    },
    text: /NoSuchKey/,
  })
  const wrong = await ask(proxy.origin, { target: '/bucket/key', secretAccessKey: 'wrong' })
  t.match(wrong, {
    status: 403,
    headers: { 'x-obs-error-code': 'SignatureDoesNotMatch', 'x-obs-request-id': /^\w{16}$/ },
  })
})

t.test('a copy source with an encoded slash is asked about and written as one place', async t => {
  const { upstream, proxy } = await start({
    rules: [
      rule({ kind: 'deny' }, { prefixes: ['secret'] }, 'secret'),
      rule({ kind: 'passthrough' }),
    ],
  })
  const copy = (source: string) =>
    ask(proxy.origin, {
      method: 'PUT',
      target: '/bucket/copy',
      headers: { 'x-obs-copy-source': source },
    })
  t.equal((await copy('bucket%2Fsecret')).status, 403)
  t.equal(upstream.seen.length, 0)
  t.equal((await copy('bucket%2Fpublic')).status, 200)
  t.equal(upstream.seen[0]?.headers['x-amz-copy-source'], 'bucket/public')
})

t.test("a client's own key in the names of OBS goes the way of any other", async t => {
  const key = keyBytes('own')
  const { createHash } = await import('node:crypto')
  const headers = {
    'x-obs-server-side-encryption-customer-algorithm': 'AES256',
    'x-obs-server-side-encryption-customer-key': key.toString('base64'),
    'x-obs-server-side-encryption-customer-key-MD5': createHash('md5').update(key).digest('base64'),
  }
  const asking = { method: 'PUT', target: '/bucket/key', headers, body: 'hello' }
  const accepting = await start({ rules: [rule(encrypt({ clientKeys: 'accept' }))] })
  t.equal((await ask(accepting.proxy.origin, asking)).status, 200)
  t.equal(
    accepting.upstream.seen[0]?.headers['x-amz-server-side-encryption-customer-key'],
    key.toString('base64'),
  )
  const rejecting = await start()
  t.match(await ask(rejecting.proxy.origin, asking), { status: 400, text: /brings its own SSE-C/ })
  t.equal(rejecting.upstream.seen.length, 0)
})

t.test(
  'the methods of a provider in the names of OBS are asked of it where policy lets',
  async t => {
    const { upstream, proxy } = await start({ rules: [rule({ kind: 'passthrough' })] })
    const headers = {
      'x-obs-server-side-encryption': 'kms',
      'x-obs-server-side-encryption-kms-key-id': 'key-1',
    }
    await ask(proxy.origin, { method: 'PUT', target: '/bucket/key', headers, body: 'hello' })
    t.match(upstream.seen[0]?.headers, {
      'x-amz-server-side-encryption': 'aws:kms',
      'x-amz-server-side-encryption-aws-kms-key-id': 'key-1',
    })
    const enforcing = await start()
    await ask(enforcing.proxy.origin, {
      method: 'PUT',
      target: '/bucket/key',
      headers,
      body: 'hello',
    })
    t.equal(enforcing.upstream.seen[0]?.headers['x-amz-server-side-encryption'], undefined)
  },
)

t.test('a client signs only as its configuration allows', async t => {
  const { proxy } = await start({ clients: [clientWith('v4')] })
  const asking = { target: '/bucket/key' }
  t.match(await ask(proxy.origin, asking), { status: 400, text: /mechanism.*not supported/ })
  const one = await start({ clients: [clientWith('v2')] })
  t.equal((await ask(one.proxy.origin, { ...asking, scheme: 'AWS' })).status, 200)
  const other = { ...clientWith('obs'), name: 'other' }
  const both = await start({
    clients: [
      clientWith('v4', 'v2'),
      {
        ...other,
        proof: { ...other.proof, accessKeyId: 'OTHER' } as typeof other.proof,
      },
    ],
  })
  const sentence = /client 'app' of this proxy may not sign with obs, but with v4, v2/
  t.match(await ask(both.proxy.origin, asking), { status: 400, text: sentence })
  const wrong = await ask(both.proxy.origin, { ...asking, secretAccessKey: 'wrong' })
  t.match(wrong, { status: 403, text: /SignatureDoesNotMatch/ }, 'strangers learn nothing of it')
  const v4 = await send(one.proxy.origin, { path: '/bucket/key' })
  t.match(v4, { status: 400, text: /may not sign with v4, but with v2/ })
})

t.test('what no signature covers is not acted on', async t => {
  const { upstream, proxy } = await start()
  for (const unsigned of ['?attributes', '?legal-hold', '?x-amz-acl=public-read', '?x-id=a']) {
    for (const scheme of ['OBS', 'AWS'] as const) {
      const answer = await ask(proxy.origin, { target: '/bucket/key', unsigned, scheme })
      t.match(String(answer.status), /^40[03]$/, unsigned)
    }
  }
  const tagged = await ask(proxy.origin, { target: '/bucket/key', unsigned: '?x-obs-acl=private' })
  t.equal(tagged.status, 403)
  const mixed = await ask(proxy.origin, {
    target: '/bucket/key',
    headers: { 'x-obs-meta-a': 'b', 'x-amz-acl': 'public-read' },
  })
  t.match(mixed, { status: 400, text: /mixes x-obs- names with 'x-amz-acl'/ })
  t.equal(upstream.seen.length, 0)
  const listing = { target: '/bucket', unsigned: '?prefix=a&max-keys=1&list-type=2' }
  t.equal((await ask(proxy.origin, listing)).status, 200, 'a listing is narrowed unsigned')
})

const USER_GRANT = '<Grantee><ID>u</ID></Grantee>'
const EVERYONE_GRANT = '<Grantee><Canned>Everyone</Canned></Grantee><Delivered>false</Delivered>'

t.test('documents are read and written in the words of OBS', async t => {
  const { upstream, proxy } = await start({ rules: [rule({ kind: 'passthrough' })] })
  await ask(proxy.origin, {
    method: 'PUT',
    target: '/bucket',
    body: '<CreateBucketConfiguration><Location>eu</Location></CreateBucketConfiguration>',
  })
  t.match(String(upstream.seen[0]?.body), '<LocationConstraint>eu</LocationConstraint>')
  const acl = `<AccessControlPolicy>${USER_GRANT}${EVERYONE_GRANT}</AccessControlPolicy>`
  const { createHash } = await import('node:crypto')
  const md5 = (text: unknown) => createHash('md5').update(String(text)).digest('base64')
  const putAcl = (sum: string) =>
    ask(proxy.origin, {
      method: 'PUT',
      target: '/bucket/key?acl',
      headers: { 'content-md5': sum },
      body: acl,
    })
  t.equal((await putAcl(md5(acl))).status, 200)
  const sent = upstream.seen[1]
  t.match(String(sent?.body), /xsi:type="CanonicalUser"><ID>u<\/ID>/)
  t.match(String(sent?.body), /xsi:type="Group"><URI>http[^<]*AllUsers<\/URI><\/Grantee><\/Acc/)
  t.equal(sent?.headers['content-md5'], md5(sent?.body))
  t.match(await putAcl(md5('other')), { status: 400, text: /BadDigest/ })
  t.equal(
    (await ask(proxy.origin, { target: '/bucket/key?acl' })).text,
    acl.replace(/<Del.*d>/, ''),
  )
  const location = await ask(proxy.origin, { target: '/bucket?location' })
  t.equal(location.text, '<Location>eu</Location>')
})

t.test('a session token is refused in the words of OBS, too', async t => {
  const { proxy } = await start()
  const headers = { 'x-obs-security-token': 'token' }
  t.match(await ask(proxy.origin, { target: '/bucket/key', headers }), {
    status: 400,
    headers: { 'x-obs-error-code': 'InvalidToken' },
  })
})

t.test('a request says in one place who sends it', async t => {
  const { proxy } = await start()
  const url = `/bucket/key?AccessKeyId=${APP.accessKeyId}&Expires=9999999999&Signature=x`
  const cases = [
    { target: '/bucket/key', unsigned: url.slice(url.indexOf('?')) },
    { target: '/bucket/key', unsigned: '?X-Amz-Signature=x', scheme: 'AWS' as const },
  ]
  for (const asking of cases) {
    t.match(await ask(proxy.origin, asking), { status: 400, text: /Only one auth mechanism/ })
  }
})

const AUTHORIZATION_FAULTS: readonly (readonly [string, string, RegExp])[] = [
  ['OBS', 'no credential', /not supported/],
  ['OBS APP', 'no signature', /malformed/],
  ['OBS :x', 'no access key id', /malformed/],
  ['AWS APP:', 'an empty signature', /malformed/],
]

t.test('a malformed header is refused by name', async t => {
  const { proxy } = await start()
  for (const [authorization, name, text] of AUTHORIZATION_FAULTS) {
    const headers = { authorization, date: new Date().toUTCString() }
    t.match(await sendRaw(proxy.origin, 'GET', '/bucket/key', headers), { status: 400, text }, name)
  }
  const undated = await sendRaw(proxy.origin, 'GET', '/bucket/key', { authorization: 'OBS APP:x' })
  t.match(undated, { status: 403, text: /OBS authentication requires a valid Date or x-obs-date/ })
  const nobody = { authorization: 'AWS NOBODY:x', date: new Date().toUTCString() }
  t.match(await sendRaw(proxy.origin, 'GET', '/bucket/key', nobody), {
    status: 403,
    text: /InvalidAccessKeyId/,
  })
})

const URL_FAULTS: readonly (readonly [string, number, RegExp])[] = [
  ['AccessKeyId=APP&Expires=9999999999', 403, /each once/],
  ['AccessKeyId=APP&Signature=x', 403, /each once/],
  ['Signature=x&Expires=9999999999', 403, /each once/],
  ['AccessKeyId=APP&AWSAccessKeyId=APP&Signature=x&Expires=9999999999', 403, /each once/],
  ['AccessKeyId=APP&Signature=x&Signature=y&Expires=9999999999', 403, /each once/],
  ['AccessKeyId=APP&Signature=x&Expires=soon', 403, /seconds since epoch/],
  ['AccessKeyId=APP&Signature=x&Expires=1', 403, /has expired.*1970-01-01T00:00:01Z/],
  ['AccessKeyId=APP&Signature=x&Policy=e30=&prefix=a', 501, /whole folder/],
  ['AccessKeyId=APP&Signature=x&Expires=9999999999', 403, /SignatureDoesNotMatch/],
]

t.test('a malformed temporary URL is refused by name', async t => {
  const { proxy } = await start()
  for (const [query, status, text] of URL_FAULTS) {
    t.match(await sendRaw(proxy.origin, 'GET', `/bucket/key?${query}`, {}), { status, text }, query)
  }
})

t.test('dates are read as clients write them', async t => {
  const { proxy } = await start()
  const http = new Date().toUTCString()
  const iso = new Date().toISOString().replace(/[-:]|\.\d{3}/g, '')
  for (const date of [http, http.replace('GMT', '+0000'), iso]) {
    const byAws = { scheme: 'AWS' as const, headers: { 'x-amz-date': date } }
    t.equal((await ask(proxy.origin, { target: '/bucket/key', ...byAws })).status, 200, date)
    const byObs = { headers: { 'x-obs-date': date } }
    t.equal((await ask(proxy.origin, { target: '/bucket/key', ...byObs })).status, 200, date)
  }
  const late = { 'x-obs-date': 'Fri, 20 Nov 2020 18:28:47 GMT' }
  t.match(await ask(proxy.origin, { target: '/bucket/key', headers: late }), {
    status: 403,
    headers: { 'x-obs-error-code': 'RequestTimeTooSkewed' },
  })
})

t.test('the signature of a host that is its own domain has that in front', async t => {
  const { upstream, proxy } = await start({ domains: ['s3.test'] })
  const host = `bucket.s3.test:${new URL(proxy.origin).port}`
  for (const name of ['bucket', 'bucket.s3.test', host]) {
    const date = new Date().toUTCString()
    const text = `GET\n\n\n${date}\n/${name}/key`
    const signature = createHmac('sha1', APP.secretAccessKey).update(text).digest('base64')
    const headers = { host, date, authorization: `OBS ${APP.accessKeyId}:${signature}` }
    t.equal((await sendRaw(proxy.origin, 'GET', '/key', headers)).status, 200, name)
  }
  t.strictSame([...new Set(upstream.seen.map(({ target }) => target))], ['/bucket/key'])
})

t.test('negotiation is answered unsigned, as the clients are configured', async t => {
  const asked = async (...schemes: readonly Scheme[]) => {
    const { proxy, upstream } = await start({ clients: [clientWith(...schemes)] })
    const answers = ['/?apiversion', '/bucket?apiversion'].map(target =>
      sendRaw(proxy.origin, 'HEAD', target, {}),
    )
    const [{ status = 0, headers = {} } = {}, again] = await Promise.all(answers)
    t.equal(again?.status, status)
    t.equal(upstream.seen.length, 0)
    return [status, headers['x-obs-api']]
  }
  t.strictSame(await asked('obs', 'v2'), [200, '3.0'])
  t.strictSame(await asked('v4', 'v2'), [200, undefined])
  t.strictSame(await asked('v4'), [501, undefined])
})

t.test('a body without a length is read whole, up to a limit', async t => {
  const { upstream, proxy } = await start({ limits: { documentBytes: 1024 } })
  const put = (body: string, headers: Readonly<Record<string, string>> = {}) => {
    const sent = { 'transfer-encoding': 'chunked', ...headers }
    return ask(proxy.origin, {
      method: 'PUT',
      target: '/bucket/key',
      headers: sent,
      body,
      chunked: true,
    })
  }
  t.equal((await put('hello')).status, 200)
  t.match(upstream.seen[0], { headers: { 'content-length': '5' }, body: Buffer.from('hello') })
  t.match(await put('x'.repeat(1025)), { status: 411, text: /1024 bytes.*Content-Length/ })
  const sums = { 'x-obs-checksum-crc32': 'AAAAAA==' }
  t.match(await put('hello', sums), { status: 400, text: /BadDigest/ })
  t.match(await put('hello', { 'x-obs-content-sha256': '0'.repeat(64) }), {
    status: 400,
    text: /XAmzContentSHA256Mismatch/,
  })
  t.equal(upstream.seen.length, 1)
})

t.test(
  'nothing of a signature, a token or a key reaches the log, an error or the client',
  async t => {
    const key = keyBytes('own').toString('base64')
    const telling = await startUpstream(t, seen => ({
      status: 403,
      body: `<Error><Code>SignatureDoesNotMatch</Code><Message>no</Message><StringToSign>${seen.headers['authorization']}</StringToSign></Error>`,
    }))
    const proxy = await startProxy(t, {
      upstream: telling.origin,
      clients: [clientWith('v4', 'v2', 'obs')],
      rules: [rule(encrypt({ clientKeys: 'accept' }))],
    })
    const signature = 'c2lnbmF0dXJlLW9mLXRoZS10ZXN0'
    const told: string[] = []
    for (const [id, header] of [
      ['AccessKeyId', 'OBS'],
      ['AWSAccessKeyId', 'AWS'],
    ] as const) {
      const query = `${id}=${APP.accessKeyId}&Expires=9999999999&Signature=${signature}`
      const urls = [
        query,
        `${query}&x-obs-security-token=${signature}`,
        `${query}&Policy=${signature}`,
      ]
      for (const url of urls) {
        const { text, headers } = await sendRaw(proxy.origin, 'GET', `/bucket/key?${url}`, {})
        told.push(text + JSON.stringify(headers))
      }
      const signed = { authorization: `${header} ${APP.accessKeyId}:${signature}` }
      const dated = { ...signed, date: new Date().toUTCString(), 'x-obs-security-token': signature }
      const answer = await sendRaw(proxy.origin, 'GET', '/bucket/key', dated)
      told.push(answer.text + JSON.stringify(answer.headers))
    }
    const { createHash } = await import('node:crypto')
    const headers = {
      'x-obs-server-side-encryption-customer-algorithm': 'AES256',
      'x-obs-server-side-encryption-customer-key': key,
      'x-obs-server-side-encryption-customer-key-md5': createHash('md5')
        .update(Buffer.from(key, 'base64'))
        .digest('base64'),
    }
    const own = await ask(proxy.origin, {
      method: 'PUT',
      target: '/bucket/key',
      headers,
      body: 'x',
    })
    t.equal(own.status, 403)
    told.push(own.text + JSON.stringify(own.headers), proxy.logText())
    for (const secret of [signature, key, APP.secretAccessKey, 'AWS4-HMAC-SHA256 Credential']) {
      t.notOk(
        told.some(text => text.includes(secret)),
        secret,
      )
    }
  },
)

t.test('a listing says storage classes in the words of who asked', async t => {
  const listed = (storageClass: string): string =>
    `<ListBucketResult><Contents><Key>a</Key><StorageClass>${storageClass}</StorageClass></Contents></ListBucketResult>`
  const classes = ['STANDARD', 'STANDARD_IA', 'GLACIER']
  const upstream = await startUpstream(t, ({ target }) => ({
    body: listed(classes[Number(/prefix=(\d)/.exec(target)?.[1])] ?? ''),
  }))
  const proxy = await startProxy(t, {
    upstream: upstream.origin,
    clients: [clientWith('v4', 'v2', 'obs')],
  })
  for (const [at, own] of ['STANDARD', 'WARM', 'COLD'].entries()) {
    const target = `/bucket?prefix=${at}`
    t.equal((await ask(proxy.origin, { target })).text, listed(own))
    const byAws = { target, scheme: 'AWS' as const }
    t.equal((await ask(proxy.origin, byAws)).text, listed(classes[at] ?? ''))
  }
})

t.test(
  'a body in chunks may come in OBS’s words: its framing has no others than AWS’s',
  async t => {
    const { upstream, proxy } = await start()
    const answer = await send(proxy.origin, {
      method: 'PUT',
      path: '/bucket/key',
      headers: {
        'x-obs-meta-a': 'b',
        'content-encoding': 'aws-chunked',
        'x-amz-decoded-content-length': '5',
        'x-amz-trailer': 'x-amz-checksum-crc32c',
      },
      payloadHash: 'STREAMING-UNSIGNED-PAYLOAD-TRAILER',
      wireBody: '5\r\nhello\r\n0\r\nx-amz-checksum-crc32c:mnG7TA==\r\n\r\n',
    })
    t.equal(answer.status, 200, answer.text)
    t.match(answer.headers, { 'x-obs-meta-a': 'b' })
    t.match(upstream.seen[0], { body: Buffer.from('hello'), headers: { 'x-amz-meta-a': 'b' } })
  },
)
