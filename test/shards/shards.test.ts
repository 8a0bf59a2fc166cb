import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { BUCKET, type BulkStage, keyText, startBulkStage, tripleOf } from '../support/bulk.ts'

const OBJECTS = 350

const nameOf = (i: number): string => `o/${String(i).padStart(5, '0')}`

const fill = async (stage: BulkStage): Promise<void> => {
  const store = (i: number) => stage.store(nameOf(i), `${i}`, i % 2 ? 'v1' : undefined)
  for (let i = 0; i < OBJECTS; i += 25) {
    await Promise.all(Array.from({ length: 25 }, (_, k) => store(i + k)))
  }
}

const startStage = async (t: Test, provider = 'embedded'): Promise<BulkStage> => {
  const stage = await startBulkStage(t, { provider })
  await fill(stage)
  return stage
}

const listed = async (stage: BulkStage, prefix: string): Promise<readonly string[]> => {
  const { text } = await stage.direct({ path: `/${BUCKET}?list-type=2&prefix=${prefix}` })
  return [...text.matchAll(/<Key>([^<]+)<\/Key>/g)].map(([, key = '']) => key)
}

const PUT_OBJECTS = /^\/data\/o\//

/** Counts writes of objects, by name; what is not an object of the stage does not count. */
const countWrites = (stage: BulkStage): ReadonlyMap<string, number> => {
  const writes = new Map<string, number>()
  stage.faults.add({
    on: ({ method, rawPath }) => {
      if (method === 'PUT' && PUT_OBJECTS.test(rawPath)) {
        writes.set(rawPath, (writes.get(rawPath) ?? 0) + 1)
      }
      return false
    },
    misbehave: { kind: 'delay', ms: 0 },
  })
  return writes
}

const rekeyShard = (stage: BulkStage, shard: number, shards: number) =>
  stage.run('rekey', 's3://data', '--shard', `${shard}/${shards}`, '--job', 'j', '--json')

for (const provider of ['embedded', 'generic']) {
  t.test(`shards at once do all of it, each object once (profile ${provider})`, async t => {
    const stage = await startStage(t, provider)
    const outcomes = await Promise.all([0, 1, 2].map(shard => rekeyShard(stage, shard, 3)))
    for (const { code, err } of outcomes) t.equal(code, 0, err)
    const lines = outcomes.flatMap(({ out }) => out.trim().split('\n').slice(0, -1))
    const rewritten = lines.map(line => JSON.parse(line)).filter(one => one.result === 'rewritten')
    t.equal(new Set(rewritten.map(({ key }) => key)).size, OBJECTS, 'all of them')
    t.equal(rewritten.length, OBJECTS, 'none twice')
    const busy = outcomes.filter(({ out }) => out.includes('rewritten'))
    t.ok(busy.length > 1, 'by several')
    const whole = await stage.run('rekey', 's3://data', '--job', 'j')
    t.equal(whole.code, 0, whole.err)
    t.match(whole.out, new RegExp(`^rewritten +${OBJECTS} `, 'm'))
  })
}

t.test('ledgers are encrypted as all else, never counted, never rewritten', async t => {
  const stage = await startStage(t)
  t.equal((await rekeyShard(stage, 0, 1)).code, 0)
  const ledgers = await listed(stage, '.ssec-proxy/j/')
  t.ok(ledgers.includes('.ssec-proxy/j/plan.json'))
  t.ok(ledgers.length > 2)
  for (const ledger of ledgers) {
    t.equal((await stage.direct({ path: `/${BUCKET}/${ledger}` })).status, 400)
    const { status, text } = await stage.direct({
      path: `/${BUCKET}/${ledger}`,
      headers: tripleOf('v2'),
    })
    t.equal(status, 200)
    t.notOk(text.includes(keyText('v2')))
  }
  stage.writeKeyring('v3', 'v2', 'v1')
  const again = await stage.run('rekey', 's3://data')
  t.match(again.out, new RegExp(`^rewritten +${OBJECTS} `, 'm'))
  t.match((await stage.run('audit', 's3://data')).out, new RegExp(`^in all +${OBJECTS} `, 'm'))
})

t.test(
  'a shard that denies in the middle goes on from there, and rewrites nothing again',
  async t => {
    const stage = await startStage(t)
    const writes = countWrites(stage)
    const isLate = ({ method, rawPath }: { method: string; rawPath: string }): boolean =>
      method === 'PUT' && rawPath >= `/data/${nameOf(300)}` && PUT_OBJECTS.test(rawPath)
    stage.faults.add({
      on: isLate,
      misbehave: { kind: 'status', status: 403, code: 'AccessDenied' },
    })
    const first = await rekeyShard(stage, 0, 1)
    t.equal(first.code, 2)
    t.match(first.err, /refuses one object after the other.*same command goes on/)
    const partly = await stage.run('rekey', 's3://data', '--job', 'j')
    t.equal(partly.code, 2, 'the job is not done')
    stage.faults.clear()
    const early = [...writes].filter(([path]) => path < `/data/${nameOf(300)}`)
    const before = early.length
    t.equal(before, 300)
    const counted = countWrites(stage)
    t.equal((await rekeyShard(stage, 0, 1)).code, 0)
    t.equal(counted.size, OBJECTS - before)
    t.equal((await stage.run('audit', 's3://data', '--newest')).code, 0)
  },
)

t.test('single failures make the shard try again what failed, and that alone', async t => {
  const stage = await startStage(t)
  const path = `/data/${nameOf(123)}`
  stage.faults.add({
    on: ({ method, rawPath }) => method === 'PUT' && rawPath === path,
    misbehave: { kind: 'status', status: 403, code: 'AccessDenied' },
  })
  t.equal((await rekeyShard(stage, 0, 1)).code, 3)
  stage.faults.clear()
  const writes = countWrites(stage)
  t.equal((await rekeyShard(stage, 0, 1)).code, 0)
  t.strictSame([...writes.keys()], [path])
})

t.test('a shard that is done takes what others have not begun', async t => {
  const stage = await startStage(t)
  const { code, out } = await rekeyShard(stage, 1, 3)
  t.equal(code, 0)
  t.equal(out.trim().split('\n').length - 1, OBJECTS, 'the others never came')
  t.equal((await stage.run('rekey', 's3://data', '--job', 'j')).code, 0)
})

t.test('where the provider cannot tell two apart, each keeps to its own', async t => {
  const stage = await startStage(t, 'generic')
  await rekeyShard(stage, 1, 3)
  const { code, err } = await stage.run('rekey', 's3://data', '--job', 'j')
  t.equal(code, 2, 'the others are missing')
  t.match(err, /Stopped before the end/)
})

t.test('audits of shards add up to that of the whole, and so does the report', async t => {
  const stage = await startStage(t)
  const whole = await stage.run('audit', 's3://data')
  t.equal(whole.code, 3)
  for (const shard of [0, 1]) {
    const words = ['--shard', `${shard}/2`, '--job', 'a']
    const { code, err } = await stage.run('audit', 's3://data', ...words)
    t.ok([0, 3].includes(code), err)
  }
  const words = ['--job', 'a', '--report', 'page.html']
  const merged = await stage.run('audit', 's3://data', ...words)
  t.equal(merged.code, 3)
  t.equal(merged.out, whole.out)
  t.match(readFileSync(join(stage.folder, 'page.html'), 'utf8'), />50\.00 %</)
})

t.test('a job is one thing with one number of shards', async t => {
  const stage = await startStage(t)
  const run = (...words: string[]) => stage.run(...words, '--job', 'j')
  t.equal((await run('rekey', 's3://data', '--dry-run', '--shard', '0/2')).code, 0)
  for (const [words, said] of [
    [['rekey', 's3://data', '--shard', '0/2'], /about something else/],
    [['rekey', 's3://data', '--dry-run', '--shard', '0/3'], /begun with 2 shards, not 3/],
    [['audit', 's3://data'], /about something else/],
  ] as const) {
    const { code, err } = await run(...words)
    t.equal(code, 2)
    t.match(err, said)
  }
  t.match((await stage.run('audit', 's3://data', '--job', 'x')).err, /No shard of that job/)
})

t.test('what the command line gets wrong is said', async t => {
  const stage = await startBulkStage(t)
  for (const words of [
    ['--shard', '0/2'],
    ['--shard', '2/2', '--job', 'j'],
    ['--shard', '1', '--job', 'j'],
    ['--shard', '0/2000', '--job', 'j'],
    ['--shard', '0/2', '--job', 'j/k'],
    ['--shard', '0/2', '--job', 'j', '--ledger', 'l.json'],
  ]) {
    t.equal((await stage.run('audit', 's3://data', ...words)).code, 1, words.join(' '))
  }
})

t.test('where no rule lets the client write ledgers, that is said', async t => {
  const stage = await startBulkStage(t, {
    rules: [
      { name: 'own', prefixes: ['.ssec-proxy/'], operations: ['write'], deny: true },
      { name: 'default', buckets: ['*'], encrypt: { keyring: 'main' } },
    ],
  })
  const { code, err } = await stage.run('audit', 's3://data', '--shard', '0/2', '--job', 'j')
  t.equal(code, 1)
  t.match(err, /Shards keep their ledgers under \.ssec-proxy\/.*client app may not write/)
})

t.test('a ledger that is not confirmed to be encrypted does not stay', async t => {
  const stage = await startStage(t)
  stage.faults.add({
    on: ({ method, rawPath }) => method === 'PUT' && rawPath.includes('.ssec-proxy'),
    misbehave: { kind: 'ignoreSseC' },
  })
  const { code } = await rekeyShard(stage, 0, 2)
  t.equal(code, 1)
  t.strictSame(await listed(stage, '.ssec-proxy/'), [])
})
