import { writeFile } from 'node:fs/promises'
import {
  type AuditResult,
  type AuditOptions as AuditWork,
  auditOf,
  auditScope,
  audit as runAudit,
} from '../audit/audit.ts'
import { reportPage } from '../audit/report.ts'
import {
  coverage,
  type Found,
  type Group,
  mergeTallies,
  percent,
  type Tally,
} from '../audit/tally.ts'
import { createPolicy } from '../policy/resolve.ts'
import type { Asker } from '../walk/asker.ts'
import { humanBytes } from '../walk/progress.ts'
import { WalkStopped } from '../walk/streak.ts'
import {
  askerOf,
  type BulkOptions,
  concurrencyOf,
  createAbort,
  untilSignal,
} from './bulk-options.ts'
import { type Io, toPath } from './io.ts'
import { EXIT } from './run.ts'
import { type ShardOptions, walkPart } from './shards.ts'
import { createShown, type Shown } from './shown.ts'
import {
  type BucketPlace,
  parseBucketUrl,
  type Speaking,
  type SpeakingOptions,
  speaking,
} from './speaking.ts'
import { table } from './text.ts'

export interface AuditOptions extends SpeakingOptions, BulkOptions, ShardOptions {
  readonly versions?: boolean
  readonly newest?: boolean
  readonly json?: boolean
  readonly report?: string
}

const sumRows = ({ states, all }: Group): readonly (readonly string[])[] => [
  ...Object.entries(states)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([state, sum]) => [state, String(sum.objects), humanBytes(sum.bytes)]),
  ['in all', String(all.objects), humanBytes(all.bytes)],
]

/** Lines of prefixes in the summary on a terminal; the report page has them all. */
const MOST_LINES = 20

const prefixRows = ({ prefixes }: Tally): readonly (readonly string[])[] =>
  Object.entries(prefixes)
    .filter(([, group]) => coverage(group) < 1)
    .slice(0, MOST_LINES)
    .map(([name, group]) => [name === '' ? '(top)' : name, percent(coverage(group))])

const summary = (tally: Tally): string => {
  const lacking = prefixRows(tally)
  const head = table([['stored', 'objects', 'bytes'], ...sumRows(tally.whole)])
  const share = `\n${percent(coverage(tally.whole))} as the rules say\n`
  return lacking.length === 0
    ? `${head}${share}`
    : `${head}${share}\nnot all of it:\n${table(lacking)}`
}

const line = ({ objectKey, versionId, size, state, isCovered }: Found): string =>
  `${JSON.stringify({ key: objectKey, versionId, bytes: size, stored: state, covered: isCovered })}\n`

const exitOf = ({ tally, finished }: AuditResult): number => {
  if (!finished) return EXIT.failure
  return coverage(tally.whole) === 1 ? EXIT.ok : EXIT.found
}

type Work = Omit<AuditWork, 'ledger'>

const workOf = (
  { ready, client }: Speaking,
  { bucket, prefix }: BucketPlace,
  options: AuditOptions,
  asker: Asker,
): Pick<
  Work,
  'asker' | 'policy' | 'keyrings' | 'client' | 'range' | 'concurrency' | 'newestOnly'
> => ({
  asker,
  policy: createPolicy(ready.config.rules),
  keyrings: ready.keyrings,
  client: client.name,
  range: {
    bucket,
    prefix,
    after: undefined,
    through: undefined,
    versions: options.versions === true,
  },
  concurrency: concurrencyOf(options),
  newestOnly: options.newest === true,
})

const merge = (results: readonly AuditResult[]): AuditResult => ({
  tally: mergeTallies(results.map(({ tally }) => tally)),
  finished: results.every(({ finished }) => finished),
})

const carryOut = async (
  speaks: Speaking,
  place: BucketPlace,
  options: AuditOptions,
  io: Io,
): Promise<AuditResult> => {
  const stopping = untilSignal()
  const abort = createAbort()
  const base = workOf(speaks, place, options, askerOf(speaks.exchange, options, abort.signal))
  const { asker, range } = base
  const shown: Shown = createShown(io.stderr, asker, options.job === undefined ? range : undefined)
  const work: Work = {
    ...base,
    now: () => performance.now(),
    onFound: found => {
      if (options.json) io.stdout.write(line(found))
    },
    onStanding: shown.onStanding,
    isOver: stopping.isOver,
  }
  const run = (part: Work['range'], ledger: AuditWork['ledger']): Promise<AuditResult> =>
    runAudit({ ...work, range: part, ledger }).finally(shown.next)
  try {
    const walking = { asker, range, scope: auditScope(base), run, read: auditOf, merge }
    return await walkPart(speaks, options, io, walking)
  } finally {
    shown.end()
    abort.abort()
    stopping.dispose()
  }
}

const goOnText = ({ ledger, shard }: AuditOptions): string =>
  ledger === undefined && shard === undefined ? '' : ' The same command goes on from there.'

/** The command `audit`: how every object of a bucket is stored, and whether that is as the rules say. */
export const audit = async (url: string, options: AuditOptions, io: Io): Promise<number> => {
  const place = parseBucketUrl(url)
  const work = async (speaks: Speaking): Promise<number> => {
    const result = await carryOut(speaks, place, options, io)
    const { tally, finished } = result
    io.stdout.write(
      options.json ? `${JSON.stringify({ summary: tally.whole, finished })}\n` : summary(tally),
    )
    if (options.report !== undefined) {
      const head = { place: url, client: speaks.client.name, date: io.now(), finished }
      await writeFile(toPath(io, options.report), reportPage(tally, head))
    }
    if (!finished) io.stderr.write(`Stopped before the end.${goOnText(options)}\n`)
    return exitOf(result)
  }
  try {
    return await speaking(options, io, work, concurrencyOf(options))
  } catch (error) {
    if (!(error instanceof WalkStopped)) throw error
    io.stderr.write(`${error.message}${goOnText(options)}\n`)
    return EXIT.failure
  }
}
