import { type LedgerStore, resume, Saver, type Standpoint } from '../walk/ledger.ts'
import { type Listed, list, type Range } from '../walk/listing.ts'
import type { Standing } from '../walk/progress.ts'
import { Streak, WalkStopped } from '../walk/streak.ts'
import { walk } from '../walk/walk.ts'
import { createRekeyObject, type Done, type RekeyWork } from './rekey-object.ts'

export interface RekeyOptions {
  readonly work: RekeyWork
  readonly range: Range
  readonly concurrency: number
  readonly ledger: LedgerStore
  readonly clock: () => number
  /** Told of every object, in the order of the listing. */
  readonly onDone: (done: Done) => void
  readonly onStanding: (standing: () => Omit<Standing, 'total'>) => void
  readonly isOver: () => boolean
}

export interface Sum {
  objects: number
  bytes: number
}

/** Objects that failed and are tried again by the next run with the same ledger. */
interface Failure {
  readonly objectKey: string
  readonly size: number
}

interface State extends Standpoint {
  readonly sums: Record<string, Sum>
  failures: Failure[]
  /** What an earlier run failed with, as far as this one has not come to it. */
  retry: Failure[]
  /** Whether it came to its end, be it with failures. */
  ended: boolean
}

export interface RekeyResult {
  readonly sums: Readonly<Record<string, Sum>>
  /** False when it was stopped before its end. */
  readonly finished: boolean
}

/** More failures than this are not remembered one by one: the next run then begins from the start. */
const MOST_FAILURES = 10_000

/** What a rekey's ledger is about, as text. */
export const rekeyScope = ({ work, range }: Pick<RekeyOptions, 'work' | 'range'>): string =>
  JSON.stringify(['rekey', work.client.name, range.bucket, range.prefix, work.goal, work.dryRun])

/** What a rekey had done when it last wrote its ledger. */
export const rekeyOf = (ledger: string): RekeyResult => {
  const { sums, ended } = JSON.parse(ledger) as State
  return { sums, finished: ended }
}

/** What several runs did, each in a part, as one. */
export const mergeSums = (all: readonly RekeyResult['sums'][]): RekeyResult['sums'] => {
  const merged: Record<string, Sum> = {}
  for (const [result, { objects, bytes }] of all.flatMap(sums => Object.entries(sums))) {
    const sum = merged[result] ?? { objects: 0, bytes: 0 }
    merged[result] = { objects: sum.objects + objects, bytes: sum.bytes + bytes }
  }
  return merged
}

const asListed = ({ objectKey, size }: Failure): Listed => ({
  objectKey,
  size,
  versionId: undefined,
  isLatest: true,
  etag: '',
})

async function* again(failures: readonly Failure[]): AsyncGenerator<Listed, void, void> {
  for (const failure of failures) yield asListed(failure)
}

const isFailure = ({ result }: Done): boolean => result === 'failed' || result === 'changed'

const add = ({ sums }: State, { result, size }: Done): void => {
  const sum = sums[result] ?? { objects: 0, bytes: 0 }
  sums[result] = sum
  sum.objects += 1
  sum.bytes += size
}

const newState = (scope: string, { range }: RekeyOptions): State => ({
  scope,
  after: range.after,
  afterVersion: undefined,
  finished: false,
  sums: {},
  failures: [],
  retry: [],
  ended: false,
})

/** Lines up what an earlier run failed with. */
const lineUp = (state: State): void => {
  state.retry = [...state.retry, ...state.failures]
  state.failures = []
  state.ended = false
  delete state.sums['failed']
  delete state.sums['changed']
}

/**
 * Brings every object of a range to what it shall be encrypted with. It may be killed at any moment: what was done is
 * seen to be done by the next run, and nothing is deleted before what replaces it was looked at.
 *
 * @throws {WalkStopped} when the provider does not answer, or refuses one object after the other
 */
export const rekey = async (options: RekeyOptions): Promise<RekeyResult> => {
  const { range, ledger, work } = options
  const scope = rekeyScope(options)
  const state = (await resume<State>(ledger, scope)) ?? newState(scope, options)
  const saver = new Saver(ledger, () => JSON.stringify(state), options.clock)
  const { after } = state
  try {
    lineUp(state)
    await pass(options, state, saver, again([...state.retry]), () => state.retry.shift())
    await pass(options, state, saver, list(work.asker, { ...range, after }), done => {
      state.after = done.objectKey
    })
    const hasFailures = state.failures.length > 0
    if (state.failures.length >= MOST_FAILURES) state.after = range.after
    state.ended = !options.isOver()
    state.finished = state.ended && !hasFailures
    return { sums: state.sums, finished: state.ended }
  } finally {
    await saver.finish()
  }
}

const pass = async (
  options: RekeyOptions,
  state: State,
  saver: Saver,
  items: AsyncIterable<Listed>,
  moveOn: (done: Done) => unknown,
): Promise<void> => {
  const streak = new Streak<Done>(done => {
    add(state, done)
    if (isFailure(done) && state.failures.length < MOST_FAILURES) {
      state.failures.push({ objectKey: done.objectKey, size: done.size })
    }
    moveOn(done)
    options.onDone(done)
    saver.touch()
  })
  await walk({
    items,
    concurrency: options.concurrency,
    work: createRekeyObject(options.work),
    passed: (_, done) => {
      streak.passed(done, done.result === 'failed')
      options.onStanding(() => standingOf(state))
    },
    isOver: () => options.isOver() || streak.isTooLong,
  })
  if (streak.isTooLong) {
    throw new WalkStopped('The storage provider refuses one object after the other.')
  }
  streak.flush()
}

const standingOf = ({ sums, failures }: State): Omit<Standing, 'total'> => {
  const all = Object.values(sums)
  return {
    objects: all.reduce((sum, { objects }) => sum + objects, 0),
    bytes: all.reduce((sum, { bytes }) => sum + bytes, 0),
    words: failures.length === 0 ? '' : `${failures.length} failed`,
  }
}
