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

const rekeyOne = async (
  t: Test,
  origin: string,
  more: Partial<RekeyWork>,
  provider = 'aws',
): Promise<Done> => {
  const { upstreams } = configOf({ upstream: origin, provider })
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

const GIB = 1024 ** 3

t.test('above 5 GiB an object goes by parts, for no provider copies it at once', async t => {
  for (const [size, way] of [
    [5 * GIB, 'provider'],
    [5 * GIB + 1, 'streamed'],
  ] as const) {
    const { origin } = await startUpstream(t, seen =>
      seen.headers[ALGORITHM] === undefined
        ? { headers: { etag: '"0a"', 'content-length': String(size) } }
        : { status: 400 },
    )
    const done = await rekeyOne(t, origin, { dryRun: true })
    t.match(done, { result: 'to rewrite', way })
  }
})

/** A version, or `-` for a delete marker. */
const listing = (ids: readonly string[]): string =>
  `<ListVersionsResult>${ids
    .map(id =>
      id === '-'
        ? '<DeleteMarker><Key>a</Key><VersionId>-</VersionId></DeleteMarker>'
        : `<Version><Key>a</Key><VersionId>${id}</VersionId></Version>`,
    )
    .join('')}<Version><Key>ab</Key><VersionId>z</VersionId></Version></ListVersionsResult>`

const BODY = 'body'

/** An object of several versions, at a provider whose conditions hold off nothing; the newest comes first. */
class Versions {
  readonly ids = ['1']
  readonly #between: string | undefined

  /** @param between what others do right before the first PUT */
  constructor(between: string | undefined) {
    this.#between = between
  }

  readonly answer = (seen: Seen): Answer => {
    if (seen.target.includes('versions=')) return { body: listing(this.ids) }
    if (seen.method === 'DELETE') return this.#delete(seen)
    return seen.method === 'PUT' ? this.#put(seen) : this.#read(seen)
  }

  #delete({ target }: Seen): Answer {
    this.ids.splice(this.ids.indexOf(target.split('=')[1] ?? ''), 1)
    return { status: 204 }
  }

  #put(seen: Seen): Answer {
    if (seen.headers['if-match'] !== undefined) return { status: 412 }
    if (this.#between !== undefined && this.ids.length === 1) this.ids.unshift(this.#between)
    this.ids.unshift('own')
    return { headers: { ...echoOf(seen), etag: '"own"', 'x-amz-version-id': 'own' } }
  }

  #read(seen: Seen): Answer {
    const [current = ''] = this.ids
    const isOurs = current === 'own'
    if (current === '-') return { status: 404 }
    if (isOurs && seen.headers[ALGORITHM] === undefined) return { status: 400 }
    const headers = {
      etag: `"${current}"`,
      'x-amz-version-id': current,
      'content-length': String(BODY.length),
      ...(isOurs ? echoOf(seen) : {}),
    }
    return seen.method === 'HEAD' ? { headers } : { headers, body: BODY }
  }
}

t.test(
  'where only versions tell that others wrote meanwhile, what overwrote them is taken back',
  async t => {
    for (const [between, result, left] of [
      [undefined, 'rewritten', ['own', '1']],
      ['2', 'rewritten', ['own', '2', '1']],
      ['-', 'gone', ['-', '1']],
    ] as const) {
      const versions = new Versions(between)
      const upstream = await startUpstream(t, versions.answer)
      const done = await rekeyOne(t, upstream.origin, {}, 'ceph')
      t.match(done, { result }, JSON.stringify(done))
      t.strictSame(
        versions.ids,
        left,
        'never over what others did, and without a condition that is always refused',
      )
      const deletes = upstream.seen.filter(({ method }) => method === 'DELETE')
      t.strictSame(
        deletes.map(({ target }) => target),
        between === undefined ? [] : ['/My_Bucket/a?versionId=own'],
      )
    }
  },
)
