import { createPolicy } from '../policy/resolve.ts'
import { createDocuments } from '../shards/documents.ts'
import { readLedgers, type Share, type SharedWalk, workShare } from '../shards/job.ts'
import type { Asker } from '../walk/asker.ts'
import type { LedgerStore } from '../walk/ledger.ts'
import type { Range } from '../walk/listing.ts'
import { type BulkOptions, ledgerOf } from './bulk-options.ts'
import { type Io, UsageError } from './io.ts'
import type { Speaking } from './speaking.ts'

/** How a bulk command is told its part. */
export interface ShardOptions {
  readonly shard?: string
  readonly job?: string
}

/** All of it, one of so many parts, or what came of the parts. */
type Part =
  | { readonly kind: 'whole' }
  | { readonly kind: 'share'; readonly job: string; readonly share: Share }
  | { readonly kind: 'outcome'; readonly job: string }

/** Beyond that, a provider is the bound. */
const MOST_SHARDS = 1024

const parseShare = (text: string): Share => {
  const [, shard, shards] = (/^(\d{1,4})\/(\d{1,4})$/.exec(text) ?? []).map(Number)
  if (shard !== undefined && shards !== undefined && shard < shards && shards <= MOST_SHARDS) {
    return { shard, shards }
  }
  throw new UsageError(
    `--shard wants I/N, such as 0/4 to 3/4 for four of them; ${MOST_SHARDS} at most.`,
  )
}

const parseJob = (text: string): string => {
  if (/^[a-z0-9][a-z0-9.-]{0,62}$/.test(text)) return text
  throw new UsageError('--job wants a name of small letters, digits, dots and dashes.')
}

const partOf = ({ shard, job, ledger }: ShardOptions & BulkOptions): Part => {
  if (job === undefined && shard === undefined) return { kind: 'whole' }
  if (job === undefined) throw new UsageError('--shard wants --job, a name that all shards share.')
  if (ledger !== undefined) {
    throw new UsageError('A job has its ledgers in the bucket: leave --ledger out.')
  }
  return shard === undefined
    ? { kind: 'outcome', job: parseJob(job) }
    : { kind: 'share', job: parseJob(job), share: parseShare(shard) }
}

/** What a bulk command does with a stretch of the object keys. */
export interface Walking<R extends { readonly finished: boolean }> {
  readonly asker: Asker
  readonly range: Range
  readonly scope: string
  run(range: Range, ledger: LedgerStore): Promise<R>
  /** What a ledger tells of a run. */
  read(ledger: string): R
  merge(results: readonly R[]): R
}

const outcomeOf = async <R extends { readonly finished: boolean }>(
  walk: SharedWalk,
  { read, merge }: Walking<R>,
  shard?: number,
): Promise<R> => {
  const { texts, unknown } = await readLedgers(walk, shard)
  const merged = merge(texts.map(read))
  return { ...merged, finished: merged.finished && unknown === 0 }
}

/** Walks what the options say: all, or a part of it; gives what came of that, or of all parts. */
export const walkPart = async <R extends { readonly finished: boolean }>(
  { ready, client }: Speaking,
  options: ShardOptions & BulkOptions,
  io: Io,
  walking: Walking<R>,
): Promise<R> => {
  const part = partOf(options)
  const { asker, range, scope, run } = walking
  if (part.kind === 'whole') return run(range, ledgerOf(options, io))
  const documents = createDocuments({
    asker,
    policy: createPolicy(ready.config.rules),
    keyrings: ready.keyrings,
    client: client.name,
    bucket: range.bucket,
    job: part.job,
  })
  const walk: SharedWalk = { asker, documents, range, scope }
  if (part.kind === 'outcome') return outcomeOf(walk, walking)
  await workShare(walk, part.share, async ({ after, through, ledger }) => {
    const { finished } = await run({ ...range, after, through }, ledger)
    return finished
  })
  return outcomeOf(walk, walking, part.share.shard)
}
