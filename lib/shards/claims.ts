import { z } from 'zod'
import type { LedgerStore } from '../walk/ledger.ts'
import { WalkStopped } from '../walk/streak.ts'
import type { Documents, Stored } from './documents.ts'
import type { Plan } from './plan.ts'
import type { Stretch } from './split.ts'

/** A stretch that a shard works on, and where it writes down how far it came. */
export interface Claim extends Stretch {
  readonly index: number
  readonly ledger: LedgerStore
}

/** What a stretch's document says. */
export interface Record {
  /** Of the shard that works on it. */
  readonly shard: number
  /** The ledger's text; undefined until it is first saved. */
  readonly ledger?: string | undefined
}

const RECORD = z.object({ shard: z.number(), ledger: z.string().optional() })

const parseRecord = ({ text }: Stored): Record => RECORD.parse(JSON.parse(text))

const nameOf = (index: number): string => `stretch-${String(index).padStart(5, '0')}.json`

/** Milliseconds between two savings: in a versioned bucket each is a version. */
const EVERY = 10_000

const ledgerOf = (
  documents: Documents,
  index: number,
  shard: number,
  first: Stored,
): LedgerStore => {
  let last = first
  return {
    every: EVERY,
    load: async () => parseRecord(first).ledger,
    save: async ledger => {
      const text = JSON.stringify({ shard, ledger } satisfies Record)
      const stored = await documents.replace(nameOf(index), text, last)
      if (stored === undefined) {
        throw new WalkStopped(`Another process works on stretch ${index} as shard ${shard}, too.`)
      }
      last = stored
    },
  }
}

/** A job as one of its shards sees it. */
export interface Job {
  readonly documents: Documents
  readonly plan: Plan
  readonly shard: number
  /** Whether two that want the same stretch are told apart, so that shards may take what others have not begun. */
  readonly sharing: boolean
}

/** The shard that a stretch is meant for. */
const homeOf = ({ shards, stretches }: Plan, index: number): number =>
  Math.floor((index * shards) / stretches.length)

const indexesOf = ({ stretches }: Plan): readonly number[] => [...stretches.keys()]

const claimOf = (job: Job, index: number, stored: Stored): Claim => ({
  index,
  after: job.plan.stretches[index]?.after,
  through: job.plan.stretches[index]?.through,
  ledger: ledgerOf(job.documents, index, job.shard, stored),
})

/** Claims what nobody has begun. */
const take = async (job: Job, index: number): Promise<Claim | undefined> => {
  const text = JSON.stringify({ shard: job.shard } satisfies Record)
  const stored = await job.documents.create(nameOf(index), text)
  return parseRecord(stored).shard === job.shard ? claimOf(job, index, stored) : undefined
}

/** The last of those that nobody has begun, where there are most of them: its home comes to it last. */
const spareOf = ({ plan }: Job, begun: ReadonlySet<string>): number | undefined => {
  const spare = indexesOf(plan).filter(index => !begun.has(nameOf(index)))
  const counts = new Map<number, number>()
  for (const index of spare) {
    const shard = homeOf(plan, index)
    counts.set(shard, (counts.get(shard) ?? 0) + 1)
  }
  const [fullest] = [...counts].sort(([, a], [, b]) => b - a)[0] ?? []
  return spare.findLast(index => homeOf(plan, index) === fullest)
}

async function* others(job: Job): AsyncGenerator<Claim, void, void> {
  for (;;) {
    const index = spareOf(job, await job.documents.names())
    if (index === undefined) return
    const claim = await take(job, index)
    if (claim !== undefined) yield claim
  }
}

const isFinished = (ledger: string | undefined): boolean =>
  ledger !== undefined && JSON.parse(ledger).finished === true

/** What this shard has begun, and was killed over. */
async function* resumed(job: Job, begun: ReadonlySet<string>): AsyncGenerator<Claim, void, void> {
  for (const index of indexesOf(job.plan).filter(each => begun.has(nameOf(each)))) {
    const stored = await job.documents.read(nameOf(index))
    if (stored === undefined) continue
    const { shard, ledger } = parseRecord(stored)
    if (shard === job.shard && !isFinished(ledger)) yield claimOf(job, index, stored)
  }
}

async function* home(job: Job, begun: ReadonlySet<string>): AsyncGenerator<Claim, void, void> {
  for (const index of indexesOf(job.plan)) {
    if (homeOf(job.plan, index) !== job.shard || begun.has(nameOf(index))) continue
    const claim = await take(job, index)
    if (claim !== undefined) yield claim
  }
}

/**
 * What a shard works on, one after the other: what it had begun before it was killed, what is meant for it, and then what
 * others have not begun.
 */
export async function* claims(job: Job): AsyncGenerator<Claim, void, void> {
  const begun = await job.documents.names()
  yield* resumed(job, begun)
  yield* home(job, begun)
  if (job.sharing) yield* others(job)
}

/** What was written down of every stretch of a job; undefined for those that nobody has begun. */
export async function* records(
  documents: Documents,
  { stretches }: Plan,
): AsyncGenerator<Record | undefined, void, void> {
  for (const index of stretches.keys()) {
    const stored = await documents.read(nameOf(index))
    yield stored === undefined ? undefined : parseRecord(stored)
  }
}
