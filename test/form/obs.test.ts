import { createHmac } from 'node:crypto'
import t from 'tap'
import { send, sendRaw } from '../support/client.ts'
import { createObsClient } from '../support/obs-client.ts'
import { APP, APP_CLIENT, startProxy } from '../support/proxy.ts'
import { startUpstream } from '../support/upstream.ts'
import { contentType, type FieldList, formBody } from './browser.ts'

/* Forms whose policy was signed as OBS and as AWS's version 2 have it. */

const start = async () => {
  const upstream = await startUpstream(t, seen => ({
    headers: { etag: '"e"', 'x-amz-request-id': 'UP', 'x-amz-version-id': 'v' },
    ...(seen.method === 'PUT' ? {} : { status: 500 }),
  }))
  const proxy = await startProxy(t, {
    upstream: upstream.origin,
    rules: [{ name: 'plain', match: {}, effect: { kind: 'passthrough' } }],
    clients: [
      {
        ...APP_CLIENT,
        proof: { ...APP_CLIENT.proof, schemes: ['v2', 'obs'] } as typeof APP_CLIENT.proof,
      },
    ],
  })
  const post = (fields: FieldList, query = '') => {
    const body = formBody({ fields, file: 'file' })
    const headers = { 'content-type': contentType(), 'content-length': String(body.length) }
    return sendRaw(proxy.origin, 'POST', `/b${query}`, headers, body)
  }
  return { upstream, proxy, post }
}

const policyOf = (fields: FieldList, expiration = '2100-01-01T00:00:00Z'): string => {
  const conditions = [{ bucket: 'b' }, ...fields.map(([name, value]) => ({ [name]: value }))]
  return Buffer.from(JSON.stringify({ expiration, conditions })).toString('base64')
}

const sign = (policy: string, secret = APP.secretAccessKey): string =>
  createHmac('sha1', secret).update(policy).digest('base64')

const signed = (idField: string, fields: FieldList, policy = policyOf(fields)): FieldList => [
  ...fields,
  ['policy', policy],
  [idField, APP.accessKeyId],
  ['signature', sign(policy)],
]

const token = (fields: FieldList, policy = policyOf(fields)): FieldList => [
  ...fields,
  ['token', `${APP.accessKeyId}:${sign(policy)}:${policy}`],
]

const OBS_FIELDS: FieldList = [
  ['key', 'k'],
  ['x-obs-meta-colour', 'blue'],
  ['x-obs-storage-class', 'WARM'],
]

t.test('a form of OBS is stored, and answered in its words', async t => {
  const { upstream, post } = await start()
  for (const fields of [signed('AccessKeyId', OBS_FIELDS), token(OBS_FIELDS)]) {
    const answer = await post(fields)
    t.match(answer, { status: 204, headers: { 'x-obs-request-id': 'UP', 'x-obs-version-id': 'v' } })
    t.match(upstream.seen.at(-1), {
      method: 'PUT',
      target: '/b/k',
      headers: { 'x-amz-meta-colour': 'blue', 'x-amz-storage-class': 'STANDARD_IA' },
      body: Buffer.from('file'),
    })
  }
})

t.test('a form of version 2 is stored, and answered in the words of S3', async t => {
  const { upstream, post } = await start()
  const fields: FieldList = [
    ['key', 'k'],
    ['x-amz-meta-colour', 'blue'],
  ]
  const answer = await post(signed('AWSAccessKeyId', fields))
  t.match(answer, { status: 204, headers: { 'x-amz-request-id': 'UP' } })
  t.match(upstream.seen.at(-1)?.headers, { 'x-amz-meta-colour': 'blue' })
})

t.test("a form that the vendor's SDK signed is stored", async t => {
  const { upstream, proxy, post } = await start()
  const port = Number(new URL(proxy.origin).port)
  const sdk = await createObsClient({ port, ...APP }, { signature: 'obs', pathStyle: false })
  t.teardown(() => sdk.close())
  const parameters = { Bucket: 'b', Key: 'k', Expires: 60, FormParams: { 'x-obs-acl': 'private' } }
  const { Policy, Signature, Token } = sdk.createPostSignatureSync(parameters)
  const fields: FieldList = [
    ['key', 'k'],
    ['x-obs-acl', 'private'],
  ]
  t.match(await post([...fields, ['token', Token]]), { status: 204, text: '' })
  const parts: FieldList = [
    ['policy', Policy],
    ['signature', Signature],
  ]
  t.equal((await post([...fields, ...parts, ['AccessKeyId', APP.accessKeyId]])).status, 204)
  t.equal(upstream.seen.at(-1)?.headers['x-amz-acl'], 'private')
})

const KEY: FieldList = [['key', 'k']]
const FAULTS: readonly (readonly [string, FieldList, number, RegExp])[] = [
  [
    'a field beyond the policy',
    [...signed('AccessKeyId', KEY), ['x-obs-acl', 'private']],
    403,
    /Extra input fields: x-obs-acl/,
  ],
  [
    'another value',
    [['key', 'other'], ...signed('AccessKeyId', KEY).slice(1)],
    403,
    /Policy Condition failed/,
  ],
  ['an expired policy', token(KEY, policyOf(KEY, '2001-01-01T00:00:00Z')), 403, /Policy expired/],
  [
    'a wrong signature',
    [...signed('AccessKeyId', KEY).slice(0, -1), ['signature', 'x']],
    403,
    /SignatureDoesNotMatch/,
  ],
  [
    'an unknown key id',
    [...KEY, ['token', `NOBODY:x:${policyOf(KEY)}`]],
    403,
    /InvalidAccessKeyId/,
  ],
  ['no signature', signed('AccessKeyId', KEY).slice(0, -1), 400, /'signature'/],
  ['no policy', [...KEY, ['AWSAccessKeyId', 'APP'], ['signature', 'x']], 400, /'policy'/],
  ['no key id', [...KEY, ['policy', 'e30='], ['signature', 'x']], 400, /'awsaccesskeyid'/],
  ['a token of two parts', [...KEY, ['token', 'a:b']], 400, /the token is not/],
  ['a policy that is no base64', [...KEY, ['token', 'APP:x:GET\n\n']], 400, /not in base64/],
  [
    'two mechanisms',
    [...signed('AccessKeyId', KEY), ['token', 'a:b:c']],
    400,
    /Only one auth mechanism/,
  ],
  [
    'two families',
    [...signed('AccessKeyId', [...KEY, ['x-amz-acl', 'private']])],
    400,
    /mixes x-obs-/,
  ],
  ['SigV4, which this client may not use', [...KEY, ['policy', 'e30=']], 400, /'x-amz-algorithm'/],
]

t.test('what was not signed for is refused', async t => {
  const { upstream, post } = await start()
  for (const [name, fields, status, text] of FAULTS) {
    t.match(await post(fields), { status, text }, name)
  }
  const both = await post(token(KEY), '?AccessKeyId=APP&Expires=1&Signature=x')
  t.match(both, { status: 400, text: /Only one auth mechanism/ })
  t.equal(upstream.seen.length, 0)
  const v4 = await send((await start()).proxy.origin, { path: '/b/k' })
  t.match(v4, { status: 400, text: /may not sign with v4/ })
})
