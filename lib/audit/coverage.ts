import type { CustomerKey } from '../keys/customer-key.ts'
import type { Keyrings } from '../keys/find-keys.ts'
import type { Decision, Policy } from '../policy/resolve.ts'
import type { ObjectPlace } from '../s3/address.ts'
import { operationNamed } from '../s3/operation.ts'
import type { Stored } from './look.ts'

/** What the rules say of an object's place, for one client. */
export interface Wanted {
  /** The keys that the rule has objects encrypted with, newest first; none where it does not encrypt. */
  readonly keys: readonly CustomerKey[]
  /** Every other key of the configuration, newest first: what else an object there may have been written with. */
  readonly others: readonly CustomerKey[]
  readonly decision: Decision
}

const WRITE = operationNamed('PutObject')
const READ = operationNamed('GetObject')

/** What tells of an object whose place nobody may write to any more, the reader does. */
const decisionAt = (policy: Policy, client: string, place: ObjectPlace): Decision => {
  const decision = policy.resolve({ client, operation: WRITE, ...place })
  return decision.kind === 'deny' ? policy.resolve({ client, operation: READ, ...place }) : decision
}

/** What the rules want of the object at a place. */
export const wantedAt = (
  policy: Policy,
  keyrings: Keyrings,
  client: string,
  place: ObjectPlace,
): Wanted => {
  const decision = decisionAt(policy, client, place)
  const name = decision.kind === 'encrypt' ? decision.effect.encrypt.keyring : undefined
  const keysOf = (wanted: (keyring: string) => boolean): readonly CustomerKey[] =>
    [...keyrings].flatMap(([keyring, each]) => (wanted(keyring) ? each.keysFor(place) : []))
  return {
    keys: keysOf(keyring => keyring === name),
    others: keysOf(keyring => keyring !== name),
    decision,
  }
}

/** What an object's state is called in reports: `main/v2`, `plaintext`, `provider AES256`, … */
export const stateName = (stored: Stored): string => {
  switch (stored.kind) {
    case 'customer-key':
      return `${stored.key.keyring}/${stored.key.version}`
    case 'provider':
      return `provider ${stored.method}`
    default:
      return stored.kind
  }
}

const isByMethod = (stored: Stored, { effect }: Extract<Decision, { kind: 'provider' }>): boolean =>
  stored.kind === 'provider' &&
  stored.method === (effect.method.sse === 'kms' ? 'aws:kms' : 'AES256')

/** Whether an object is as its rule says: encrypted with a version of the rule's keyring, the newest where demanded. */
export const isCovered = (stored: Stored, wanted: Wanted, newestOnly: boolean): boolean => {
  if (stored.kind === 'gone') return true
  if (stored.kind === 'refused') return false
  if (wanted.decision.kind === 'provider') return isByMethod(stored, wanted.decision)
  if (wanted.decision.kind !== 'encrypt') return stored.kind !== 'unreadable'
  if (stored.kind !== 'customer-key') return false
  const allowed = newestOnly ? wanted.keys.slice(0, 1) : wanted.keys
  return allowed.some(({ md5 }) => md5 === stored.key.md5)
}
