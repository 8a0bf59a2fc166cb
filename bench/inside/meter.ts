import { createHook } from 'node:async_hooks'
import { setImmediate } from 'node:timers/promises'

/** What one request takes. */
export interface Taken {
  readonly microseconds: number
  readonly kibibytes: number
  readonly promises: number
  /** Maps made: of headers, mostly. */
  readonly maps: number
  /** Those of them that are copies of another. */
  readonly copies: number
}

type Run = (requests: number) => Promise<void>

const WARM_UP = 6000
const TIMED = 5000
const COUNTED = 500

/** Rounds of timing, of which the least disturbed counts. */
const ROUNDS = 4

/**
 * Measures `run` on a warm machine: CPU time, and bytes of heap where the process was started with `--expose-gc`.
 *
 * @throws {Error} without `--expose-gc`
 */
export const measure = async (run: Run): Promise<Taken> => {
  await run(WARM_UP)
  const rounds: number[] = []
  for (let round = 0; round < ROUNDS; round++) rounds.push(await microseconds(run))
  const kibibytes = Math.min(await allocated(run), await allocated(run), await allocated(run))
  return { microseconds: Math.min(...rounds), kibibytes, ...(await counted(run)) }
}

/** CPU time of one request. */
export const microseconds = async (run: Run): Promise<number> => {
  const before = process.cpuUsage()
  await run(TIMED)
  const { user, system } = process.cpuUsage(before)
  return (user + system) / TIMED
}

// A run this short fits into the young generation, so that nothing is collected before it is counted.
const allocated = async (run: Run): Promise<number> => {
  const { gc } = globalThis
  if (gc === undefined) throw new Error('start node with --expose-gc')
  gc()
  const before = process.memoryUsage().heapUsed
  await run(COUNTED)
  return (process.memoryUsage().heapUsed - before) / COUNTED / 1024
}

const counted = async (run: Run): Promise<Pick<Taken, 'promises' | 'maps' | 'copies'>> => {
  let promises = 0
  const hook = createHook({
    init: (_id, type) => {
      if (type === 'PROMISE') promises += 1
    },
  })
  const { Map: Usual } = globalThis
  let maps = 0
  let copies = 0
  class CountedMap<K, V> extends Usual<K, V> {
    constructor(entries?: Iterable<readonly [K, V]> | null) {
      super(entries)
      maps += 1
      if (entries instanceof Usual) copies += 1
    }
  }
  globalThis.Map = CountedMap as MapConstructor
  hook.enable()
  try {
    await run(COUNTED)
    await setImmediate()
  } finally {
    hook.disable()
    globalThis.Map = Usual
  }
  return { promises: promises / COUNTED, maps: maps / COUNTED, copies: copies / COUNTED }
}
