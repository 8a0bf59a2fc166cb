import { OPERATIONS } from '../s3/operation.ts'
import { globCovers } from './glob.ts'
import type { RuleMatch } from './rule.ts'

/** Whether `outer` has for each of `inner` one that takes it in; an absent list means all. */
const all = (
  outer: readonly string[] | undefined,
  inner: readonly string[] | undefined,
  takesIn: (outer: string, inner: string) => boolean,
): boolean => {
  if (outer === undefined) return true
  return inner?.every(each => outer.some(wide => takesIn(wide, each))) ?? false
}

const operationNames = (words: readonly string[] | undefined): string[] | undefined =>
  words &&
  OPERATIONS.filter(each => words.includes(each.name) || words.includes(each.class)).map(
    ({ name }) => name,
  )

const isSame = (a: string, b: string): boolean => a === b

/**
 * Whether every request that fits `inner` also fits `outer`, so that a rule with `inner` behind one with `outer` never
 * decides.
 *
 * Never wrongly true; it may be false where only several rules or globs together take all in.
 */
export const covers = (outer: RuleMatch, inner: RuleMatch): boolean =>
  all(outer.clients, inner.clients, isSame) &&
  // A rule without buckets also speaks of the service level, as one about '*' does.
  all(outer.buckets, inner.buckets ?? ['*'], globCovers) &&
  all(outer.prefixes, inner.prefixes, (wide, narrow) => narrow.startsWith(wide)) &&
  all(operationNames(outer.operations), operationNames(inner.operations), isSame)
