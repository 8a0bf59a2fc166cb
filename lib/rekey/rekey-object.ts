import { createHash } from 'node:crypto'
import { type Wanted, wantedAt } from '../audit/coverage.ts'
import { checkAsked, createKeyOrder, look, type Seen } from '../audit/look.ts'
import type { Client } from '../authenticate/client.ts'
import { NO_BODY } from '../body/receive.ts'
import type { CustomerKey } from '../keys/customer-key.ts'
import type { Keyrings } from '../keys/find-keys.ts'
import type { Policy } from '../policy/resolve.ts'
import type { ObjectPlace } from '../s3/address.ts'
import { S3Error } from '../s3/error.ts'
import type { S3Response } from '../s3/response.ts'
import { triple } from '../ssec/headers.ts'
import { type Asker, asAnswer, codeOf, isPassing, isUnreached, refusalText } from '../walk/asker.ts'
import { tryPatiently } from '../walk/backoff.ts'
import type { Listed } from '../walk/listing.ts'
import { WalkStopped } from '../walk/streak.ts'
import { grantsOf } from './grants.ts'
import { takeBackOvertaken } from './overtaken.ts'
import {
  isGuarded,
  keyOf,
  type Rewrite,
  rewriteObject,
  sizeOf,
  versionOf,
  type Way,
  wayOf,
} from './rewrite.ts'
import { type Goal, isThere, type Target, targetKey, targetOf } from './target.ts'

export interface RekeyWork {
  readonly asker: Asker
  readonly policy: Policy
  readonly keyrings: Keyrings
  readonly client: Client
  readonly bucket: string
  readonly goal: Goal
  /** Keys of another tool, to read what is there. */
  readonly foreign: readonly CustomerKey[]
  readonly dryRun: boolean
  readonly keepAcl: boolean
  readonly fullVerify: boolean
  readonly deletePrevious: boolean
  readonly now: () => Date
}

/**
 * - `rewritten`, or with a dry run `to rewrite`;
 * - `kept`: it was as it shall be; `skipped`: its rule does not encrypt; `gone`: deleted meanwhile;
 * - `changed`: written by others again and again; `failed`.
 */
export type Result = 'rewritten' | 'to rewrite' | 'kept' | 'skipped' | 'gone' | 'changed' | 'failed'

/** What became of an object. */
export interface Done {
  readonly objectKey: string
  readonly size: number
  readonly result: Result
  /** How it was, or would be, written over. */
  readonly way?: Way
  readonly reason?: string
}

type End = Omit<Done, 'objectKey' | 'size'>

/** How often an object that others keep writing is begun anew. */
const ROUNDS = 5

/** An object on its way. */
interface Going {
  readonly work: RekeyWork
  readonly place: ObjectPlace
  readonly target: Target
  readonly wanted: Wanted
  readonly look: () => Promise<Seen>
}

/** The function that rekeys one object after the other. */
export const createRekeyObject = (work: RekeyWork): ((listed: Listed) => Promise<Done>) => {
  const order = createKeyOrder()
  return async ({ objectKey, size }) => {
    const place = { bucket: work.bucket, objectKey }
    const wanted = wantedAt(work.policy, work.keyrings, work.client.name, place)
    const target = targetOf(work.goal, wanted)
    if (target === undefined) return { objectKey, size, result: 'skipped' }
    const lookAgain = async (): Promise<Seen> => {
      const keys = [...order.order(wanted.keys), ...wanted.others, ...work.foreign]
      const seen = await look(work.asker, place, undefined, keys)
      checkAsked(seen)
      order.fitted(seen)
      return seen
    }
    const end = await rekeyObject({ work, place, target, wanted, look: lookAgain })
    return { objectKey, size, ...end }
  }
}

const rekeyObject = async (going: Going): Promise<End> => {
  for (let round = 0; round < ROUNDS; round++) {
    const seen = await going.look()
    const end = endOf(going, seen) ?? (await rewriteSeen(going, seen))
    if (end.result !== 'changed') return end
  }
  return { result: 'changed', reason: 'others wrote it each time' }
}

/** What becomes of an object that need not, or cannot, be rewritten. */
const endOf = ({ work, target }: Going, seen: Seen): End | undefined => {
  const { stored } = seen
  if (stored.kind === 'gone') return { result: 'gone' }
  if (stored.kind === 'unreadable') return { result: 'failed', reason: 'no key opens it' }
  if (stored.kind === 'refused') return { result: 'failed', reason: stored.reason }
  if (isThere(stored, target)) return { result: 'kept' }
  const way = wayOf(work.asker.profile, seen)
  return work.dryRun ? { result: 'to rewrite', way } : undefined
}

const CHANGED = new Set(['PreconditionFailed', 'NoSuchKey', 'ConditionalRequestConflict'])

const isChanged = (answer: S3Response): boolean =>
  answer.status === 412 || answer.status === 404 || CHANGED.has(codeOf(answer) ?? '')

/** A refusal of ours as an answer, so that one rule decides on all. */
const asRefusal = (error: unknown): S3Response => {
  if (isUnreached(error) || !(error instanceof S3Error)) return asAnswer(error)
  const status = error.code === 'UnconfirmedEncryption' ? 400 : error.status
  const document = `<Error><Code>${error.code}</Code><Message>${error.message}</Message></Error>`
  return { status, headers: new Map(), body: Buffer.from(document) }
}

const failed = (reason: string): End => ({ result: 'failed', reason })

const rewriteSeen = async (going: Going, seen: Seen): Promise<End> => {
  const { work, place, target, wanted } = going
  const { asker, client, now } = work
  if (wanted.decision.kind === 'deny') return failed(wanted.decision.reason)
  const before = work.fullVerify ? await hashOf(asker, place, keyOf(seen)) : undefined
  const attempt = async (): Promise<S3Response> => {
    const grants = work.keepAcl ? await grantsOf(asker, place) : new Map()
    const permission = wanted.decision as Rewrite['permission']
    return rewriteObject({ asker, client, place, permission, seen, target, grants, now })
  }
  const once = (): Promise<S3Response> => attempt().catch(asRefusal)
  const answer = await tryPatiently(once, isPassing, asker.backoff, asker.signal)
  if (isChanged(answer)) return { result: 'changed' }
  if (isPassing(answer)) {
    throw new WalkStopped(`The storage provider does not answer: ${refusalText(answer)}.`)
  }
  if (answer.status >= 300) return refused(going, seen, answer)
  return (await overtaken(going, seen, answer)) ?? check(going, seen, before)
}

/** Where only versions tell whether others wrote meanwhile, they are asked. */
const overtaken = async (
  { work: { asker }, place }: Going,
  seen: Seen,
  answer: S3Response,
): Promise<End | undefined> => {
  const [old, own] = [versionOf(seen), versionOf(answer)]
  if (old === undefined || own === undefined || isGuarded(asker.profile, seen)) return undefined
  const isTakenBack = await takeBackOvertaken(asker, place, old, own)
  if (isTakenBack === false) return undefined
  return isTakenBack === true
    ? { result: 'changed' }
    : failed(`it was rewritten, but ${isTakenBack}`)
}

/** A refusal may be about the key that another has written the object with since. */
const refused = async (going: Going, seen: Seen, answer: S3Response): Promise<End> => {
  const { headers } = await going.look()
  return headers.get('etag') === seen.headers.get('etag')
    ? failed(refusalText(answer))
    : { result: 'changed' }
}

/** Looks at what was written. */
const check = async (going: Going, seen: Seen, before: string | undefined): Promise<End> => {
  const { work, place, target } = going
  const written = await going.look()
  // Somebody may have written it, or deleted it, since: that is looked at anew.
  if (!isThere(written.stored, target)) return { result: 'changed' }
  const isSame = sizeOf(written) === sizeOf(seen)
  if (!isSame) return failed('it was written with another length: look at it')
  if (before !== undefined && before !== (await hashOf(work.asker, place, targetKey(target)))) {
    return failed('its bytes are not what they were: look at it')
  }
  const left = work.deletePrevious ? await deletePrevious(going, seen, written) : undefined
  return left === undefined
    ? { result: 'rewritten', way: wayOf(work.asker.profile, seen) }
    : failed(left)
}

/** SHA-256 of an object's bytes; what the provider said instead when it gave none. */
const hashOf = async (
  asker: Asker,
  place: ObjectPlace,
  key: CustomerKey | undefined,
): Promise<string> => {
  const answer = await asker.send({
    method: 'GET',
    address: { level: 'object', ...place },
    query: [],
    headers: new Map(key === undefined ? [] : triple('object', key)),
    body: NO_BODY,
    repeatable: true,
  })
  if (answer.body === undefined || Buffer.isBuffer(answer.body)) return refusalText(answer)
  const hash = createHash('sha256')
  for await (const chunk of answer.body) hash.update(chunk)
  return hash.digest('hex')
}

/** @returns what went wrong */
const deletePrevious = async (
  { work, place }: Going,
  seen: Seen,
  written: Seen,
): Promise<string | undefined> => {
  const [old, current] = [versionOf(seen), versionOf(written)]
  if (old === undefined || current === undefined || old === current) return undefined
  const answer = await work.asker.ask({
    method: 'DELETE',
    address: { level: 'object', ...place },
    query: [{ name: 'versionId', value: old }],
  })
  if (answer.status < 300 || answer.status === 404) return undefined
  return `it was rewritten, but the version before could not be deleted: ${refusalText(answer)}`
}
