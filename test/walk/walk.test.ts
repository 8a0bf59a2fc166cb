import t from 'tap'
import { tryPatiently, USUAL_BACKOFF, waitBefore } from '../../lib/walk/backoff.ts'
import { compareKeys, parsePage } from '../../lib/walk/listing.ts'
import { humanBytes, humanTime, Progress, progressLine } from '../../lib/walk/progress.ts'
import { createRate } from '../../lib/walk/rate.ts'
import { walk } from '../../lib/walk/walk.ts'

async function* numbers(count: number, taken: number[] = []) {
  for (let i = 0; i < count; i++) {
    taken.push(i)
    yield i
  }
}

const soon = (ms: number): Promise<void> => new Promise(resolve => setTimeout(resolve, ms))

t.test('works on so many at a time, and passes them in order', async t => {
  let now = 0
  let most = 0
  const passed: number[] = []
  await walk({
    items: numbers(200),
    concurrency: 7,
    work: async i => {
      now += 1
      most = Math.max(most, now)
      await soon(i % 5)
      now -= 1
      return i * 2
    },
    passed: (item, result) => {
      t.equal(result, item * 2)
      passed.push(item)
    },
  })
  t.equal(most, 7)
  t.strictSame(
    passed,
    Array.from({ length: 200 }, (_, i) => i),
  )
})

t.test('holds no more than a window of items when the first is slow', async t => {
  const taken: number[] = []
  let release = (): void => undefined
  const first = new Promise<void>(resolve => {
    release = resolve
  })
  const walking = walk({
    items: numbers(10_000, taken),
    concurrency: 4,
    work: i => (i === 0 ? first : Promise.resolve()),
    passed: () => undefined,
  })
  await soon(50)
  t.ok(taken.length <= 4 * 16 + 4, `${taken.length} taken`)
  release()
  await walking
  t.equal(taken.length, 10_000)
})

t.test(
  'a fault ends it, also when the window is full, and what comes before is passed',
  async t => {
    const passed: number[] = []
    const fails = walk({
      items: numbers(10_000),
      concurrency: 4,
      work: async i => {
        await soon(i === 3 ? 30 : 0)
        if (i === 3) throw new Error('broken')
      },
      passed: item => passed.push(item),
    })
    await t.rejects(fails, { message: 'broken' })
    t.strictSame(passed, [0, 1, 2])
  },
)

t.test('it stops when told to, with what is under way done', async t => {
  const passed: number[] = []
  await walk({
    items: numbers(1000),
    concurrency: 3,
    work: () => soon(1),
    passed: item => passed.push(item),
    isOver: () => passed.length >= 10,
  })
  t.ok(passed.length >= 10 && passed.length <= 13)
})

t.test('waits grow, with full jitter, up to a bound', t => {
  const at = (share: number) => ({ ...USUAL_BACKOFF, random: () => share })
  t.strictSame(
    [0, 1, 2, 5, 20].map(failed => waitBefore(failed, at(0.5))),
    [50, 100, 200, 1600, 10_000],
  )
  t.equal(waitBefore(9, at(0)), 0)
  t.end()
})

t.test('tries until the outcome is no passing fault, or enough is enough', async t => {
  const waits: number[] = []
  const backoff = {
    ...USUAL_BACKOFF,
    tries: 4,
    random: () => 1,
    sleep: async (ms: number) => void waits.push(ms),
  }
  const { signal } = new AbortController()
  let count = 0
  const once = async () => ++count
  t.equal(await tryPatiently(once, outcome => outcome < 3, backoff, signal), 3)
  t.strictSame(waits, [100, 200])
  t.equal(await tryPatiently(once, () => true, backoff, signal), 7, 'the last one stands')
})

t.test('a rate spaces what would come at once', async t => {
  let now = 0
  const slept: number[] = []
  const turn = createRate(10, { now: () => now, sleep: async ms => void slept.push(ms) })
  await Promise.all([turn(), turn(), turn()])
  t.strictSame(slept, [100, 200])
  now = 1000
  await turn()
  t.strictSame(slept, [100, 200], 'what was not used is not saved up, and not owed')
  t.end()
})

t.test('reads pages as providers write them', t => {
  const page = parsePage(
    '<ListBucketResult><EncodingType>url</EncodingType><IsTruncated>true</IsTruncated><Contents><Key>a+b%2Bc%C3%BC</Key><ETag>&quot;0a&quot;</ETag><Size>7</Size></Contents><Contents><ETag>"0b"</ETag><Key>d</Key><Size>0</Size><Owner><ID>x</ID></Owner></Contents></ListBucketResult>',
  )
  t.match(page.entries, [
    { objectKey: 'a b+cü', etag: '0a', size: 7, versionId: undefined, isLatest: true },
    { objectKey: 'd', etag: '0b', size: 0 },
  ])
  t.match(page, { isTruncated: true, nextKey: 'd' })
  const versions = parsePage(
    '<ListVersionsResult><IsTruncated>true</IsTruncated><NextKeyMarker>a+b</NextKeyMarker><NextVersionIdMarker>3</NextVersionIdMarker><Version><Key>a+b</Key><VersionId>4</VersionId><IsLatest>true</IsLatest><Size>1</Size></Version><DeleteMarker><Key>c</Key></DeleteMarker><Version><Key>a+b</Key><VersionId>3</VersionId><IsLatest>false</IsLatest><Size>1</Size></Version></ListVersionsResult>',
  )
  t.match(versions.entries, [
    { objectKey: 'a+b', versionId: '4', isLatest: true },
    { objectKey: 'a+b', versionId: '3', isLatest: false },
  ])
  t.match(versions, { nextKey: 'a+b', nextVersion: '3' })
  t.end()
})

t.test('keys are ordered by their bytes, as listings are', t => {
  // UTF-16 would have it the other way round.
  t.ok(compareKeys('\u{fb01}', '\u{1f600}') < 0)
  t.ok('\u{fb01}' > '\u{1f600}')
  t.end()
})

t.test('progress is one line over itself on a terminal, and lines elsewhere', t => {
  const standing = { objects: 500, bytes: 3 * 1024 ** 3, total: 1000, words: '2 failed' }
  const line =
    '[############............] 50% 500 of 1000 objects, 3.0 GiB, 50/s, 2 failed, 10 s left'
  t.equal(progressLine(standing, 500, 10), line)
  t.equal(
    progressLine({ ...standing, total: undefined }, 500, 10),
    '500 objects, 3.0 GiB, 50/s, 2 failed',
  )
  /** @param before passed by an earlier run, of which this one's rate says nothing */
  const show = (isTTY: boolean, before: number): string => {
    let text = ''
    let now = 0
    const terminal = { isTTY, columns: 200, write: (more: string) => (text += more) }
    const progress = new Progress(terminal, () => now)
    const passed = (): number => before + ((500 - before) * now) / 10_000
    for (; now <= 10_000; now += 100) progress.show(() => ({ ...standing, objects: passed() }))
    progress.end()
    return text
  }
  const lines = show(true, 400).split('\r\u001b[K')
  t.ok(lines.length > 10)
  t.ok(lines.slice(1, -1).every(each => /^\[#{10,}\.+\] .*, 10\/s, /.test(each)))
  t.equal(lines.at(-1), '', 'nothing is left of it')
  t.equal(show(false, 0), `${line}\n`)
  t.end()
})

t.test('figures are for people', t => {
  t.strictSame([0, 1023, 1024, 1.5 * 1024 ** 4].map(humanBytes), [
    '0 B',
    '1023 B',
    '1.0 KiB',
    '1.5 TiB',
  ])
  t.strictSame([0.2, 59, 60, 3599, 3900].map(humanTime), [
    '1 s',
    '59 s',
    '1 min',
    '1 h 00 min',
    '1 h 05 min',
  ])
  t.end()
})
