import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { causeOf } from './command.ts'
import { inParallel } from './in-parallel.ts'
import { Load, type Written } from './load.ts'
import {
  command,
  createSite,
  type Site,
  setKeyring,
  startProxy,
  type UpstreamName,
} from './proxy.ts'
import { startVault, vaultAt } from './servers/vault.ts'
import { type Available, readStage } from './stage.ts'

// Replicas as separate processes, one of them with two workers, while keys are rotated under a load that never ends.

/** Options of each replica. */
const REPLICAS: readonly (readonly string[])[] = [[], [], [], ['--workers', '2']]

const ROTATIONS = 3

/** Milliseconds that the load goes on before, between and after the rotations. */
const PAUSE = 2000

/** Milliseconds until a new version writes everywhere, and what a busy machine may add to them. */
interface Settling {
  readonly within: number
  readonly slack: number
}

interface Kind {
  readonly name: string
  readonly settling: Settling
  /** The keyring that all replicas share, as it stands in their configuration; its files go to `folder`. */
  prepare(t: Test, folder: string): Promise<Available<object>>
}

const FILE: Kind = {
  name: 'a file keyring',
  // The file is looked at every five seconds; then new workers are started.
  settling: { within: 5000, slack: 3000 },
  prepare: async (_, folder) => ({
    is: { provider: 'file', path: join(folder, 'keyring.yaml') },
  }),
}

const TTL = 3000

const POLICY = `
path "secret/metadata/ssec/main" { capabilities = ["read"] }
path "secret/data/ssec/main"     { capabilities = ["read", "create", "update"] }
`

const VAULT: Kind = {
  name: 'Vault',
  settling: { within: TTL, slack: 1000 },
  prepare: async (t, folder) => {
    const { certificates } = await readStage()
    const vault = await startVault(certificates).catch(causeOf)
    if (typeof vault === 'string') return { lacks: vault }
    t.teardown(() => vault.stop())
    const key = Buffer.alloc(32, 1).toString('base64')
    await vault.demand('POST', 'secret/data/ssec/main', { data: { key } })
    const way = await vaultAt(folder, vault, await vault.createToken('rotating', POLICY))
    return { is: { ...way, provider: 'vault', path: 'ssec/main', ttl: `${TTL}ms` } }
  },
}

/** Makes room for all replicas before one provider, or says why there is no such provider. */
const createSites = async (
  t: Test,
  upstream: UpstreamName,
): Promise<Available<readonly Site[]>> => {
  const sites: Site[] = []
  for (const _ of REPLICAS) {
    const site = await createSite(upstream)
    if ('lacks' in site) return site
    t.teardown(() => site.is.close())
    sites.push(site.is)
  }
  return { is: sites }
}

const startReplicas = async (t: Test, sites: readonly Site[], keyring: object): Promise<void> => {
  for (const [index, site] of sites.entries()) {
    await setKeyring(site, keyring)
    const proxy = await startProxy(site, REPLICAS[index])
    t.teardown(() => proxy.stop())
  }
}

/** When a version was made, by the clock, in milliseconds. */
interface Rotation {
  readonly begun: number
  readonly ended: number
}

const rotate = async (t: Test, site: Site, version: number): Promise<Rotation> => {
  const begun = Date.now()
  const said = await command(site, 'keys', 'rotate', '--keyring', 'main')
  t.match(said, new RegExp(`^rotated: main/v${version} `))
  return { begun, ended: Date.now() }
}

/** Under which version each object lies, as `audit` finds it. */
const audit = async (site: Site): Promise<ReadonlyMap<string, number>> => {
  const lines = (await command(site, 'audit', `s3://${site.bucket}`, '--client', 'app', '--json'))
    .split('\n')
    .map(line => JSON.parse(line))
  return new Map(
    lines.flatMap(({ key, stored }) =>
      key === undefined ? [] : [[key, Number(/^main\/v(\d)$/.exec(stored)?.[1])]],
    ),
  )
}

/** The oldest and the newest version that may have been chosen for an object. */
const allowed = (
  { begun, ended }: Written,
  rotations: readonly Rotation[],
  { within, slack }: Settling,
): readonly [number, number] => [
  1 + rotations.filter(rotation => rotation.ended + within + slack <= begun).length,
  1 + rotations.filter(rotation => rotation.begun <= ended).length,
]

const checkVersions = (
  t: Test,
  { written }: Load,
  versions: ReadonlyMap<string, number>,
  allowedFor: (written: Written) => readonly [number, number],
): void => {
  const late: string[] = []
  const wrong: unknown[] = []
  for (const [objectKey, object] of written) {
    const version = versions.get(objectKey) ?? 0
    const [least, most] = allowedFor(object)
    if (least === most && least > 1) late.push(objectKey)
    if (!(version >= least && version <= most)) wrong.push({ objectKey, version, least, most })
  }
  t.strictSame(wrong, [], 'each object is under the version of its time')
  t.ok(late.length > 10, `${late.length} of them can be under the newest alone`)
  t.strictSame([...new Set(versions.values())].sort(), [1, 2, 3, 4])
}

const isUnderWay = ({ begun, ended }: Written, rotation: Rotation): boolean =>
  begun < rotation.ended && rotation.begun < ended

const test = async (t: Test, kind: Kind, upstream: UpstreamName): Promise<void> => {
  const sites = await createSites(t, upstream)
  if ('lacks' in sites) return void t.ok(true, kind.name, { skip: sites.lacks })
  const [site] = sites.is
  if (site === undefined) throw new Error('no replicas')
  const keyring = await kind.prepare(t, site.folder)
  if ('lacks' in keyring) return void t.ok(true, kind.name, { skip: keyring.lacks })
  await startReplicas(t, sites.is, keyring.is)
  await site.provider.createBucket(site.bucket)

  const replicas = sites.is.map(({ http }) => http)
  const load = new Load(site.bucket, replicas)
  t.teardown(() => load.stop())
  load.start()
  await sleep(PAUSE)
  const rotations: Rotation[] = []
  for (let version = 2; version <= 1 + ROTATIONS; version++) {
    rotations.push(await rotate(t, site, version))
    await sleep(kind.settling.within + kind.settling.slack + PAUSE)
  }
  await load.stop()
  t.strictSame(load.failures, [], 'no request failed')

  const names = [...load.written.keys()]
  for (const replica of replicas) {
    await inParallel(names.length, i => load.check(names[i] ?? '', replica))
  }
  t.strictSame(load.failures, [], 'every object is read through every replica')
  checkVersions(t, load, await audit(site), written => allowed(written, rotations, kind.settling))
  const underWay = [...load.written]
    .filter(([name]) => name.endsWith('-upload'))
    .filter(([, written]) => rotations.some(rotation => isUnderWay(written, rotation)))
  t.ok(underWay.length > 0, 'uploads were under way during a rotation')
  t.comment(
    `${load.requests} requests, ${names.length} objects, ${underWay.length} uploads during a rotation`,
  )
}

await t.test('three rotations under load', async t => {
  for (const kind of [FILE, VAULT]) await t.test(kind.name, t => test(t, kind, 'minio'))
})
