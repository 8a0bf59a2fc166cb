import { z } from 'zod'
import { S3Error } from '../s3/error.ts'
import type { Asker } from '../walk/asker.ts'
import { OWN_PREFIX, type Range, readPage } from '../walk/listing.ts'
import type { Documents } from './documents.ts'
import { type Probe, type Sample, type Stretch, split } from './split.ts'

/** How the object keys of a job are divided. Whoever comes first makes it, and all go by it. */
export interface Plan {
  /** What the job is about: another one may not go by this plan. */
  readonly scope: string
  readonly shards: number
  readonly stretches: readonly Stretch[]
}

const text = z.string().optional()

const PLAN = z.object({
  scope: z.string(),
  shards: z.number(),
  stretches: z.array(z.object({ after: text, through: text })),
})

export const PLAN_NAME = 'plan.json'

/** Stretches per shard: enough that those who are done early take some of the others'. */
const PER_SHARD = 16
/** Stretches in all, so that reading what became of each stays cheap. */
const MOST_STRETCHES = 4096

export const stretchesFor = (shards: number): number =>
  shards * Math.min(PER_SHARD, Math.max(1, Math.floor(MOST_STRETCHES / shards)))

/** Object keys that one look shows. */
const LOOK = 100
/** Behind all that bulk commands write themselves. */
const OWN_END = `${OWN_PREFIX}~`

const isOwn = (objectKey: string): boolean => objectKey.startsWith(OWN_PREFIX)

const createProbe = (asker: Asker, range: Range): Probe => {
  const probe = async (after: string | undefined): Promise<Sample> => {
    const { entries, isTruncated } = await readPage(
      asker,
      { ...range, versions: false },
      { key: after, version: undefined },
      LOOK,
    )
    const keys = entries.map(({ objectKey }) => objectKey).filter(objectKey => !isOwn(objectKey))
    return keys.length === 0 && isTruncated && after !== OWN_END
      ? probe(OWN_END)
      : { keys, isTruncated }
  }
  return probe
}

const parsePlan = (stored: string): Plan => {
  const { scope, shards, stretches } = PLAN.parse(JSON.parse(stored))
  const whole = stretches.map(({ after, through }) => ({ after, through }))
  return { scope, shards, stretches: whole }
}

/** A plan, and whether two that want the same stretch can be told apart where it lies. */
export interface Agreed {
  readonly plan: Plan
  readonly guarded: boolean
}

/** The plan of a job that was begun. */
export const readPlan = async (documents: Documents): Promise<Agreed | undefined> => {
  const stored = await documents.read(PLAN_NAME)
  return stored && { plan: parsePlan(stored.text), guarded: stored.guarded }
}

/** What a shard has to say before it may go by a plan. */
export interface Wish {
  readonly asker: Asker
  readonly range: Range
  readonly scope: string
  readonly shards: number
}

/** @throws {RangeError} when the plan is another job's, or one of another number of shards */
export const checkPlan = (plan: Plan, scope: string, shards: number = plan.shards): Plan => {
  if (plan.scope !== scope) {
    throw new RangeError(`The job is about something else: ${plan.scope}. Choose another --job.`)
  }
  if (plan.shards === shards) return plan
  throw new RangeError(`The job was begun with ${plan.shards} shards, not ${shards}.`)
}

/** Milliseconds after which all who began at once have written theirs, where the last one of them stands. */
const SETTLED = 2000

const settled = async (
  documents: Documents,
  { backoff, signal }: Asker,
  agreed: Agreed,
): Promise<Agreed> => {
  if (agreed.guarded) return agreed
  await backoff.sleep(SETTLED, signal)
  return (await readPlan(documents)) ?? agreed
}

const makePlan = async (
  documents: Documents,
  { asker, range, scope, shards }: Wish,
): Promise<Agreed> => {
  const stretches = await split(createProbe(asker, range), range.prefix, stretchesFor(shards))
  const made = JSON.stringify({ scope, shards, stretches } satisfies Plan)
  const stored = await documents.create(PLAN_NAME, made)
  return { plan: parsePlan(stored.text), guarded: stored.guarded }
}

/**
 * The plan that all shards of a job go by.
 *
 * @throws {RangeError} when it is another job's, or one of another number of shards
 */
export const agreePlan = async (documents: Documents, wish: Wish): Promise<Agreed> => {
  const { asker, scope, shards } = wish
  const agreed = (await readPlan(documents)) ?? (await makePlan(documents, wish))
  const settledOn = await settled(documents, asker, agreed)
  return { ...settledOn, plan: checkPlan(settledOn.plan, scope, shards) }
}

/**
 * Makes sure at the end that all went by the same plan, also where the provider cannot hold off a second one.
 *
 * @throws {S3Error} `OperationAborted`
 */
export const confirmPlan = async (documents: Documents, plan: Plan): Promise<void> => {
  const there = await readPlan(documents)
  if (JSON.stringify(there?.plan) === JSON.stringify(plan)) return
  throw new S3Error(
    'OperationAborted',
    'The plan of the job was replaced meanwhile: begin anew with another --job.',
  )
}
