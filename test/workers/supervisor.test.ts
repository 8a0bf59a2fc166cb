import { pino } from 'pino'
import t from 'tap'
import { restartDelay } from '../../lib/workers/backoff.ts'
import { Supervisor, type Worker } from '../../lib/workers/supervisor.ts'

/** A worker whose life the test decides. */
interface Puppet extends Worker {
  serve(): void
  crash(): void
  readonly isDraining: boolean
}

const createPuppet = (): Puppet => {
  let serve = (): void => undefined
  let refuse = (_: Error): void => undefined
  let end = (): void => undefined
  const ready = new Promise<readonly string[]>((resolve, reject) => {
    serve = () => resolve(['http://127.0.0.1:1'])
    refuse = reject
  })
  const over = new Promise<void>(resolve => {
    end = resolve
  })
  const puppet = {
    ready,
    over,
    isDraining: false,
    report: async () => ({ metrics: [], failures: [] }),
    serve: () => serve(),
    crash: () => {
      end()
      refuse(new Error('crashed'))
    },
    drain: () => {
      puppet.isDraining = true
      end()
    },
  }
  return puppet
}

/** Lets everything that is due happen. */
const settle = (): Promise<void> => new Promise(resolve => setImmediate(resolve))

/** A supervisor of puppets: those told to are ready at once. */
const stage = (count: number) => {
  const puppets: Puppet[] = []
  const waits: number[] = []
  const state = { starts: 'well' as 'well' | 'badly' | 'slowly', now: 0 }
  const supervisor = new Supervisor({
    count,
    start: () => {
      const puppet = createPuppet()
      puppets.push(puppet)
      if (state.starts === 'well') puppet.serve()
      if (state.starts === 'badly') puppet.crash()
      return puppet
    },
    log: pino({ level: 'silent' }),
    wait: async milliseconds => {
      waits.push(milliseconds)
    },
    now: () => state.now,
  })
  return { supervisor, puppets, waits, state }
}

t.test('as many workers start as were asked for, and all drain at the end', async t => {
  const { supervisor, puppets } = stage(3)
  await supervisor.start()
  t.equal(puppets.length, 3)
  t.strictSame(supervisor.where(), ['http://127.0.0.1:1'])
  t.equal((await supervisor.reports()).length, 3)
  await supervisor.stop()
  t.ok(puppets.every(({ isDraining }) => isDraining))
  await settle()
  t.equal(puppets.length, 3, 'what was told to end is not replaced')
})

t.test('a first worker that does not come up fails the start', async t => {
  const { supervisor, state } = stage(2)
  state.starts = 'badly'
  await t.rejects(supervisor.start(), /crashed/)
})

t.test('a worker that ends unasked is replaced', async t => {
  const { supervisor, puppets, waits } = stage(2)
  await supervisor.start()
  puppets[0]?.crash()
  await settle()
  t.equal(puppets.length, 3)
  t.strictSame(waits, [100])
  t.notOk(puppets[1]?.isDraining)
})

t.test('one that crashes again and again is given longer and longer rests', async t => {
  const { supervisor, puppets, waits, state } = stage(1)
  await supervisor.start()
  for (const _ of [1, 2, 3]) {
    puppets.at(-1)?.crash()
    await settle()
  }
  t.strictSame(waits, [100, 200, 400])
  state.now += 60_000
  puppets.at(-1)?.crash()
  await settle()
  t.equal(waits.at(-1), 100, 'one that served long has not the same trouble')
})

t.test('a successor that does not start is tried again', async t => {
  const { supervisor, puppets, waits, state } = stage(1)
  await supervisor.start()
  state.starts = 'badly'
  puppets[0]?.crash()
  for (let turns = 0; turns < 20 && waits.length < 3; turns++) await Promise.resolve()
  state.starts = 'well'
  await settle()
  t.ok(waits.length >= 3)
  t.ok((waits[2] ?? 0) > (waits[1] ?? 0))
  const before = puppets.length
  await settle()
  t.equal(puppets.length, before, 'once one serves, no further one is started')
})

t.test('rolling replaces all, and none leaves before its successor takes requests', async t => {
  const { supervisor, puppets, state } = stage(2)
  await supervisor.start()
  state.starts = 'slowly'
  const rolled = supervisor.roll()
  await settle()
  t.strictSame(
    puppets.map(({ isDraining }) => isDraining),
    [false, false, false],
    'the first waits for its successor',
  )
  puppets[2]?.serve()
  await settle()
  t.strictSame(
    puppets.map(({ isDraining }) => isDraining),
    [true, false, false, false],
  )
  puppets[3]?.serve()
  await rolled
  t.strictSame(
    puppets.map(({ isDraining }) => isDraining),
    [true, true, false, false],
  )
})

t.test('a successor that does not come up leaves the others in place', async t => {
  const { supervisor, puppets, state } = stage(2)
  await supervisor.start()
  state.starts = 'badly'
  await t.rejects(supervisor.roll(), /crashed/)
  t.strictSame(
    puppets.slice(0, 2).map(({ isDraining }) => isDraining),
    [false, false],
  )
})

t.test('no worker is left when it stops while one starts', async t => {
  const { supervisor, puppets, state } = stage(1)
  await supervisor.start()
  state.starts = 'slowly'
  const rolled = supervisor.roll()
  await settle()
  const stopped = supervisor.stop()
  puppets[1]?.serve()
  await Promise.all([rolled, stopped])
  t.ok(puppets.every(({ isDraining }) => isDraining))
})

t.test('the rests grow to ten seconds, and no longer', async t => {
  t.strictSame([0, 1, 2, 5, 8, 50].map(restartDelay), [100, 100, 200, 1600, 10_000, 10_000])
})
