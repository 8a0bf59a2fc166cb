import type { Asker } from '../walk/asker.ts'
import type { Range } from '../walk/listing.ts'
import { type Claim, claims, records } from './claims.ts'
import type { Documents } from './documents.ts'
import { agreePlan, checkPlan, confirmPlan, readPlan } from './plan.ts'

/** One of so many that share a job: the first is 0. */
export interface Share {
  readonly shard: number
  readonly shards: number
}

/** A walk that several share, each in its part of the object keys. */
export interface SharedWalk {
  readonly asker: Asker
  readonly documents: Documents
  readonly range: Range
  /** What the walk is about: shards of another one may not join. */
  readonly scope: string
}

/**
 * Works on all that falls to a shard: may be killed at any moment, and begun again with the same share.
 *
 * @param work tells whether to go on to the next stretch
 * @throws {RangeError} when the job's name stands for another one
 */
export const workShare = async (
  { asker, documents, range, scope }: SharedWalk,
  { shard, shards }: Share,
  work: (claim: Claim) => Promise<boolean>,
): Promise<void> => {
  const wish = { asker, range, scope, shards }
  const { plan, guarded: sharing } = await agreePlan(documents, wish)
  for await (const claim of claims({ documents, plan, shard, sharing })) {
    if (!(await work(claim))) return
  }
  await confirmPlan(documents, plan)
}

/** What became of a job so far. */
export interface Ledgers {
  readonly texts: readonly string[]
  /** Stretches that nobody has begun, or written anything down of. */
  readonly unknown: number
}

/**
 * Reads what the shards of a job wrote down, or what one of them did.
 *
 * @throws {RangeError} when there is no such job, or the name stands for another one
 */
export const readLedgers = async (
  { documents, scope }: Pick<SharedWalk, 'documents' | 'scope'>,
  shard?: number,
): Promise<Ledgers> => {
  const agreed = await readPlan(documents)
  if (agreed === undefined) throw new RangeError('No shard of that job has begun.')
  const texts: string[] = []
  let unknown = 0
  for await (const record of records(documents, checkPlan(agreed.plan, scope))) {
    if (shard !== undefined && record?.shard !== shard) continue
    if (record?.ledger === undefined) unknown += 1
    else texts.push(record.ledger)
  }
  return { texts, unknown }
}
