import { createHash } from 'node:crypto'
import t from 'tap'
import type { Client } from '../../lib/authenticate/client.ts'
import { deriveKey } from '../../lib/keys/derive.ts'
import type { RuleEffect } from '../../lib/policy/rule.ts'
import { type Received, sendRaw } from '../support/client.ts'
import {
  APP_CLIENT,
  derivingKeyring,
  encrypt,
  keyBytes,
  rule,
  startProxy,
} from '../support/proxy.ts'
import { echoOf, startUpstream, type Upstream } from '../support/upstream.ts'
import { contentType, type FieldList, formBody, type SentForm, signedFields } from './browser.ts'

const KEY = 'x-amz-server-side-encryption-customer-key'
const MD5 = 'x-amz-server-side-encryption-customer-key-md5'
const BUCKET = { bucket: 'b' }

const post = (
  origin: string,
  form: SentForm,
  headers: Readonly<Record<string, string>> = {},
  path = '/b',
): Promise<Received> => {
  const body = formBody(form)
  const { host } = new URL(origin)
  const all = { host, 'content-type': contentType(form.boundary), ...headers }
  const length = 'transfer-encoding' in headers ? {} : { 'content-length': String(body.length) }
  return sendRaw(origin, 'POST', path, { ...all, ...length }, body)
}

/** Fields with a policy that allows just them. */
const allowed = (fields: FieldList, conditions: readonly unknown[] = []): FieldList =>
  signedFields({
    fields,
    conditions: [BUCKET, ...fields.map(([name, value]) => ({ [name]: value })), ...conditions],
  })

const putOf = ({ seen }: Upstream) => seen.at(-1)

t.test('a form is stored as a PutObject, encrypted, and answered as a form', async t => {
  const upstream = await startUpstream(t, seen => ({
    headers: { etag: '"e1"', 'x-amz-version-id': 'v', ...echoOf(seen) },
  }))
  const proxy = await startProxy(t, { upstream: upstream.origin })
  const fields = allowed([
    ['key', 'user/ä b.txt'],
    ['Content-Type', 'text/plain'],
    ['acl', 'private'],
    ['x-amz-meta-colour', 'blü'],
    ['x-amz-storage-class', 'STANDARD'],
    ['tagging', '<Tagging><TagSet><Tag><Key>a b</Key><Value>1</Value></Tag></TagSet></Tagging>'],
    ['x-ignore-this', 'x'],
    ['custom', 'x'],
  ])
  const answer = await post(
    proxy.origin,
    { fields, file: 'hello' },
    { origin: 'https://page.example' },
  )
  t.equal(answer.status, 204, answer.text)
  t.match(answer.headers, {
    etag: '"e1"',
    'x-amz-version-id': 'v',
    location: `${proxy.origin}/b/user/%C3%A4%20b.txt`,
    [MD5]: createHash('md5').update(keyBytes('main/v1')).digest('base64'),
  })
  const put = putOf(upstream)
  t.match(put, {
    method: 'PUT',
    target: '/b/user/%C3%A4%20b.txt',
    body: Buffer.from('hello'),
    headers: {
      [KEY]: keyBytes('main/v1').toString('base64'),
      'content-length': '5',
      'content-type': 'text/plain',
      origin: 'https://page.example',
      'x-amz-acl': 'private',
      'x-amz-meta-colour': Buffer.from('blü').toString('latin1'),
      'x-amz-storage-class': 'STANDARD',
      'x-amz-tagging': 'a%20b=1',
    },
  })
  const sent = Object.keys(put?.headers ?? {})
  for (const name of ['policy', 'x-amz-signature', 'x-amz-credential', 'custom', 'x-ignore-this']) {
    t.notOk(sent.includes(name), name)
  }
  t.match(proxy.lines.at(-1), {
    operation: 'PostObject',
    client: 'app',
    bucket: 'b',
    rule: 'test',
    keyVersion: 'main/v1',
    attempts: 1,
    status: 204,
  })
})

t.test('a form’s object has a key of its own where the keyring says so', async t => {
  const upstream = await startUpstream(t)
  const proxy = await startProxy(t, {
    upstream: upstream.origin,
    keyrings: [derivingKeyring('object', 'main', 'v1')],
  })
  t.equal((await post(proxy.origin, { fields: allowed([['key', 'k']]), file: 'x' })).status, 204)
  const key = deriveKey(keyBytes('main/v1'), 'object', { bucket: 'b', objectKey: 'k' })
  t.equal(putOf(upstream)?.headers[KEY], key.toString('base64'))
})

t.test('files of any size arrive byte for byte', async t => {
  const upstream = await startUpstream(t)
  const proxy = await startProxy(t, { upstream: upstream.origin })
  for (const size of [0, 1, 65_000, 1_000_000]) {
    const file = Buffer.alloc(size, 'ab\r\n--')
    const fields = allowed([['key', 'k']])
    t.equal((await post(proxy.origin, { fields, file })).status, 204)
    t.equal(putOf(upstream)?.headers['content-length'], String(size))
    t.ok(putOf(upstream)?.body.equals(file), `${size} bytes`)
  }
})

t.test('a large file with a field behind it leaves no object', async t => {
  const upstream = await startUpstream(t)
  const proxy = await startProxy(t, { upstream: upstream.origin })
  const behind = '\r\nContent-Disposition: form-data; name="submit"\r\n\r\nGo\r\n--x--\r\n'
  const file = Buffer.alloc(1_000_000, 'a')
  const answer = await post(proxy.origin, { fields: allowed([['key', 'k']]), file, behind })
  t.match(answer, { status: 400, text: /MalformedPOSTRequest.*must be the last one/s })
  t.equal(upstream.seen.length, 0, 'no whole request')
})

t.test('success is told as the form asks', async t => {
  const upstream = await startUpstream(t, seen => ({ headers: { etag: '"e&1"', ...echoOf(seen) } }))
  const proxy = await startProxy(t, { upstream: upstream.origin })
  const ask = (...fields: FieldList): Promise<Received> =>
    post(proxy.origin, { fields: allowed([['key', 'a&b/c'], ...fields]), file: 'x' }, {}, '/b/')
  t.match(await ask(['success_action_status', '200']), { status: 200, text: '' })
  t.match(await ask(['success_action_status', '204']), { status: 204, text: '' })
  t.match(await ask(['success_action_status', '418']), { status: 204, text: '' })
  const created = await ask(['success_action_status', '201'])
  t.match(created, { status: 201, headers: { 'content-type': 'application/xml' } })
  t.equal(
    created.text,
    `<?xml version="1.0" encoding="UTF-8"?>\n<PostResponse><Location>${proxy.origin}/b/a%26b/c</Location><Bucket>b</Bucket><Key>a&amp;b/c</Key><ETag>&quot;e&amp;1&quot;</ETag></PostResponse>`,
  )
  const added = 'bucket=b&key=a%26b%2Fc&etag=%22e%261%22'
  const redirects: readonly (readonly [string, string, number, string?])[] = [
    [
      'success_action_redirect',
      'https://page.example/done',
      303,
      `https://page.example/done?${added}`,
    ],
    ['redirect', 'http://page.example/?a=1#top', 303, `http://page.example/?a=1&${added}#top`],
    ['success_action_redirect', 'no url', 204],
    ['success_action_redirect', 'javascript:alert(1)', 204],
  ]
  for (const [name, url, status, location] of redirects) {
    const answer = await ask([name, url])
    t.equal(answer.status, status, url)
    if (location !== undefined) t.equal(answer.headers.location, location)
  }
})

t.test('a form may be sent to the bucket’s own host', async t => {
  const upstream = await startUpstream(t)
  const domains = ['s3.localhost']
  const proxy = await startProxy(t, { upstream: upstream.origin, domains })
  const form = { fields: allowed([['key', 'k']]), file: 'x' }
  const answer = await post(proxy.origin, form, { host: 'b.s3.localhost' }, '/')
  t.match(answer, { status: 204, headers: { location: 'http://b.s3.localhost/k' } })
  t.equal(putOf(upstream)?.target, '/b/k')
})

t.test('who signs what is checked', async t => {
  const upstream = await startUpstream(t)
  const proxy = await startProxy(t, { upstream: upstream.origin })
  const key: FieldList = [['key', 'k']]
  const good = allowed(key)
  const without = (name: string): FieldList => good.filter(([each]) => each.toLowerCase() !== name)
  const changed = (name: string, value: string): FieldList =>
    good.map(([each, old]) => [each, each.toLowerCase() === name ? value : old])
  const stranger = { accessKeyId: 'NOBODY', secretAccessKey: 'nobody' }
  const liar = { accessKeyId: 'APP', secretAccessKey: 'wrong' }
  const conditions = [BUCKET, { key: 'k' }]
  const policyOf = (fields: FieldList): string =>
    fields.find(([name]) => name === 'Policy')?.[1] ?? ''
  const cases: readonly (readonly [string, FieldList, number, RegExp])[] = [
    [
      'another policy',
      changed('policy', policyOf(allowed([['key', 'l']]))),
      403,
      /SignatureDoesNotMatch/,
    ],
    [
      'a changed signature',
      changed('x-amz-signature', 'a'.repeat(64)),
      403,
      /SignatureDoesNotMatch/,
    ],
    ['a short signature', changed('x-amz-signature', 'a'), 403, /SignatureDoesNotMatch/],
    [
      'a wrong secret',
      signedFields({ fields: key, conditions, credentials: liar }),
      403,
      /SignatureDoesNotMatch/,
    ],
    [
      'a stranger',
      signedFields({ fields: key, conditions, credentials: stranger }),
      403,
      /InvalidAccessKeyId/,
    ],
    ['no signature', without('x-amz-signature'), 400, /field named 'x-amz-signature'/],
    ['no date', without('x-amz-date'), 400, /field named 'x-amz-date'/],
    ['no credential', without('x-amz-credential'), 400, /field named 'x-amz-credential'/],
    ['no policy', without('policy'), 400, /field named 'policy'/],
    ['no key', without('key'), 403, /Policy Condition failed/],
    [
      'another key',
      changed('key', 'l'),
      403,
      /Policy Condition failed: \[&quot;eq&quot;, &quot;\$key&quot;/,
    ],
    ['an extra field', [...good, ['acl', 'public-read']], 403, /Extra input fields: acl/],
    [
      'another algorithm',
      changed('x-amz-algorithm', 'AWS4-ECDSA-P256-SHA256'),
      400,
      /only supports/,
    ],
    ['a malformed date', changed('x-amz-date', 'today'), 400, /X-Amz-Date/],
    ['a malformed credential', changed('x-amz-credential', 'APP'), 400, /Credential is mal-formed/],
    [
      'a date of another day',
      changed('x-amz-date', '20200101T000000Z'),
      400,
      /Invalid credential date/,
    ],
    [
      'an expired policy',
      signedFields({ fields: key, conditions, expiration: '2020-01-01T00:00:00Z' }),
      403,
      /Invalid according to Policy: Policy expired\./,
    ],
    ['a session token', allowed([...key, ['x-amz-security-token', 't']]), 400, /InvalidToken/],
    [
      'a SigV2 form',
      [...key, ['AWSAccessKeyId', 'APP'], ['policy', 'p'], ['signature', 's']],
      400,
      /not supported/,
    ],
    ['nothing at all', key, 403, /<Message>Access Denied/],
    [
      'too large',
      allowed(key, [['content-length-range', 0, 1]]),
      400,
      /EntityTooLarge.*<ProposedSize>4<\/ProposedSize><MaxSizeAllowed>1</s,
    ],
    [
      'too small',
      allowed(key, [['content-length-range', 5, 9]]),
      400,
      /EntityTooSmall.*<MinSizeAllowed>5</s,
    ],
    ['an empty key', allowed([['key', '']]), 400, /User key must have a length/],
    ['a copy', allowed([...key, ['x-amz-copy-source', 'b/other']]), 501, /x-amz-copy-source/],
    [
      'a header in a field',
      allowed([...key, ['x-amz-meta-a', 'b\r\nx-amz-acl: public-read']]),
      400,
      /not valid as a header/,
    ],
    ['tags that are none', allowed([...key, ['tagging', 'a=b']]), 400, /MalformedXML/],
    ['a wrong checksum', allowed([...key, ['x-amz-checksum-crc32', 'AAAAAA==']]), 400, /BadDigest/],
  ]
  for (const [name, fields, status, text] of cases) {
    const answer = await post(proxy.origin, { fields, file: 'file' })
    t.match(answer, { status, text }, `${name}: ${answer.status} ${answer.text}`)
  }
  t.equal(upstream.seen.length, 0, 'nothing went upstream')
  t.equal((await post(proxy.origin, { fields: good, file: 'file' })).status, 204)
})

t.test('a form has one way to say who sends it, and a length', async t => {
  const upstream = await startUpstream(t)
  const proxy = await startProxy(t, { upstream: upstream.origin })
  const form = { fields: allowed([['key', 'k']]), file: 'file' }
  const several = /Only one auth mechanism allowed/
  t.match(await post(proxy.origin, form, { authorization: 'AWS4-HMAC-SHA256 x' }), {
    status: 400,
    text: several,
  })
  t.match(await post(proxy.origin, form, {}, '/b?X-Amz-Signature=a'), {
    status: 400,
    text: several,
  })
  t.match(await post(proxy.origin, form, { 'transfer-encoding': 'chunked' }), { status: 411 })
  t.match(await post(proxy.origin, { fields: form.fields }), {
    status: 400,
    text: /IncorrectNumberOfFilesInPostRequest/,
  })
  t.match(await sendRaw(proxy.origin, 'POST', '/b', { host: 'h', 'content-length': '0' }), {
    status: 405,
  })
  t.equal(upstream.seen.length, 0)
})

t.test('a checksum among the fields is checked here and told to the provider', async t => {
  const upstream = await startUpstream(t)
  const proxy = await startProxy(t, { upstream: upstream.origin })
  const sum = createHash('sha256').update('file').digest('base64')
  const fields = allowed([
    ['key', 'k'],
    ['x-amz-checksum-sha256', sum],
  ])
  t.equal((await post(proxy.origin, { fields, file: 'file' })).status, 204)
  t.equal(putOf(upstream)?.headers['x-amz-checksum-sha256'], sum)
})

t.test('the policy’s rules are asked about PutObject at the form’s own key', async t => {
  const upstream = await startUpstream(t)
  const deny: RuleEffect = { kind: 'deny' }
  const rules = [
    rule(deny, { prefixes: ['closed/'], operations: ['PutObject'] }, 'closed'),
    rule(encrypt()),
  ]
  const proxy = await startProxy(t, { upstream: upstream.origin, rules })
  const at = (key: string): Promise<Received> => {
    const fields = signedFields({
      fields: [['key', key]],
      conditions: [BUCKET, ['starts-with', '$key', '']],
    })
    return post(proxy.origin, { fields, file: 'x', filename: 'closed/f' })
  }
  t.match(await at('closed/\u0024{filename}'), { status: 403, text: /Rule 'closed' denies/ })
  t.equal((await at('open/\u0024{filename}')).status, 204)
  t.equal(putOf(upstream)?.target, '/b/open/f')
})

t.test('a form’s own encryption follows the rule', async t => {
  const upstream = await startUpstream(t)
  const own = keyBytes('own')
  const fields = allowed([
    ['key', 'k'],
    ['x-amz-server-side-encryption-customer-algorithm', 'AES256'],
    ['x-amz-server-side-encryption-customer-key', own.toString('base64')],
    [
      'x-amz-server-side-encryption-customer-key-MD5',
      createHash('md5').update(own).digest('base64'),
    ],
  ])
  const reject = await startProxy(t, { upstream: upstream.origin })
  t.match(await post(reject.origin, { fields, file: 'x' }), {
    status: 400,
    text: /brings its own SSE-C key/,
  })
  t.equal(upstream.seen.length, 0)
  const rules = [rule(encrypt({ clientKeys: 'accept', conflicts: 'reject' }))]
  const accept = await startProxy(t, { upstream: upstream.origin, rules })
  t.equal((await post(accept.origin, { fields, file: 'x' })).status, 204)
  t.equal(putOf(upstream)?.headers[KEY], own.toString('base64'))
  const kms = allowed([
    ['key', 'k'],
    ['x-amz-server-side-encryption', 'aws:kms'],
  ])
  t.match(await post(accept.origin, { fields: kms, file: 'x' }), { status: 400, text: /refuses/ })
  t.equal((await post(reject.origin, { fields: kms, file: 'x' })).status, 204)
  t.notOk(putOf(upstream)?.headers['x-amz-server-side-encryption'], 'removed')
})

t.test('an unconfirmed form is taken back', async t => {
  const upstream = await startUpstream(t, seen => ({
    status: seen.method === 'DELETE' ? 204 : 200,
    headers: { 'x-amz-version-id': 'v1' },
  }))
  const proxy = await startProxy(t, { upstream: upstream.origin })
  const answer = await post(proxy.origin, { fields: allowed([['key', 'k']]), file: 'x' })
  t.equal(answer.status, 502)
  t.equal(putOf(upstream)?.method, 'DELETE')
})

t.test('an unsigned form is nobody’s, however trusted the way that it came', async t => {
  const upstream = await startUpstream(t)
  const sidecar: Client = { ...APP_CLIENT, name: 'sidecar', proof: { kind: 'loopback' } }
  const anonymous: Client = {
    ...APP_CLIENT,
    name: 'anonymous',
    proof: { kind: 'anonymous' },
    upstreamCredentials: { kind: 'none' },
  }
  const fields: FieldList = [['key', 'k']]
  const trusting = await startProxy(t, { upstream: upstream.origin, clients: [sidecar] })
  t.equal((await post(trusting.origin, { fields, file: 'x' })).status, 403)
  t.equal(upstream.seen.length, 0)
  const put = { host: 'h', 'content-length': '1' }
  t.equal((await sendRaw(trusting.origin, 'PUT', '/b/k', put, 'x')).status, 200)
  const clients = [sidecar, anonymous]
  const open = await startProxy(t, { upstream: upstream.origin, clients })
  t.equal((await post(open.origin, { fields, file: 'x' })).status, 204)
  t.notOk(putOf(upstream)?.headers['authorization'])
  t.match(open.lines.at(-1), { client: 'anonymous', operation: 'PostObject' })
  t.match(await post(open.origin, { fields: [], file: 'x' }), {
    status: 400,
    text: /field named 'key'/,
  })
})

t.test('a form that waits to be asked for its body is asked', async t => {
  const upstream = await startUpstream(t)
  const proxy = await startProxy(t, { upstream: upstream.origin })
  const form = { fields: allowed([['key', 'k']]), file: 'x' }
  t.equal((await post(proxy.origin, form, { expect: '100-continue' })).status, 204)
})
