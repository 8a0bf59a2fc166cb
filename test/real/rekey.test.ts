import { randomBytes } from 'node:crypto'
import type { Test } from 'tap'
import { type Listed, parsePage } from '../../lib/walk/listing.ts'
import { testAtEach } from './at-site.ts'
import { inParallel } from './in-parallel.ts'
import { masterKey, type Site, startCommand, writeKeyring } from './proxy.ts'

/** Objects, besides one in parts; `REAL_REKEY_OBJECTS=20000` for the full figure. */
const OBJECTS = Number(process.env['REAL_REKEY_OBJECTS'] ?? 400)

/** How often it is killed before it may come to its end. */
const KILLS = Number(process.env['REAL_REKEY_KILLS'] ?? 6)

/** Milliseconds: the more there is to do, the later it may be killed. */
const KILL_WITHIN = 2500 + OBJECTS / 2

const PART = 5 * 1024 * 1024
const BIG = 'big/object'

/** How many writes of others come in between. */
const OTHERS = Math.max(40, OBJECTS / 10)

const SHARDS = 3

const [V1, V2] = [masterKey('v1'), masterKey('v2')] as const

const nameOf = (i: number): string => `small/${i % 7}/${String(i).padStart(6, '0')} ü+`

const bodyOf = (i: number): Buffer => Buffer.from(`object ${i} `.repeat(1 + (i % 50)))

const storeBig = async ({ provider, bucket }: Site): Promise<Buffer> => {
  const place = { bucket, objectKey: BIG }
  const parts = [randomBytes(PART), randomBytes(1000)]
  const uploadId = await provider.createUpload(place)
  const etags: string[] = []
  for (const [index, body] of parts.entries()) {
    const query = { uploadId, partNumber: String(index + 1) }
    const { headers } = await provider.demand({ method: 'PUT', ...place, query, body })
    etags.push(String(headers['etag']))
  }
  const xml = etags.map(
    (etag, i) => `<Part><PartNumber>${i + 1}</PartNumber><ETag>${etag}</ETag></Part>`,
  )
  const body = Buffer.from(`<CompleteMultipartUpload>${xml.join('')}</CompleteMultipartUpload>`)
  await provider.demand({ method: 'POST', ...place, query: { uploadId }, body })
  return Buffer.concat(parts)
}

const fill = async ({ provider, bucket }: Site): Promise<void> => {
  await inParallel(OBJECTS, i =>
    provider.store({ bucket, objectKey: nameOf(i) }, bodyOf(i), i % 2 === 0 ? undefined : V1),
  )
}

/** Others overwrite objects while rekey runs; what they wrote last must stay. */
const startOthers = ({ provider, bucket }: Site) => {
  const written = new Map<string, Buffer>()
  let isOver = false
  const go = async (): Promise<void> => {
    for (let n = 0; n < OTHERS && !isOver; n++) {
      const objectKey = nameOf(Math.floor(Math.random() * OBJECTS))
      const body = Buffer.from(`others wrote this, ${n}`)
      written.set(objectKey, body)
      await provider.store({ bucket, objectKey }, body)
      await new Promise(resolve => setTimeout(resolve, 50))
    }
  }
  const done = go()
  return {
    stop: async (): Promise<ReadonlyMap<string, Buffer>> => {
      isOver = true
      await done
      return written
    },
  }
}

/** How the work is divided: by one process with a ledger in a file, or by shards with theirs in the bucket. */
interface Division {
  readonly name: string
  readonly versioned: boolean
  /** Options of each process. */
  readonly processes: readonly (readonly string[])[]
  /** Options that tell what came of all of them. */
  readonly outcome: readonly string[]
}

const DIVISIONS: readonly Division[] = [
  {
    name: 'by one process',
    versioned: false,
    processes: [['--ledger', 'ledger.json', '--concurrency', '8']],
    outcome: [],
  },
  {
    name: `by ${SHARDS} shards, in a versioned bucket`,
    versioned: true,
    processes: Array.from({ length: SHARDS }, (_, shard) => [
      ...['--job', 'j', '--shard', `${shard}/${SHARDS}`, '--concurrency', '8'],
    ]),
    outcome: ['--job', 'j'],
  },
]

/** @param kills how often at least it is killed before it may come to its end */
const runKilled = async (
  t: Test,
  site: Site,
  options: readonly string[],
  kills: number,
): Promise<void> => {
  const words = ['rekey', `s3://${site.bucket}`, ...options]
  let killed = 0
  for (let i = 0; i < kills; i++) {
    const { child, outcome } = startCommand(site, words)
    const timer = setTimeout(() => child.kill('SIGKILL'), 700 + Math.random() * KILL_WITHIN)
    const { code } = await outcome
    clearTimeout(timer)
    if (code === null) killed += 1
  }
  t.ok(killed > 0, `killed ${killed} times`)
  const started = performance.now()
  const { code, err, out } = await startCommand(site, words).outcome
  t.equal(code, 0, `${out}${err}`)
  t.comment(
    `killed ${killed} times; the last run took ${Math.round(performance.now() - started)} ms: ${out}`,
  )
}

/** Every version of a bucket. */
async function* versions({ provider, bucket }: Site): AsyncGenerator<Listed, void, void> {
  let more: Record<string, string> = {}
  for (;;) {
    const query = { versions: '', 'encoding-type': 'url', ...more }
    const page = parsePage(String((await provider.demand({ method: 'GET', bucket, query })).body))
    yield* page.entries
    if (!page.isTruncated) return
    more = { 'key-marker': page.nextKey ?? '', 'version-id-marker': page.nextVersion ?? '' }
  }
}

interface VersionCount {
  versions: number
  latest: number
}

const countVersions = async (site: Site): Promise<ReadonlyMap<string, VersionCount>> => {
  const counts = new Map<string, VersionCount>()
  for await (const { objectKey, isLatest } of versions(site)) {
    const count = counts.get(objectKey) ?? { versions: 0, latest: 0 }
    counts.set(objectKey, count)
    count.versions += 1
    count.latest += isLatest ? 1 : 0
  }
  return counts
}

/** Each object that nobody else wrote has the version that it had, and one more, which is the current one. */
const checkOnce = async (
  t: Test,
  site: Site,
  others: ReadonlyMap<string, Buffer>,
): Promise<void> => {
  const counts = await countVersions(site)
  const names = [...Array.from({ length: OBJECTS }, (_, i) => nameOf(i)), BIG]
  const wrong = names
    .filter(name => !others.has(name))
    .map(name => ({ name, ...counts.get(name) }))
    .filter(({ versions, latest }) => versions !== 2 || latest !== 1)
  t.strictSame(wrong, [], 'each object was written once')
}

const checkAll = async (
  t: Test,
  { provider, bucket }: Site,
  others: ReadonlyMap<string, Buffer>,
  big: Buffer,
): Promise<void> => {
  const wrong: string[] = []
  const check = async (objectKey: string, body: Buffer): Promise<void> => {
    const { status, body: got } = await provider.read({ bucket, objectKey }, V2)
    if (status !== 200 || !got.equals(body)) wrong.push(`${objectKey}: ${status}`)
    const without = await provider.read({ bucket, objectKey })
    if (without.status < 400) wrong.push(`${objectKey} is read without key`)
  }
  await inParallel(OBJECTS, i => check(nameOf(i), others.get(nameOf(i)) ?? bodyOf(i)))
  await check(BIG, big)
  t.strictSame(wrong, [], 'every object has its bytes, under the newest key alone')
  t.strictSame(
    await provider.listUploads(bucket).then(ids => ids.length <= (KILLS + SHARDS) * 8),
    true,
  )
}

const enableVersions = async ({ provider, bucket }: Site): Promise<void> => {
  const body = Buffer.from(
    '<VersioningConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Status>Enabled</Status></VersioningConfiguration>',
  )
  await provider.demand({ method: 'PUT', bucket, query: { versioning: '' }, body })
}

const rekeyDivided = async (t: Test, site: Site, division: Division): Promise<void> => {
  const run = (...words: readonly string[]) => startCommand(site, words).outcome
  const url = `s3://${site.bucket}`
  await site.provider.createBucket(site.bucket)
  if (division.versioned) await enableVersions(site)
  await fill(site)
  const big = await storeBig(site)
  await writeKeyring(site, ['v2', 'v1'])
  const others = startOthers(site)
  await t.test('killed at random points and started again, it finishes', async t => {
    const kills = Math.ceil(KILLS / division.processes.length)
    await Promise.all(division.processes.map(options => runKilled(t, site, options, kills)))
  })
  const written = await others.stop()
  t.equal((await run('rekey', url, ...division.outcome)).code, 0, 'all of it is done')
  if (division.versioned) await checkOnce(t, site, written)
  // What others wrote behind it, in plaintext, is for the next run.
  t.equal((await run('rekey', url)).code, 0)
  await t.test('nothing is lost, and nobody overwritten', t => checkAll(t, site, written, big))
  const audit = await run('audit', url, '--newest')
  t.equal(audit.code, 0, audit.out)
  t.match(audit.out, /^100\.00 % as the rules say$/m)
  if (division.versioned) await checkMerged(t, site)
}

/** What shards find of all versions adds up to what one process finds. */
const checkMerged = async (t: Test, site: Site): Promise<void> => {
  const words = ['audit', `s3://${site.bucket}`, '--versions']
  const run = (...more: readonly string[]) => startCommand(site, [...words, ...more]).outcome
  const shards = await Promise.all([0, 1].map(i => run('--job', 'a', '--shard', `${i}/2`)))
  for (const { code, err } of shards) t.ok(code === 0 || code === 3, err)
  const [whole, merged] = [await run(), await run('--job', 'a')]
  t.match(whole.out, /^plaintext +\d+/m)
  t.equal(merged.out, whole.out)
  t.equal(merged.code, whole.code)
}

for (const division of DIVISIONS) {
  await testAtEach(['rgw-tls', 'minio'], async (t, site) => {
    t.comment(`${OBJECTS} objects, ${division.name}`)
    await rekeyDivided(t, site, division)
  })
}
