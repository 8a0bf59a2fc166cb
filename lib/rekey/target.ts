import type { Wanted } from '../audit/coverage.ts'
import type { Stored } from '../audit/look.ts'
import type { CustomerKey } from '../keys/customer-key.ts'
import type { Headers } from '../s3/headers.ts'

/** What one object shall be encrypted with. */
export type Target =
  | { readonly kind: 'key'; readonly key: CustomerKey }
  | {
      readonly kind: 'method'
      readonly method: 'AES256' | 'aws:kms'
      readonly keyId: string | undefined
    }

/** What objects shall be encrypted with: as their rule says, or, to leave, by the provider's own method. */
export type Goal = { readonly kind: 'rule' } | Extract<Target, { kind: 'method' }>

/** What an object shall become; undefined where its rule does not encrypt. */
export const targetOf = (goal: Goal, { keys: [newest] }: Wanted): Target | undefined => {
  if (goal.kind === 'method') return goal
  return newest === undefined ? undefined : { kind: 'key', key: newest }
}

/** Whether an object is what it shall become. */
export const isThere = (stored: Stored, target: Target): boolean =>
  target.kind === 'key'
    ? stored.kind === 'customer-key' && stored.key.md5 === target.key.md5
    : stored.kind === 'provider' && stored.method === target.method

export const targetKey = (target: Target): CustomerKey | undefined =>
  target.kind === 'key' ? target.key : undefined

/** The headers that ask for the provider's own method. */
export const methodHeaders = (target: Target): Headers => {
  if (target.kind === 'key') return new Map()
  const headers = new Map([['x-amz-server-side-encryption', target.method as string]])
  if (target.keyId !== undefined) {
    headers.set('x-amz-server-side-encryption-aws-kms-key-id', target.keyId)
  }
  return headers
}
