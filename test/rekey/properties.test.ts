import t, { type Test } from 'tap'
import type { Client } from '../../lib/authenticate/client.ts'
import { createExchange } from '../../lib/exchange.ts'
import { createPolicy } from '../../lib/policy/resolve.ts'
import { grantHeaders } from '../../lib/rekey/grants.ts'
import { createRekeyObject, type Done, type RekeyWork } from '../../lib/rekey/rekey-object.ts'
import { createSigningKeys } from '../../lib/sigv4/signature.ts'
import { createTransport } from '../../lib/transport/create.ts'
import { createAsker } from '../../lib/walk/asker.ts'
import { USUAL_BACKOFF } from '../../lib/walk/backoff.ts'
import { APP_CLIENT, configOf, encrypt, keyring, rule } from '../support/proxy.ts'
import { type Answer, echoOf, type Seen, startUpstream } from '../support/upstream.ts'

const ALGORITHM = 'x-amz-server-side-encryption-customer-algorithm'

const LOCKED = {
  'x-amz-object-lock-mode': 'COMPLIANCE',
  'x-amz-object-lock-retain-until-date': '2030-01-01T00:00:00Z',
  'x-amz-object-lock-legal-hold': 'ON',
  'x-amz-storage-class': 'GLACIER_IR',
}

const ACL =
  '<AccessControlPolicy><AccessControlList><Grant><Grantee><ID>me</ID></Grantee><Permission>FULL_CONTROL</Permission></Grant><Grant><Grantee><URI>http://acs.amazonaws.com/groups/global/AllUsers</URI></Grantee><Permission>READ</Permission></Grant><Grant><Grantee><ID>you</ID></Grantee><Permission>READ</Permission></Grant></AccessControlList></AccessControlPolicy>'

/** A provider with one object in a versioned bucket, plaintext until it is copied onto itself. */
const startVersioned = async (t: Test, copied: (seen: Seen) => Answer | undefined) => {
  let method: string | undefined
  let isCopied = false
  const head = (seen: Seen): Answer => {
    const hasKey = seen.headers[ALGORITHM] !== undefined
    if (!isCopied)
      return {
        status: hasKey ? 400 : 200,
        headers: { etag: '"0a"', 'x-amz-version-id': 'old', ...LOCKED },
      }
    if (hasKey !== (method === undefined)) return { status: 400 }
    const own = method === undefined ? {} : { 'x-amz-server-side-encryption': method }
    return { headers: { etag: '"0b"', 'x-amz-version-id': 'new', ...echoOf(seen), ...own } }
  }
  const upstream = await startUpstream(t, seen => {
    if (seen.method === 'HEAD') return head(seen)
    if (seen.target.includes('?acl')) return { body: ACL }
    if (seen.method === 'DELETE') return { status: 204 }
    const answer = copied(seen)
    if (answer !== undefined) return answer
    isCopied = true
    method = seen.headers['x-amz-server-side-encryption']
    return { headers: echoOf(seen), body: '<CopyObjectResult><ETag>"0b"</ETag></CopyObjectResult>' }
  })
  return upstream
}

const rekeyOne = async (t: Test, origin: string, more: Partial<RekeyWork>): Promise<Done> => {
  const { upstreams } = configOf({ upstream: origin, provider: 'aws' })
  const transport = createTransport('raw', upstreams.values())
  t.teardown(() => transport.close())
  const now = () => new Date()
  const client: Client = APP_CLIENT
  const parts = { upstreams, transport, signingKeys: createSigningKeys(), now }
  const asker = createAsker(createExchange(client, parts), {
    backoff: { ...USUAL_BACKOFF, tries: 2, first: 1 },
    turn: async () => undefined,
    signal: new AbortController().signal,
  })
  const rekeyObject = createRekeyObject({
    asker,
    policy: createPolicy([rule(encrypt())]),
    keyrings: new Map([['main', keyring('main', 'v2', 'v1')]]),
    client,
    bucket: 'My_Bucket',
    goal: { kind: 'rule' },
    foreign: [],
    dryRun: false,
    keepAcl: false,
    fullVerify: false,
    deletePrevious: false,
    now,
    ...more,
  })
  return rekeyObject({ objectKey: 'a', size: 0, versionId: undefined, isLatest: true, etag: '0a' })
}

const copyIn = (seen: readonly Seen[]): Seen | undefined =>
  seen.find(({ method }) => method === 'PUT')

t.test(
  'lock, legal hold and storage class are kept, and the copy is conditional on both sides',
  async t => {
    const upstream = await startVersioned(t, () => undefined)
    t.equal((await rekeyOne(t, upstream.origin, {})).result, 'rewritten')
    t.match(copyIn(upstream.seen)?.headers, {
      ...LOCKED,
      'x-amz-copy-source': 'My_Bucket/a',
      'x-amz-copy-source-if-match': '"0a"',
      'if-match': '"0a"',
      [ALGORITHM]: 'AES256',
    })
    t.notOk(
      upstream.seen.some(({ method }) => method === 'DELETE'),
      'nothing is deleted unasked',
    )
    t.notOk(upstream.seen.some(({ target }) => target.includes('?acl')))
  },
)

t.test(
  'the version before is deleted only when asked for, and after the new one was looked at',
  async t => {
    const upstream = await startVersioned(t, () => undefined)
    await rekeyOne(t, upstream.origin, { deletePrevious: true })
    t.strictSame(
      upstream.seen.slice(-3).map(({ method, target }) => [method, target]),
      [
        ['PUT', '/My_Bucket/a'],
        ['HEAD', '/My_Bucket/a'],
        ['DELETE', '/My_Bucket/a?versionId=old'],
      ],
    )
  },
)

t.test('a copy that is not encrypted is a failure, and the version before stays', async t => {
  const plain: Answer = { body: '<CopyObjectResult><ETag>"0a"</ETag></CopyObjectResult>' }
  const upstream = await startVersioned(t, () => plain)
  const done = await rekeyOne(t, upstream.origin, { deletePrevious: true })
  t.ok(['failed', 'changed'].includes(done.result), `${done.result}: ${done.reason}`)
  t.notOk(upstream.seen.some(({ method }) => method === 'DELETE'))
})

t.test('leaving asks for the method of the provider, and sees that it was used', async t => {
  for (const [method, keyId] of [
    ['AES256', undefined],
    ['aws:kms', 'key-1'],
  ] as const) {
    const upstream = await startVersioned(t, () => undefined)
    const done = await rekeyOne(t, upstream.origin, { goal: { kind: 'method', method, keyId } })
    t.equal(done.result, 'rewritten')
    const headers = copyIn(upstream.seen)?.headers ?? {}
    t.equal(headers['x-amz-server-side-encryption'], method)
    t.equal(headers['x-amz-server-side-encryption-aws-kms-key-id'], keyId)
    t.equal(headers[ALGORITHM], undefined)
  }
})

t.test('the ACL is kept where that is asked for', async t => {
  const upstream = await startVersioned(t, () => undefined)
  await rekeyOne(t, upstream.origin, { keepAcl: true })
  t.match(copyIn(upstream.seen)?.headers, Object.fromEntries(grantHeaders(ACL)))
  t.strictSame(
    [...grantHeaders(ACL)],
    [
      ['x-amz-grant-full-control', 'id="me"'],
      ['x-amz-grant-read', 'uri="http://acs.amazonaws.com/groups/global/AllUsers", id="you"'],
    ],
  )
})
