import { readFile } from 'node:fs/promises'
import { type CustomerKey, customerKey } from '../keys/customer-key.ts'
import { createPolicy } from '../policy/resolve.ts'
import { type RekeyResult, rekey as runRekey } from '../rekey/rekey.ts'
import type { Done, RekeyWork } from '../rekey/rekey-object.ts'
import type { Goal } from '../rekey/target.ts'
import type { Asker } from '../walk/asker.ts'
import { humanBytes, Progress } from '../walk/progress.ts'
import { WalkStopped } from '../walk/streak.ts'
import {
  askerOf,
  type BulkOptions,
  concurrencyOf,
  createAbort,
  ledgerOf,
  untilSignal,
} from './bulk-options.ts'
import { type Io, toPath, UsageError } from './io.ts'
import { EXIT } from './run.ts'
import {
  type BucketPlace,
  parseBucketUrl,
  type Speaking,
  type SpeakingOptions,
  speaking,
} from './speaking.ts'
import { table } from './text.ts'

export interface RekeyCommandOptions extends SpeakingOptions, BulkOptions {
  readonly to?: string
  readonly fromKeyFile?: string
  readonly dryRun?: boolean
  readonly acl?: boolean
  readonly verify: string
  readonly deletePrevious?: boolean
  readonly json?: boolean
}

const parseGoal = (to: string | undefined): Goal => {
  if (to === undefined) return { kind: 'rule' }
  if (to === 'sse-s3') return { kind: 'method', method: 'AES256', keyId: undefined }
  const [, keyId] = /^kms(?::(.+))?$/.exec(to) ?? ['', null]
  if (keyId !== null) return { kind: 'method', method: 'aws:kms', keyId }
  throw new UsageError('--to wants kms, kms:KEYID or sse-s3; left out: as the rules say.')
}

const KEY_BYTES = 32

/** The key of another tool: 32 raw bytes, or their base64. */
const readForeignKey = async (path: string): Promise<CustomerKey> => {
  const bytes = await readFile(path)
  const key = bytes.length === KEY_BYTES ? bytes : Buffer.from(bytes.toString('latin1'), 'base64')
  if (key.length === KEY_BYTES) return customerKey('key-file', 'foreign', key)
  throw new UsageError(
    '--from-key-file wants a file with a key of 32 bytes, as they are or as base64.',
  )
}

const foreignKeys = async ({ fromKeyFile }: RekeyCommandOptions, io: Io): Promise<CustomerKey[]> =>
  fromKeyFile === undefined ? [] : [await readForeignKey(toPath(io, fromKeyFile))]

const parseVerify = (text: string): boolean => {
  if (text === 'head' || text === 'full') return text === 'full'
  throw new UsageError('--verify wants head or full.')
}

const workOf = async (
  { ready, client }: Speaking,
  { bucket }: BucketPlace,
  asker: Asker,
  options: RekeyCommandOptions,
  io: Io,
): Promise<RekeyWork> => ({
  asker,
  policy: createPolicy(ready.config.rules),
  keyrings: ready.keyrings,
  client,
  bucket,
  goal: parseGoal(options.to),
  foreign: await foreignKeys(options, io),
  dryRun: options.dryRun === true,
  keepAcl: options.acl === true,
  fullVerify: parseVerify(options.verify),
  deletePrevious: options.deletePrevious === true,
  now: io.now,
})

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

const carryOut = async (
  speaks: Speaking,
  place: BucketPlace,
  options: RekeyCommandOptions,
  io: Io,
): Promise<Outcome> => {
  const stopping = untilSignal()
  const abort = createAbort()
  const asker = askerOf(speaks.exchange, options, abort.signal)
  const progress = new Progress(io.stderr, () => performance.now(), 0)
  const ways: Record<string, number> = {}
  try {
    const result = await runRekey({
      work: await workOf(speaks, place, asker, options, io),
      range: { ...place, after: undefined, before: undefined, versions: false },
      concurrency: concurrencyOf(options),
      ledger: ledgerOf(options, io),
      clock: () => performance.now(),
      onDone: done => {
        if (done.way !== undefined) ways[done.way] = (ways[done.way] ?? 0) + 1
        if (options.json && done.result !== 'kept') io.stdout.write(line(done))
        else if (done.reason !== undefined) io.stderr.write(`${done.objectKey}: ${done.reason}\n`)
      },
      onStanding: standing => progress.show(() => ({ ...standing(), total: undefined })),
      isOver: stopping.isOver,
    })
    const { requests, retries } = asker.counts
    return { ...result, requests, retries, needed: requestsNeeded(ways) }
  } finally {
    progress.end()
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
