import { createHash } from 'node:crypto'
import t, { type Test } from 'tap'
import { type Probe, type Stretch, split } from '../../lib/shards/split.ts'
import { compareKeys } from '../../lib/walk/listing.ts'

const OBJECTS = 40_000
const LOOK = 100

const hash = (i: number): string => createHash('md5').update(`${i}`).digest('hex')
const digits = (i: number, count: number): string => String(i).padStart(count, '0')

/** How people name objects. */
const LAYOUTS: Readonly<Record<string, (i: number) => string>> = {
  'numbered files': i => `img_${digits(i, 9)}.jpg`,
  'numbers as they come': i => `${i}`,
  'hexadecimal digits': hash,
  base64url: i => createHash('sha256').update(`${i}`).digest('base64url'),
  'folders by date': i =>
    `logs/2026-${digits(1 + (i % 12), 2)}-${digits(1 + (i % 28), 2)}/${hash(i)}.gz`,
  'one folder of ten has nearly all': i =>
    i % 10 < 9 ? `data/hot/${hash(i)}` : `${'abcdfghijk'[(i % 97) % 10]}/${i}`,
  'three folders, each its own way': i =>
    [`photos/${digits(i, 8)}.jpg`, `backup/db/${hash(i)}`, `tmp/Zürich/${i}`][i % 3] ?? '',
  'many tenants of growing size': i =>
    `tenant-${Math.floor(Math.sqrt(i / 10))}/files/${hash(i).slice(0, 12)}`,
  'scripts beyond ASCII': i => `ключ/${['ä', 'ж', '日', '😀'][i % 4]}${i}`,
}

/** Object keys in the order of their bytes, and how many are not behind a key. */
const sorted = (keys: readonly string[]) => {
  const all = [...new Set(keys)].sort(compareKeys)
  const upTo = (key: string): number => {
    let [low, high] = [0, all.length]
    while (low < high) {
      const middle = (low + high) >> 1
      if (compareKeys(all[middle] ?? '', key) <= 0) low = middle + 1
      else high = middle
    }
    return low
  }
  return { all, upTo }
}

type Sorted = ReturnType<typeof sorted>

const probing = ({ all, upTo }: Sorted) => {
  const asked: (string | undefined)[] = []
  const probe: Probe = async after => {
    asked.push(after)
    const at = after === undefined ? 0 : upTo(after)
    return { keys: all.slice(at, at + LOOK), isTruncated: at + LOOK < all.length }
  }
  return { asked, probe }
}

const countsOf = ({ all, upTo }: Sorted, stretches: readonly Stretch[]): readonly number[] =>
  stretches.map(({ after, through }) => {
    const from = after === undefined ? 0 : upTo(after)
    return (through === undefined ? all.length : upTo(through)) - from
  })

/** Each stretch begins where the one before ends, the first at the beginning, and the last has no end. */
const checkWhole = (t: Test, stretches: readonly Stretch[]): void => {
  t.equal(stretches[0]?.after, undefined)
  t.equal(stretches.at(-1)?.through, undefined)
  t.strictSame(
    stretches.slice(1).map(({ after }) => after),
    stretches.slice(0, -1).map(({ through }) => through),
  )
}

/** The time of the busiest when each takes the next stretch that nobody has begun, as a share of the mean. */
const busiest = (counts: readonly number[], shards: number): number => {
  const loads = Array.from({ length: shards }, () => 0)
  for (const count of counts) {
    const least = loads.indexOf(Math.min(...loads))
    loads[least] = (loads[least] ?? 0) + count
  }
  return (Math.max(...loads) * shards) / counts.reduce((a, b) => a + b, 0)
}

for (const [name, nameOf] of Object.entries(LAYOUTS)) {
  t.test(`${name}: the stretches are even, and cost few looks`, async t => {
    const keys = sorted(Array.from({ length: OBJECTS }, (_, i) => nameOf(i)))
    const shards = 3
    const { asked, probe } = probing(keys)
    const stretches = await split(probe, '', 16 * shards)
    checkWhole(t, stretches)
    const counts = countsOf(keys, stretches)
    t.equal(
      counts.reduce((a, b) => a + b, 0),
      keys.all.length,
    )
    t.ok(busiest(counts, shards) < 1.5, `busiest: ${busiest(counts, shards).toFixed(2)}`)
    t.ok(asked.length <= 64 + 8 * 16 * shards, `${asked.length} looks`)
    t.equal(new Set(asked).size, asked.length, 'none was taken twice')
  })
}

t.test('looks in no more often where there are more objects', async t => {
  const looks = async (objects: number): Promise<number> => {
    const keys = sorted(Array.from({ length: objects }, (_, i) => digits(i, 9)))
    const { asked, probe } = probing(keys)
    await split(probe, '', 32)
    return asked.length
  }
  const [few, many] = [await looks(20_000), await looks(200_000)]
  t.ok(many < 2 * few, `${few} and ${many}`)
})

t.test('what is seen whole is not cut', async t => {
  for (const count of [0, 1, LOOK]) {
    const { asked, probe } = probing(sorted(Array.from({ length: count }, (_, i) => `${i}`)))
    t.strictSame(await split(probe, '', 32), [{ after: undefined, through: undefined }])
    t.equal(asked.length, 1)
  }
})

t.test('under a prefix all borders lie under it', async t => {
  const keys = sorted(Array.from({ length: 20_000 }, (_, i) => `logs/app/${hash(i)}`))
  const stretches = await split(probing(keys).probe, 'logs/app/', 8)
  checkWhole(t, stretches)
  for (const { after } of stretches.slice(1)) t.match(after, /^logs\/app\//)
})
