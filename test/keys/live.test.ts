import t from 'tap'
import { findKeys } from '../../lib/keys/find-keys.ts'
import type { KeyWatch } from '../../lib/keys/held.ts'
import type { KeyVersion } from '../../lib/keys/keyring.ts'
import { fetchKeyrings } from '../../lib/keys/live.ts'
import type { Fetching } from '../../lib/keys/providers/load.ts'
import { Secret } from '../../lib/s3/secret.ts'

const version = (id: string): KeyVersion => ({
  id,
  createdAt: undefined,
  master: new Secret(Buffer.alloc(32, id)),
})

/** A key provider as the test wants it. */
class Vault {
  versions: readonly KeyVersion[] = [version('v1')]
  isDown = false
  fetches = 0
  underWay = 0
  most = 0
  fetching(ttl = 20, grace = 1_000_000): Fetching {
    const fetch = async () => {
      this.fetches++
      this.most = Math.max(this.most, ++this.underWay)
      await new Promise(resolve => setTimeout(resolve, 30))
      this.underWay--
      if (this.isDown) throw new Error('down')
      return this.versions
    }
    return { provider: { fetch }, derive: 'none', refresh: { ttl, grace } }
  }
}

type Event = readonly [what: string, ...details: unknown[]]

const watching = (): { readonly events: Event[]; readonly watch: KeyWatch } => {
  const events: Event[] = []
  return {
    events,
    watch: {
      changed: (keyring, versions) => void events.push(['changed', keyring, ...versions]),
      stale: (keyring, _age, isExpired) => void events.push(['stale', keyring, isExpired]),
    },
  }
}

const until = async (isSo: () => boolean): Promise<void> => {
  for (let i = 0; i < 1000 && !isSo(); i++) await new Promise(resolve => setTimeout(resolve, 5))
  if (!isSo()) throw new Error('it did not come to that')
}

const idsOf = (keyrings: ReturnType<typeof Map.prototype.get>): string[] =>
  keyrings.get('main')?.versions.map(({ id }: KeyVersion) => id) ?? []

t.test('no key, no start', async t => {
  const vault = new Vault()
  vault.isDown = true
  const fetchings = new Map([['main', vault.fetching()]])
  await t.rejects(
    fetchKeyrings(fetchings, () => new Date()),
    { message: 'down' },
  )
})

t.test(
  'a new version comes into force, one fetch at a time, and the value before stays',
  async t => {
    const vault = new Vault()
    const live = await fetchKeyrings(new Map([['main', vault.fetching()]]), () => new Date())
    const before = live.current()
    const { events, watch } = watching()
    const stop = live.follow(watch)
    t.teardown(stop)
    await until(() => vault.fetches > 3)
    t.equal(live.current(), before, 'nothing changed')
    vault.versions = [version('v2'), version('v1')]
    await until(() => events.length > 0)
    t.strictSame(events, [['changed', 'main', 'v2', 'v1']])
    t.strictSame(idsOf(live.current()), ['v2', 'v1'])
    t.strictSame(idsOf(before), ['v1'])
    t.equal(vault.most, 1)
    stop()
    await until(() => vault.underWay === 0)
    const { fetches } = vault
    await new Promise(resolve => setTimeout(resolve, 100))
    t.equal(vault.fetches, fetches, 'stopped')
  },
)

t.test(
  'an outage is sat out for the grace, then requests are refused until it is over',
  async t => {
    const vault = new Vault()
    let ms = 0
    const fetchings = new Map([['main', vault.fetching(20, 60_000)]])
    const live = await fetchKeyrings(fetchings, () => new Date(ms))
    const { events, watch } = watching()
    t.teardown(live.follow(watch))
    vault.isDown = true
    ms = 50_000
    await until(() => events.length > 0)
    t.strictSame(events[0], ['stale', 'main', false])
    t.strictSame(idsOf(live.current()), ['v1'])
    t.strictSame([...live.ages()], [['main', 50_000]])
    ms = 61_000
    await until(() => events.some(([, , isExpired]) => isExpired === true))
    t.notOk(live.current().has('main'))
    const request = {
      address: { level: 'object', bucket: 'b', objectKey: 'k' },
      permission: { kind: 'encrypt', rule: 'r', effect: { encrypt: { keyring: 'main' } } },
    } as unknown as Parameters<typeof findKeys>[1]
    t.throws(() => findKeys(live.current(), request), { code: 'ServiceUnavailable' })
    vault.isDown = false
    await until(() => live.current().has('main'))
    t.strictSame([...live.ages()], [['main', 0]])
    t.equal(findKeys(live.current(), request).objectKeys?.[0].version, 'v1')
  },
)

t.test('a version reads at once, and writes when every replica has fetched it', async t => {
  const vault = new Vault()
  let ms = 1_000_000
  const ttl = 60_000
  vault.versions = [{ ...version('v2'), createdAt: new Date(ms) }, version('v1')]
  const live = await fetchKeyrings(new Map([['main', vault.fetching(ttl)]]), () => new Date(ms))
  t.strictSame(idsOf(live.current()), ['v1', 'v2'])
  ms += ttl
  const later = await fetchKeyrings(new Map([['main', vault.fetching(ttl)]]), () => new Date(ms))
  t.strictSame(idsOf(later.current()), ['v2', 'v1'])
})

t.test('it begins to write by itself when the time has come', async t => {
  const vault = new Vault()
  vault.versions = [{ ...version('v2'), createdAt: new Date() }, version('v1')]
  const live = await fetchKeyrings(new Map([['main', vault.fetching(300)]]), () => new Date())
  t.teardown(live.follow(watching().watch))
  t.strictSame(idsOf(live.current()), ['v1', 'v2'])
  await until(() => idsOf(live.current())[0] === 'v2')
})

t.test('a keyring whose only version is young writes with it', async t => {
  const vault = new Vault()
  vault.versions = [{ ...version('v1'), createdAt: new Date() }]
  const live = await fetchKeyrings(new Map([['main', vault.fetching(60_000)]]), () => new Date())
  t.strictSame(idsOf(live.current()), ['v1'])
})

t.test(
  'a request that met an unknown version has its keyring fetched, with others at once',
  async t => {
    const vault = new Vault()
    const live = await fetchKeyrings(new Map([['main', vault.fetching(60_000)]]), () => new Date())
    const { events, watch } = watching()
    t.teardown(live.follow(watch))
    vault.versions = [version('v2'), version('v1')]
    const renewed = await Promise.all(Array.from({ length: 20 }, () => live.renew('main')))
    t.equal(vault.fetches, 2)
    for (const keyring of renewed) t.equal(keyring, live.current().get('main'))
    t.strictSame(events, [['changed', 'main', 'v2', 'v1']])
    t.equal(await live.renew('other'), undefined)
  },
)

t.test('one that asks while a fetch is under way waits for the next, which saw more', async t => {
  const vault = new Vault()
  const live = await fetchKeyrings(new Map([['main', vault.fetching(60)]]), () => new Date())
  t.teardown(live.follow(watching().watch))
  await until(() => vault.underWay === 1)
  vault.versions = [version('v2'), version('v1')]
  t.strictSame(
    (await live.renew('main'))?.versions.map(({ id }) => id),
    ['v2', 'v1'],
  )
  t.equal(vault.most, 1)
})

t.test('a vault that is down is asked no more often for it', async t => {
  const vault = new Vault()
  const live = await fetchKeyrings(new Map([['main', vault.fetching(600_000)]]), () => new Date())
  t.teardown(live.follow(watching().watch))
  vault.isDown = true
  t.ok(await live.renew('main'))
  for (let i = 0; i < 5; i++) t.ok(await live.renew('main'))
  t.equal(vault.fetches, 2)
})

t.test('a vault that hangs holds no request up for long', async t => {
  const vault = new Vault()
  const fetching = vault.fetching(600_000)
  const live = await fetchKeyrings(new Map([['main', fetching]]), () => new Date())
  Object.assign(fetching.provider, { fetch: () => new Promise(() => undefined) })
  const began = performance.now()
  const awake = setInterval(() => undefined, 1000)
  t.teardown(() => clearInterval(awake))
  t.ok(await live.renew('main'))
  t.ok(performance.now() - began < 5000)
})
