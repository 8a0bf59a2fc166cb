import {
  mergeSums,
  type RekeyResult,
  rekeyOf,
  rekeyScope,
  rekey as runRekey,
} from '../rekey/rekey.ts'
import type { Done } from '../rekey/rekey-object.ts'
import { humanBytes } from '../walk/progress.ts'
import { WalkStopped } from '../walk/streak.ts'
import { askerOf, concurrencyOf, createAbort, untilSignal } from './bulk-options.ts'
import type { Io } from './io.ts'
import { type RekeyCommandOptions, workOf } from './rekey-options.ts'
import { EXIT } from './run.ts'
import { walkPart } from './shards.ts'
import { createShown } from './shown.ts'
import { type BucketPlace, parseBucketUrl, type Speaking, speaking } from './speaking.ts'
import { table } from './text.ts'

const line = ({ objectKey, size, ...end }: Done): string =>
  `${JSON.stringify({ key: objectKey, bytes: size, ...end })}\n`

/** A request for the listing's page, a HEAD to look, what the copy needs, a HEAD after it. */
const requestsNeeded = (ways: Readonly<Record<string, number>>): number =>
  2 * (ways['provider'] ?? 0) + 5 * (ways['streamed'] ?? 0)

interface Outcome extends RekeyResult {
  readonly requests: number
  readonly retries: number
  readonly needed: number
}

const summary = ({ sums, requests, retries, needed }: Outcome, dryRun: boolean): string => {
  const rows = Object.entries(sums).map(([result, { objects, bytes }]) => [
    result,
    String(objects),
    humanBytes(bytes),
  ])
  const more = dryRun ? `a run would need about ${needed} requests more\n` : ''
  return `${table([['result', 'objects', 'bytes'], ...rows])}\n${requests} requests, ${retries} of them again\n${more}`
}

const merge = (results: readonly RekeyResult[]): RekeyResult => ({
  sums: mergeSums(results.map(({ sums }) => sums)),
  finished: results.every(({ finished }) => finished),
})

/** Says what became of an object, and counts how it was, or would be, written. */
const createTold = ({ json }: RekeyCommandOptions, io: Io) => {
  const ways: Record<string, number> = {}
  const onDone = (done: Done): void => {
    if (done.way !== undefined) ways[done.way] = (ways[done.way] ?? 0) + 1
    if (json && done.result !== 'kept') io.stdout.write(line(done))
    else if (done.reason !== undefined) io.stderr.write(`${done.objectKey}: ${done.reason}\n`)
  }
  return { ways, onDone }
}

const carryOut = async (
  speaks: Speaking,
  place: BucketPlace,
  options: RekeyCommandOptions,
  io: Io,
): Promise<Outcome> => {
  const stopping = untilSignal()
  const abort = createAbort()
  const asker = askerOf(speaks.exchange, options, abort.signal)
  const range = { ...place, after: undefined, through: undefined, versions: false }
  const shown = createShown(io.stderr, asker, options.job === undefined ? range : undefined)
  const { ways, onDone } = createTold(options, io)
  const common = {
    concurrency: concurrencyOf(options),
    clock: () => performance.now(),
    onDone,
    onStanding: shown.onStanding,
    isOver: stopping.isOver,
  }
  try {
    const work = await workOf(speaks, place, asker, options, io)
    const result = await walkPart<RekeyResult>(speaks, options, io, {
      asker,
      range,
      scope: rekeyScope({ work, range }),
      run: (part, ledger) => runRekey({ ...common, work, range: part, ledger }).finally(shown.next),
      read: rekeyOf,
      merge,
    })
    const { requests, retries } = asker.counts
    return { ...result, requests, retries, needed: requestsNeeded(ways) }
  } finally {
    shown.end()
    abort.abort()
    stopping.dispose()
  }
}

const GO_ON = 'Nothing is lost: the same command goes on from there.'

const exitOf = ({ sums, finished }: Outcome): number => {
  if (!finished) return EXIT.failure
  const failed = (sums['failed']?.objects ?? 0) + (sums['changed']?.objects ?? 0)
  return failed === 0 ? EXIT.ok : EXIT.found
}

/** The command `rekey`: brings every object of a bucket to what its rule says, or to the provider's own method. */
export const rekey = async (url: string, options: RekeyCommandOptions, io: Io): Promise<number> => {
  const place = parseBucketUrl(url)
  const work = async (speaks: Speaking): Promise<number> => {
    const outcome = await carryOut(speaks, place, options, io)
    io.stdout.write(
      options.json
        ? `${JSON.stringify({ summary: outcome.sums, finished: outcome.finished })}\n`
        : summary(outcome, options.dryRun === true),
    )
    if (!outcome.finished) io.stderr.write(`Stopped before the end. ${GO_ON}\n`)
    return exitOf(outcome)
  }
  try {
    return await speaking(options, io, work, concurrencyOf(options))
  } catch (error) {
    if (!(error instanceof WalkStopped)) throw error
    io.stderr.write(`${error.message} ${GO_ON}\n`)
    return EXIT.failure
  }
}
