import fc from 'fast-check'
import t, { type Test } from 'tap'
import type { FrontKind } from '../../lib/config/config.ts'
import { createRawTransport } from '../../lib/transport/raw/raw.ts'
import { createUndiciTransport } from '../../lib/transport/undici.ts'
import { createCertificate } from '../support/certificate.ts'
import { FAST, type Manner, SLOW } from './bodies.ts'
import { type Outcome, openRoute, type Route, type Scheme, type Trip } from './route.ts'
import { SpoilingPool } from './spoiling-pool.ts'
import { until } from './stage.ts'

const KiB = 1024
const MiB = 1024 * KiB
const around = (size: number): readonly number[] => [size - 1, size, size + 1]

/** Around every size at which a buffer ends, a slab is swapped, or a record is begun. */
const SIZES: readonly number[] = [
  0,
  1,
  ...[16 * KiB, 64 * KiB, 256 * KiB, MiB].flatMap(around),
  8 * MiB + 7,
]

const KINDS: readonly Pick<Trip, 'method' | 'framing'>[] = [
  { method: 'GET', framing: 'length' },
  { method: 'GET', framing: 'chunked' },
  { method: 'PUT', framing: 'length' },
]

const PACES: readonly Pick<Trip, 'client' | 'upstream'>[] = [
  { client: FAST, upstream: FAST },
  { client: SLOW, upstream: FAST },
  { client: FAST, upstream: SLOW },
]

const certificate = createCertificate('localhost', '127.0.0.1')

/** `npm run bench:soak`: the same at large. */
const isSoak = process.env['SOAK'] !== undefined
const LARGE: readonly number[] = isSoak ? [64 * MiB - 1, 1024 * MiB + 7] : []
const BREAKS = isSoak ? 12 : 3

/** As many at a time as share slabs and connections, so that one body's bytes could reach another. */
const AT_ONCE = 8

const all = async (route: Route, trips: readonly Trip[]): Promise<readonly Outcome[]> => {
  const outcomes: Outcome[] = []
  let next = 0
  const keepBusy = async (): Promise<void> => {
    for (let at = next++; at < trips.length; at = next++) {
      const trip = trips[at]
      if (trip !== undefined) outcomes[at] = await route.travel(trip)
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, keepBusy))
  return outcomes
}

const nameOf = ({ method, framing, size, client, upstream }: Trip): string =>
  JSON.stringify({ method, framing, size, client, upstream })

const whole = (sizes: readonly number[]): readonly Trip[] =>
  sizes.flatMap(size => KINDS.flatMap(kind => PACES.map(pace => ({ ...kind, ...pace, size }))))

const someBreak = (size: number): fc.Arbitrary<Pick<Trip, 'client' | 'upstream'>> =>
  fc
    .record({ breakAt: fc.nat(size), atClient: fc.boolean(), isSlow: fc.boolean() })
    .map(({ breakAt, atClient, isSlow }) => {
      const broken: Manner = { ...(isSlow ? SLOW : FAST), breakAt }
      return atClient ? { client: broken, upstream: FAST } : { client: FAST, upstream: broken }
    })

/** Broken at random, the same for one seed. */
const broken = (sizes: readonly number[], seed: number): readonly Trip[] =>
  sizes.flatMap(size =>
    KINDS.flatMap((kind, index) =>
      fc
        .sample(someBreak(size), { numRuns: BREAKS, seed: seed + index })
        .map(manners => ({ ...kind, ...manners, size })),
    ),
  )

const check = async (
  t: Test,
  route: Route,
  sizes: readonly number[],
  seed: number,
): Promise<void> => {
  const trips = whole(sizes)
  for (const [at, outcome] of (await all(route, trips)).entries()) {
    const trip = trips[at]
    if (trip === undefined) continue
    t.strictSame(outcome, { length: trip.size, isTrue: true, isComplete: true }, nameOf(trip))
  }
  const breaks = broken(sizes, seed)
  for (const [at, outcome] of (await all(route, breaks)).entries()) {
    const trip = breaks[at]
    if (trip === undefined) continue
    const isHonest = outcome?.isTrue && (!outcome.isComplete || outcome.length === trip.size)
    t.ok(isHonest, `${nameOf(trip)}: ${JSON.stringify(outcome)}`)
  }
}

const ROUTES: readonly (readonly [client: Scheme, upstream: Scheme, sizes: readonly number[]])[] = [
  ['http', 'http', SIZES],
  ['http', 'https', SIZES],
  ['https', 'https', [1, 64 * KiB + 1, 256 * KiB, MiB + 1, 8 * MiB + 7]],
]

/** node:http reads into buffers of its own, so that fewer sizes are boundaries there. */
const SOME_SIZES: readonly number[] = [0, 1, 64 * KiB + 1, 256 * KiB, MiB + 1, 8 * MiB + 7]

const EACH: readonly (readonly [FrontKind, Scheme, Scheme, readonly number[]])[] = ROUTES.flatMap(
  ([client, upstream, sizes]) => [
    ['fast', client, upstream, sizes],
    ['node', client, upstream, isSoak ? sizes : SOME_SIZES],
  ],
)

for (const [front, client, upstream, sizes] of EACH) {
  const name = `raw behind ${front}, ${client} to ${upstream}`
  t.test(`${name}: identical or cleanly refused, no slab lost`, async t => {
    const slabs = new SpoilingPool()
    const route = await openRoute(t, { client, upstream, front }, certificate, at =>
      createRawTransport([at], { slabs }),
    )
    const seed = Date.now() % 1_000_000
    t.comment(`seed ${seed}`)
    await check(t, route, [...sizes, ...LARGE], seed)
    await until(() => slabs.lent === 0)
    await route.close()
    t.equal(slabs.lent, 0)
  })
}

t.test('undici behind fast, http to https: identical or cleanly refused', async t => {
  const schemes = { client: 'http', upstream: 'https', front: 'fast' } as const
  const route = await openRoute(t, schemes, certificate, at => createUndiciTransport([at]))
  await check(t, route, [0, 1, 64 * KiB + 1, MiB + 1], 1)
  await route.close()
})
