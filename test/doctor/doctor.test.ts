import t, { type Test } from 'tap'
import { type DoctorOptions, examine, settingFindings } from '../../lib/doctor/doctor.ts'
import type { Finding } from '../../lib/doctor/finding.ts'
import { createExchange, type Exchange } from '../../lib/exchange.ts'
import { createSigningKeys } from '../../lib/sigv4/signature.ts'
import { createTransport } from '../../lib/transport/create.ts'
import { APP_CLIENT, configOf } from '../support/proxy.ts'
import { type Answering, obey, type Seen, startUpstream } from '../support/upstream.ts'

const exchangeTo = (t: Test, origin: string, provider = 'aws'): Exchange => {
  const { upstreams } = configOf({ upstream: origin, provider })
  const transport = createTransport('raw', upstreams.values())
  t.teardown(() => transport.close())
  return createExchange(APP_CLIENT, {
    upstreams,
    transport,
    signingKeys: createSigningKeys(),
    now: () => new Date(),
  })
}

const optionsFor = (exchange: Exchange, more: Partial<DoctorOptions> = {}): DoctorOptions => ({
  exchange,
  bucket: 'My_Bucket',
  prefix: '',
  fix: false,
  now: () => new Date(),
  random: () => '0badcafe',
  ...more,
})

const byCheck = (findings: readonly Finding[]): Readonly<Record<string, Finding>> =>
  Object.fromEntries(findings.map(finding => [finding.check, finding]))

const BLOCKING = `<ServerSideEncryptionConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Rule><ApplyServerSideEncryptionByDefault><SSEAlgorithm>aws:kms</SSEAlgorithm></ApplyServerSideEncryptionByDefault><BucketKeyEnabled>true</BucketKeyEnabled><BlockedEncryptionTypes><EncryptionType>SSE-C</EncryptionType></BlockedEncryptionTypes></Rule></ServerSideEncryptionConfiguration>`

const isEncryption = ({ target }: Seen): boolean => target.includes('?encryption')

/** AWS's answers to a bucket that blocks customer keys, until its settings change. */
const blocking = (): Answering => {
  let settings = BLOCKING
  return seen => {
    if (isEncryption(seen) && seen.method === 'PUT') {
      settings = seen.body.toString()
      return {}
    }
    if (isEncryption(seen)) return { body: settings }
    const isWrite = seen.method === 'PUT' && settings.includes('SSE-C</')
    return isWrite ? { status: 403, body: '<Error><Code>AccessDenied</Code></Error>' } : obey(seen)
  }
}

t.test('a bucket that blocks SSE-C is told, with the command that unblocks it', async t => {
  const upstream = await startUpstream(t, blocking())
  const { findings } = await examine(optionsFor(exchangeTo(t, upstream.origin)))
  const { blocked, write, read } = byCheck(findings)
  t.equal(blocked?.outcome, 'fault')
  t.match(blocked?.remedy, /--fix.*aws s3api put-bucket-encryption --bucket My_Bucket .*"NONE"/)
  t.equal(write?.outcome, 'fault')
  t.equal(read, undefined, 'what depends on it is not tried')
  t.notOk(upstream.seen.some(seen => isEncryption(seen) && seen.method === 'PUT'))
})

t.test('--fix unblocks it and leaves the other settings as they are', async t => {
  const upstream = await startUpstream(t, blocking())
  const { findings } = await examine(optionsFor(exchangeTo(t, upstream.origin), { fix: true }))
  const { blocked, write } = byCheck(findings)
  t.equal(blocked?.outcome, 'ok')
  t.equal(write?.outcome, 'ok')
  const put = upstream.seen.find(seen => isEncryption(seen) && seen.method === 'PUT')
  t.equal(put?.body.toString(), BLOCKING.replace('>SSE-C<', '>NONE<'))
})

t.test('a provider that stores plaintext and says 200 is a fault', async t => {
  const upstream = await startUpstream(t, () => ({ headers: { etag: '"0"' } }))
  const { findings } = await examine(optionsFor(exchangeTo(t, upstream.origin)))
  t.match(byCheck(findings)['write'], { outcome: 'fault', seen: /without echo/ })
})

t.test(
  'it cleans up after a failure in the middle, and tells what it could not remove',
  async t => {
    let isBroken = false
    const upstream = await startUpstream(t, seen => {
      if (seen.method === 'DELETE') return { status: seen.target.endsWith('/plain') ? 403 : 204 }
      if (seen.method === 'PUT' && seen.headers['x-amz-copy-source'] !== undefined) isBroken = true
      if (isBroken) throw new Error('broken')
      return obey(seen)
    })
    const { findings } = await examine(optionsFor(exchangeTo(t, upstream.origin)))
    t.equal(byCheck(findings)['broken-off']?.outcome, 'fault')
    t.match(byCheck(findings)['clean-up'], { outcome: 'fault', seen: /left behind: s3:.*\/plain$/ })
    const written = upstream.seen.filter(
      ({ method, target }) => method === 'PUT' && target.includes('ssec-doctor'),
    )
    const deleted = upstream.seen.filter(({ method }) => method === 'DELETE')
    t.ok(written.length > 0)
    t.strictSame(
      [...new Set(written.map(({ target }) => target))].sort(),
      [...new Set(deleted.map(({ target }) => target))].sort(),
    )
  },
)

t.test('wrong credentials and a wrong clock have their own remedies', async t => {
  const refusing =
    (code: string): Answering =>
    () => ({ status: 403, body: `<Error><Code>${code}</Code></Error>` })
  for (const [code, remedy] of [
    ['InvalidAccessKeyId', /access key id/],
    ['SignatureDoesNotMatch', /secret access key/],
    ['RequestTimeTooSkewed', /NTP/],
  ] as const) {
    const upstream = await startUpstream(t, refusing(code))
    const { findings } = await examine(optionsFor(exchangeTo(t, upstream.origin)))
    t.match(byCheck(findings)['credentials'], { outcome: 'fault', remedy }, code)
    t.notOk(
      upstream.seen.some(({ method }) => method === 'PUT'),
      'nothing was written',
    )
  }
  const upstream = await startUpstream(t)
  const hourAhead = () => new Date(Date.now() + 3_600_000)
  const { findings } = await examine(optionsFor(exchangeTo(t, upstream.origin), { now: hourAhead }))
  t.match(byCheck(findings)['clock'], { outcome: 'fault', seen: /3\d{3} s ahead/ })
})

t.test('an upstream that is not there is a fault with a remedy, not a stack', async t => {
  const exchange = exchangeTo(t, 'http://127.0.0.1:9')
  const { findings } = await examine(optionsFor(exchange))
  t.match(byCheck(findings)['reach'], { outcome: 'fault', seen: /ECONNREFUSED/, remedy: /reached/ })
})

t.test('settings that are otherwise than measured are told', async t => {
  const exchange = exchangeTo(t, 'http://127.0.0.1:9')
  t.match(settingFindings(exchange, { copy: 'none', etag: 'as-is' }), [
    { check: 'setting-copy', outcome: 'fault', remedy: 'Set upstreams.up.copy: none' },
    { check: 'setting-etag', outcome: 'note', remedy: 'Set upstreams.up.etag: as-is' },
  ])
  t.strictSame(settingFindings(exchange, { copy: 'full', etag: 'mark' }), [])
})
