import t from 'tap'
import type { RuleEffect } from '../../lib/policy/rule.ts'
import { send } from '../support/client.ts'
import { encrypt, keyring, rule, startProxy } from '../support/proxy.ts'
import { type Answering, startUpstream } from '../support/upstream.ts'

type ByProvider = Extract<RuleEffect, { kind: 'provider' }>

const SSE = 'x-amz-server-side-encryption'
const KEY_ID = `${SSE}-aws-kms-key-id`

const byProvider = (effect: Partial<ByProvider> = {}): ByProvider => ({
  kind: 'provider',
  method: { sse: 'kms', keyId: 'key-1' },
  plaintextReads: 'deny',
  conflicts: 'remove',
  onUnconfirmed: 'delete',
  ...effect,
})

const obeying: Answering = ({ method, headers }) => ({
  headers: {
    etag: '"e"',
    ...(headers[SSE] === undefined ? {} : { [SSE]: headers[SSE] }),
    ...(headers[KEY_ID] === undefined
      ? {}
      : { [KEY_ID]: `arn:aws:kms:r:1:key/${headers[KEY_ID]}` }),
  },
  body: method === 'POST' ? '<R><UploadId>ID</UploadId></R>' : '',
})

const started = async (
  test: Parameters<typeof startProxy>[0],
  effect: RuleEffect,
  answering: Answering = obeying,
) => {
  const upstream = await startUpstream(test, answering)
  const proxy = await startProxy(test, {
    upstream: upstream.origin,
    rules: [rule(encrypt(), { buckets: ['keyed'] }, 'keyed'), rule(effect)],
    keyrings: [keyring('main', 'v1')],
  })
  return { upstream, proxy }
}

for (const [name, effect, expected] of [
  ['SSE-KMS with a key', byProvider(), { [SSE]: 'aws:kms', [KEY_ID]: 'key-1' }],
  ['SSE-KMS', byProvider({ method: { sse: 'kms' } }), { [SSE]: 'aws:kms', [KEY_ID]: undefined }],
  ['SSE-S3', byProvider({ method: { sse: 's3' } }), { [SSE]: 'AES256', [KEY_ID]: undefined }],
] as const) {
  t.test(`${name} is demanded of every write, whatever the client asked for`, async t => {
    const { upstream, proxy } = await started(t, effect)
    for (const [method, query] of [
      ['PUT', {}],
      ['POST', { uploads: '' }],
    ] as const) {
      const answer = await send(proxy.origin, {
        method,
        path: '/bbb/k',
        query,
        headers: { [SSE]: 'AES256' },
      })
      t.equal(answer.status, 200, answer.text)
      const { headers } = upstream.seen.at(-1) ?? {}
      t.equal(headers?.[SSE], expected[SSE])
      t.equal(headers?.[KEY_ID], expected[KEY_ID])
    }
  })
}

t.test('an answer without the method is no success, and what it stored is removed', async t => {
  const { upstream, proxy } = await started(t, byProvider(), ({ method }) => ({
    status: method === 'DELETE' ? 204 : 200,
    headers: { etag: '"e"' },
  }))
  const answer = await send(proxy.origin, { method: 'PUT', path: '/bbb/k', body: 'x' })
  t.equal(answer.status, 502)
  t.match(answer.text, 'UnconfirmedEncryption')
  t.strictSame(
    upstream.seen.map(({ method }) => method),
    ['PUT', 'HEAD', 'DELETE'],
  )
})

t.test('an answer with another key is no success', async t => {
  const effect = byProvider({ onUnconfirmed: 'keep' })
  const { upstream, proxy } = await started(t, effect, () => ({
    headers: { etag: '"e"', [SSE]: 'aws:kms', [KEY_ID]: 'arn:aws:kms:r:1:key/other-key-1' },
  }))
  const answer = await send(proxy.origin, { method: 'PUT', path: '/bbb/k', body: 'x' })
  t.equal(answer.status, 502)
  t.equal(upstream.seen.length, 1, 'kept, as the rule says')
})

t.test('a part that is stored in plaintext takes its upload with it', async t => {
  const { upstream, proxy } = await started(t, byProvider(), ({ method }) => ({
    status: method === 'DELETE' ? 204 : 200,
    headers: { etag: '"e"' },
  }))
  const query = { partNumber: '1', uploadId: 'ID' }
  const answer = await send(proxy.origin, { method: 'PUT', path: '/bbb/k', query, body: 'x' })
  t.equal(answer.status, 502)
  t.equal(upstream.seen.at(-1)?.method, 'DELETE')
  t.match(upstream.seen.at(-1)?.target, 'uploadId=ID')
})

t.test('only one method per object', async t => {
  const { upstream, proxy } = await started(t, byProvider())
  const answer = await send(proxy.origin, {
    method: 'PUT',
    path: '/bbb/k',
    body: 'x',
    headers: { [`${SSE}-customer-algorithm`]: 'AES256' },
  })
  t.equal(answer.status, 400)
  t.match(answer.text, 'incompatible with the encryption method specified')
  t.strictSame(upstream.seen, [])
})

t.test('a client’s other method is refused where the rule says so', async t => {
  const { proxy } = await started(t, byProvider({ conflicts: 'reject' }))
  const headers = { [SSE]: 'AES256' }
  const answer = await send(proxy.origin, { method: 'PUT', path: '/bbb/k', body: 'x', headers })
  t.equal(answer.status, 400)
  t.match(answer.text, 'refuses x-amz-server-side-encryption')
})

t.test('a plaintext object is read only where the rule allows it', async t => {
  for (const [plaintextReads, stored, status] of [
    ['deny', {}, 403],
    ['allow', {}, 200],
    ['deny', { [SSE]: 'aws:kms' }, 200],
  ] as const) {
    const { upstream, proxy } = await started(t, byProvider({ plaintextReads }), () => ({
      headers: { etag: '"e"', ...stored },
      body: 'bytes',
    }))
    const answer = await send(proxy.origin, { method: 'GET', path: '/bbb/k' })
    t.equal(answer.status, status)
    t.notOk(upstream.seen[0]?.headers[SSE], 'a read demands nothing')
  }
})
