import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { type BulkStage, startBulkStage } from '../support/bulk.ts'

const OBJECTS = 60

/** Objects stored in every way: `new/` under v2, `old/` under v1, `plain/`, `foreign/`, `kms/`. */
const fill = async (stage: BulkStage): Promise<void> => {
  await stage.store('new/a b+ü&<.txt', 'one', 'v2')
  await stage.store('new/b', 'two', 'v2')
  await stage.store('old/a', 'three', 'v1')
  await stage.store('plain/a', 'four')
  await stage.store('foreign/a', 'five', 'somebody else')
}

const fillAll = async (stage: BulkStage): Promise<void> => {
  for (let i = 0; i < OBJECTS; i++) {
    await stage.store(`o/${String(i).padStart(3, '0')}`, `${i}`, i % 3 === 0 ? 'v1' : 'v2')
  }
}

interface Line {
  readonly key?: string
  readonly stored?: string
  readonly covered?: boolean
}

const linesOf = (out: string): readonly Line[] =>
  out
    .trim()
    .split('\n')
    .map(line => JSON.parse(line))

const startStage = async (t: Test, provider?: string): Promise<BulkStage> =>
  startBulkStage(t, provider === undefined ? {} : { provider })

for (const provider of ['embedded', 'minio', 'aws', 'generic']) {
  t.test(`tells how each object is stored (profile ${provider})`, async t => {
    const stage = await startStage(t, provider)
    await fill(stage)
    const { code, out, err } = await stage.run('audit', 's3://data', '--json')
    t.equal(code, 3, err)
    const lines = linesOf(out)
    t.strictSame(
      lines.slice(0, -1).map(({ key, stored, covered }) => [key, stored, covered]),
      [
        ['foreign/a', 'unreadable', false],
        ['new/a b+ü&<.txt', 'main/v2', true],
        ['new/b', 'main/v2', true],
        ['old/a', 'main/v1', true],
        ['plain/a', 'plaintext', false],
      ],
    )
    t.match(lines.at(-1), { summary: { all: { objects: 5 }, covered: { objects: 3 } } })
  })
}

t.test('the exit code is 0 only when all is as the rules say', async t => {
  const stage = await startStage(t)
  await fill(stage)
  t.equal((await stage.run('audit', 's3://data/new/')).code, 0)
  t.equal((await stage.run('audit', 's3://data/old/')).code, 0)
  t.equal((await stage.run('audit', 's3://data/old/', '--newest')).code, 3)
  const nothing = await stage.run('audit', 's3://data/nothing/')
  t.equal(nothing.code, 0)
  t.match(nothing.out, /100\.00 % as the rules say/)
})

t.test('where the rules pass through, plaintext is as they say', async t => {
  const stage = await startStage(t)
  await stage.direct({ method: 'PUT', path: '/open' })
  await stage.direct({ method: 'PUT', path: '/open/a', body: 'x' })
  t.equal((await stage.run('audit', 's3://open')).code, 0)
})

t.test('the summary names what lacks, and by prefix', async t => {
  const stage = await startStage(t)
  await fill(stage)
  const { out } = await stage.run('audit', 's3://data')
  t.match(out, /^main\/v2 +2 +6 B$/m)
  t.match(out, /^plaintext +1 +4 B$/m)
  t.match(out, /^60\.00 % as the rules say$/m)
  t.match(out, /^plain\/ +0\.00 %$/m)
  t.notMatch(out, /^new\//m)
})

t.test('a report page stands on its own and says the same', async t => {
  const stage = await startStage(t)
  await fill(stage)
  await stage.store('<img src=x>/a', 'x')
  await stage.run('audit', 's3://data', '--report', 'page.html')
  const page = readFileSync(join(stage.folder, 'page.html'), 'utf8')
  t.match(page, /<svg/)
  t.match(page, />50\.00 %</)
  t.match(page, /&lt;img src=x&gt;\//)
  t.notMatch(page, /<img|<script|<link|url\(|href=/, 'it loads nothing')
})

t.test(
  'a provider that denies in the middle stops it, and the next run goes on from there',
  async t => {
    const stage = await startStage(t)
    await fillAll(stage)
    const isLate = ({ method, rawPath }: { method: string; rawPath: string }): boolean =>
      method === 'HEAD' && rawPath >= '/data/o/030'
    stage.faults.add({
      on: isLate,
      misbehave: { kind: 'status', status: 403, code: 'AccessDenied' },
    })
    const words = ['audit', 's3://data', '--json', '--ledger', 'l.json', '--concurrency', '4']
    const first = await stage.run(...words)
    t.equal(first.code, 2)
    t.match(first.err, /refuses one object after the other.*same command goes on/)
    const before = linesOf(first.out).map(({ key }) => key)
    stage.faults.clear()
    const second = await stage.run(...words)
    t.equal(second.code, 0, second.err)
    const lines = linesOf(second.out)
    t.equal(before.length, 30, 'none of the refused ones was counted')
    t.equal(lines[0]?.key, 'o/030')
    t.match(lines.at(-1), { summary: { all: { objects: OBJECTS }, covered: { objects: OBJECTS } } })
  },
)

t.test('503 SlowDown, errors and dropped connections are waited out', async t => {
  const stage = await startStage(t)
  await fillAll(stage)
  const slow = stage.faults.add({
    on: 'HeadObject',
    times: 15,
    misbehave: { kind: 'status', status: 503, code: 'SlowDown' },
  })
  const broken = stage.faults.add({
    on: 'ListObjectsV2',
    times: 2,
    misbehave: { kind: 'status', status: 500, code: 'InternalError' },
  })
  const { code, err } = await stage.run('audit', 's3://data')
  t.equal(code, 0, err)
  t.strictSame([slow(), broken()], [15, 2])
})

t.test('a ledger of another audit is not gone on from', async t => {
  const stage = await startStage(t)
  await fill(stage)
  await stage.run('audit', 's3://data/new/', '--ledger', 'l.json')
  const { code, err } = await stage.run('audit', 's3://data/old/', '--ledger', 'l.json')
  t.equal(code, 2)
  t.match(err, /about something else/)
})

t.test('no key is in what it prints or writes', async t => {
  const stage = await startStage(t)
  await fill(stage)
  const { out, err } = await stage.run(
    ...['audit', 's3://data', '--json', '--ledger', 'l.json', '--report', 'page.html'],
  )
  const keyring = readFileSync(join(stage.folder, 'keyring.yaml'), 'utf8')
  const keys = [...keyring.matchAll(/"key":"([^"]+)"/g)].map(([, key = '']) => key)
  t.equal(keys.length, 2)
  for (const key of keys) {
    for (const file of ['l.json', 'page.html']) {
      t.notOk(readFileSync(join(stage.folder, file), 'utf8').includes(key))
    }
    t.notOk(`${out}${err}`.includes(key))
  }
})
