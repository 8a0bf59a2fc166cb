import { createHash } from 'node:crypto'
import fc from 'fast-check'
import t from 'tap'
import { type Sending, send, sendRaw, signer } from '../support/client.ts'
import { googTarget, sendGoog } from '../support/goog-client.ts'
import {
  APP,
  APP_CLIENT,
  encrypt,
  keyBytes,
  keyring,
  rule,
  startProxy,
  UPSTREAM,
} from '../support/proxy.ts'
import { echoOf, type Seen, startUpstream } from '../support/upstream.ts'

/*
 * No key, secret, signature or presigned query reaches a log, an error, or the client: in front of a provider that
 * tells all that it was told, in headers and error documents, as AWS's SignatureDoesNotMatch does.
 */

const forms = (bytes: Buffer): readonly string[] => [
  bytes.toString('base64'),
  bytes.toString('base64url'),
  bytes.toString('hex'),
  encodeURIComponent(bytes.toString('base64')),
]
const KEYS = ['main/v2', 'main/v1'].flatMap(name => forms(keyBytes(name)))
const SECRETS = [APP.secretAccessKey, UPSTREAM.secretAccessKey]

const tellAll = (seen: Seen): string =>
  `<?xml version="1.0"?><Error><Code>SignatureDoesNotMatch</Code><Message>no</Message><StringToSign>${seen.headers['authorization']}</StringToSign><CanonicalRequest>${JSON.stringify(seen.headers)}</CanonicalRequest><SignatureProvided>${signatureIn(seen)}</SignatureProvided><Also>${seen.headers['x-amz-server-side-encryption-customer-key']}</Also></Error>`

const signatureIn = (seen: Seen): string =>
  /Signature=(\w+)/.exec(seen.headers['authorization'] ?? '')?.[1] ?? 'none'

const OPERATIONS: readonly Sending[] = [
  { path: '/bucket/key' },
  { method: 'HEAD', path: '/bucket/key' },
  { method: 'PUT', path: '/bucket/key', body: 'hello' },
  { method: 'PUT', path: '/bucket/key', headers: { 'x-amz-copy-source': 'bucket/other' } },
  { method: 'POST', path: '/bucket/key', query: { uploads: '' } },
  { path: '/bucket/key', query: { attributes: '' } },
  { path: '/bucket', query: { 'list-type': '2' } },
  { method: 'DELETE', path: '/bucket/key' },
  { path: '/bucket/key', query: { unknown: 'thing' } },
  { path: '/bucket/key', credentials: { ...APP, secretAccessKey: 'wrong' } },
]

const presignedTarget = async (path: string): Promise<string> => {
  const signed = await signer().presign(
    {
      method: 'GET',
      protocol: 'http:',
      hostname: 'h',
      path,
      query: {},
      headers: { host: 'h', 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD' },
    },
    { expiresIn: 60 },
  )
  const query = Object.entries(signed.query ?? {}).map(
    ([name, value]) => `${name}=${encodeURIComponent(String(value))}`,
  )
  return `${path}?${query.join('&')}`
}

t.test('a provider that tells all tells the client nothing', async t => {
  const statuses = [200, 206, 304, 307, 400, 403, 404, 500, 503]
  const state = { status: 200, echo: true, signatures: [] as string[] }
  const upstream = await startUpstream(t, seen => {
    state.signatures.push(signatureIn(seen))
    const isError = state.status >= 400
    return {
      status: state.status,
      headers: {
        etag: '"0123"',
        'x-amz-told': JSON.stringify(seen.headers),
        'x-amz-server-side-encryption-customer-key':
          seen.headers['x-amz-server-side-encryption-customer-key'] ?? '',
        location: `http://elsewhere.example/?key=${encodeURIComponent(seen.headers['x-amz-server-side-encryption-customer-key'] ?? '')}`,
        ...(state.echo ? echoOf(seen) : {}),
      },
      ...(state.status === 304 ? {} : { body: isError ? tellAll(seen) : 'data' }),
    }
  })
  const proxy = await startProxy(t, {
    upstream: upstream.origin,
    keyrings: [keyring('main', 'v2', 'v1')],
    rules: [rule(encrypt({ plaintextReads: 'allow' }))],
  })
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...OPERATIONS),
      fc.constantFrom(...statuses),
      fc.boolean(),
      async (operation, status, echo) => {
        Object.assign(state, { status, echo, signatures: [] })
        const answer = await send(proxy.origin, operation)
        const told = JSON.stringify(answer.headers) + answer.text
        for (const secret of [...KEYS, ...SECRETS]) if (told.includes(secret)) return false
        return !state.signatures.some(
          signature => signature !== 'none' && answer.text.includes(signature),
        )
      },
    ),
    { numRuns: 300 },
  )
  const target = await presignedTarget('/bucket/key')
  Object.assign(state, { status: 200, echo: true })
  const answer = await sendRaw(proxy.origin, 'GET', target, { host: 'h' })
  t.equal(answer.status, 200)
  await sendRaw(proxy.origin, 'GET', `${target}x`, { host: 'h' })
  const log = proxy.logText()
  for (const secret of [...KEYS, ...SECRETS]) t.notMatch(log, secret)
  t.notMatch(log, /X-Amz-Signature|[0-9a-f]{64}/)
  t.match(log, '"operation":"GetObject"')
})

t.test('apps of Cloud Storage and forms are told nothing either', async t => {
  const upstream = await startUpstream(t, seen => ({
    status: 403,
    headers: { 'x-amz-told': JSON.stringify(seen.headers) },
    body: tellAll(seen),
  }))
  const proof = { ...APP_CLIENT.proof, schemes: ['v4', 'goog4', 'obs', 'v2'] }
  const proxy = await startProxy(t, {
    upstream: upstream.origin,
    clients: [{ ...APP_CLIENT, proof: proof as typeof APP_CLIENT.proof }],
    rules: [rule(encrypt({ clientKeys: 'accept' }))],
  })
  const own = keyBytes('own')
  const sha256 = createHash('sha256').update(own).digest('base64')
  const triple = {
    'x-goog-encryption-algorithm': 'AES256',
    'x-goog-encryption-key': own.toString('base64'),
    'x-goog-encryption-key-sha256': sha256,
  }
  const put = { method: 'PUT', path: '/bucket/key' }
  const url = googTarget(proxy.origin, put)
  const secrets = [...KEYS, ...SECRETS, ...forms(own)]
  const signature = /X-Goog-Signature=(\w+)/.exec(url)?.[1] ?? ''
  const token = `${APP.accessKeyId}:c2lnbmF0dXJlLW9mLWEtZm9ybQ==:e30=`
  const form = (fields: Readonly<Record<string, string>>) => {
    const parts = Object.entries({ key: 'k', ...fields, file: 'x' }).map(
      ([name, value]) =>
        `--b\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`,
    )
    const body = `${parts.join('')}--b--\r\n`
    const type = 'multipart/form-data; boundary=b'
    const headers = { 'content-type': type, 'content-length': String(body.length) }
    return sendRaw(proxy.origin, 'POST', '/bucket', headers, body)
  }
  const signed = { 'x-goog-credential': url, 'x-goog-signature': signature, policy: 'e30=' }
  const answers = [
    await sendGoog(proxy.origin, { ...put, headers: triple, body: 'x' }),
    await sendGoog(proxy.origin, { path: '/bucket/key', headers: triple }),
    await sendRaw(proxy.origin, 'PUT', url, { 'content-length': '0' }),
    await sendRaw(proxy.origin, 'PUT', `${url}0`, { 'content-length': '0' }),
    await sendRaw(proxy.origin, 'GET', `${url}&unknown=1`, {}),
    await form({ token }),
    await form(signed),
    await form({ ...signed, 'x-goog-algorithm': 'GOOG4-HMAC-SHA256', 'x-goog-date': 'now' }),
    await form({ awsaccesskeyid: APP.accessKeyId, signature, policy: 'e30=' }),
  ]
  const told = answers.map(({ headers, text }) => JSON.stringify(headers) + text)
  for (const { status } of answers) t.ok(status >= 400)
  for (const text of [...told, proxy.logText()]) {
    for (const secret of [...secrets, signature, 'c2lnbmF0dXJlLW9mLWEtZm9ybQ']) {
      t.notOk(text.includes(secret), secret)
    }
  }
})

t.test('a provider that cannot be reached tells nothing either', async t => {
  const upstream = await startUpstream(t, () => {
    throw new Error(`no way with ${keyBytes('main/v1').toString('base64')}`)
  })
  const proxy = await startProxy(t, { upstream: upstream.origin })
  const answer = await send(proxy.origin, { path: '/bucket/key' })
  t.match(answer, { status: 502, text: /UpstreamUnavailable/ })
  for (const secret of [...forms(keyBytes('main/v1')), ...SECRETS]) {
    t.notMatch(answer.text + proxy.logText(), secret)
  }
})

t.test('a log line has the fields of the allow-list and no other', async t => {
  const { JOURNAL_FIELDS } = await import('../../lib/s3/journal.ts')
  const upstream = await startUpstream(t)
  const proxy = await startProxy(t, { upstream: upstream.origin })
  await send(proxy.origin, { method: 'PUT', path: '/bucket/key', body: 'hello' })
  await send(proxy.origin, { path: '/bucket/key', credentials: { ...APP, secretAccessKey: 'x' } })
  const allowed = ['level', 'time', 'msg', ...Object.keys(JOURNAL_FIELDS)]
  for (const line of proxy.lines) {
    t.strictSame(
      Object.keys(line).filter(name => !allowed.includes(name)),
      [],
    )
  }
  t.equal(proxy.lines.length, 2)
})
