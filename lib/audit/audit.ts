import type { Keyrings } from '../keys/find-keys.ts'
import type { Policy } from '../policy/resolve.ts'
import type { Asker } from '../walk/asker.ts'
import { type LedgerStore, resume, Saver, type Standpoint } from '../walk/ledger.ts'
import { type Listed, list, type Range } from '../walk/listing.ts'
import type { Standing } from '../walk/progress.ts'
import { Streak, WalkStopped } from '../walk/streak.ts'
import { walk } from '../walk/walk.ts'
import { isCovered, stateName, wantedAt } from './coverage.ts'
import { checkAsked, createKeyOrder, look } from './look.ts'
import { count, type Found, newTally, type Tally } from './tally.ts'

export interface AuditOptions {
  readonly asker: Asker
  readonly policy: Policy
  readonly keyrings: Keyrings
  /** Name of the client whose rules hold. */
  readonly client: string
  readonly range: Range
  readonly concurrency: number
  /** Whether only the newest version of a keyring is good enough. */
  readonly newestOnly: boolean
  readonly ledger: LedgerStore
  readonly now: () => number
  /** Told of every object, in the order of the listing. */
  readonly onFound: (found: Found) => void
  readonly onStanding: (standing: () => Omit<Standing, 'total'>) => void
  readonly isOver: () => boolean
}

export interface AuditResult {
  readonly tally: Tally
  /** False when it was stopped before its end. */
  readonly finished: boolean
}

interface State extends Standpoint {
  readonly tally: Tally
}

/** What an audit's ledger is about, as text. */
export const auditScope = ({
  client,
  range,
  newestOnly,
}: Pick<AuditOptions, 'client' | 'range' | 'newestOnly'>): string =>
  JSON.stringify(['audit', client, { ...range, after: range.after ?? '' }, newestOnly])

/** What an audit had found when it last wrote its ledger. */
export const auditOf = (ledger: string): AuditResult => {
  const { tally, finished } = JSON.parse(ledger) as State
  return { tally, finished }
}

const isRefused = ({ state }: Found): boolean => state === 'refused'

/**
 * Finds out of every object of a range how it is stored, and whether that is as the rules say.
 *
 * @throws {WalkStopped} when the provider does not answer, or refuses one object after the other
 */
export const audit = async (options: AuditOptions): Promise<AuditResult> => {
  const { asker, range, ledger, now, onFound } = options
  const scope = auditScope(options)
  const state: State = (await resume<State>(ledger, scope)) ?? {
    scope,
    after: range.after,
    afterVersion: undefined,
    finished: false,
    tally: newTally(),
  }
  const saver = new Saver(ledger, () => JSON.stringify(state), now)
  const streak = new Streak<Found>(found => {
    count(state.tally, found, range.prefix)
    state.after = found.objectKey
    state.afterVersion = found.versionId
    onFound(found)
    saver.touch()
  })
  const { after, afterVersion } = state
  await walk({
    items: list(asker, { ...range, after, afterVersion }),
    concurrency: options.concurrency,
    work: createInspect(options),
    passed: (_, found) => {
      streak.passed(found, isRefused(found))
      options.onStanding(() => standingOf(state))
    },
    isOver: () => options.isOver() || streak.isTooLong,
  }).finally(() => saver.finish())
  if (streak.isTooLong)
    throw new WalkStopped('The storage provider refuses one object after the other.')
  streak.flush()
  state.finished = !options.isOver()
  await saver.finish()
  return { tally: state.tally, finished: state.finished }
}

const standingOf = ({ tally: { whole } }: State): Omit<Standing, 'total'> => {
  const uncovered = whole.all.objects - whole.covered.objects
  return {
    objects: whole.all.objects,
    bytes: whole.all.bytes,
    words: uncovered === 0 ? '' : `${uncovered} not as their rules say`,
  }
}

const createInspect = (options: AuditOptions): ((listed: Listed) => Promise<Found>) => {
  const { asker, policy, keyrings, client, range, newestOnly } = options
  const order = createKeyOrder()
  return async ({ objectKey, versionId, size }) => {
    const place = { bucket: range.bucket, objectKey }
    const wanted = wantedAt(policy, keyrings, client, place)
    const keys = [...order.order(wanted.keys), ...wanted.others]
    const seen = await look(asker, place, versionId, keys)
    checkAsked(seen)
    order.fitted(seen)
    return {
      objectKey,
      versionId,
      size,
      state: stateName(seen.stored),
      isCovered: isCovered(seen.stored, wanted, newestOnly),
    }
  }
}
