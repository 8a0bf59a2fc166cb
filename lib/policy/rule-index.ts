import type { RuleMatch } from './rule.ts'

/** Where a rule may hold, as far as an index tells: each rule that matches there is among those found, in order. */
export interface Where {
  readonly client: string
  /** None at the service level. */
  readonly bucket?: string | undefined
}

/** Something about rules, in their order. */
interface Indexed<T> {
  readonly order: number
  readonly value: T
}

/** Lists by what bucket names begin with, for each length of such a beginning. */
type ByHead<T> = Map<number, Map<string, Indexed<T>[]>>

const WILDCARD = /[*?]/

/** What every bucket name that a glob takes begins with. */
const headOf = (glob: string): string => {
  const at = glob.search(WILDCARD)
  return at < 0 ? glob : glob.slice(0, at)
}

const listAt = <T>(byHead: ByHead<T>, head: string): Indexed<T>[] => {
  const sameLength = byHead.get(head.length) ?? new Map<string, Indexed<T>[]>()
  const list = sameLength.get(head) ?? []
  byHead.set(head.length, sameLength.set(head, list))
  return list
}

const add = <T>(byHead: ByHead<T>, heads: ReadonlySet<string>, entry: Indexed<T>): void => {
  for (const head of heads) listAt(byHead, head).push(entry)
}

/** Lists for a bucket: one for each length of a beginning, so their number does not grow with the rules'. */
const listsFor = <T>(
  byHead: ByHead<T> | undefined,
  bucket: string,
): readonly (readonly Indexed<T>[])[] => {
  const lists: (readonly Indexed<T>[])[] = []
  for (const [length, sameLength] of byHead ?? []) {
    if (length > bucket.length) continue
    const list = sameLength.get(bucket.slice(0, length))
    if (list !== undefined) lists.push(list)
  }
  return lists
}

/** The first entry of `list` that matches, unless `known` comes before it. */
const firstOf = <T>(
  list: readonly Indexed<T>[],
  known: Indexed<T> | undefined,
  matches: (value: T) => boolean,
): Indexed<T> | undefined => {
  for (const entry of list) {
    if (known !== undefined && known.order <= entry.order) return known
    if (matches(entry.value)) return entry
  }
  return known
}

/**
 * Rules by client and by what their buckets' names begin with, so that thousands of tenants cost a request no more than
 * one. It leaves out what cannot match, and nothing else: whether a rule matches is for the rule to say.
 */
export class RuleIndex<T> {
  readonly #ofAll: ByHead<T> = new Map()
  readonly #ofClient = new Map<string, ByHead<T>>()

  /** @param entries each with what it matches, in the order in which they are asked */
  constructor(entries: readonly (readonly [match: RuleMatch, value: T])[]) {
    for (const [order, [{ clients, buckets }, value]] of entries.entries()) {
      const heads = new Set(buckets?.map(headOf) ?? [''])
      if (clients === undefined) add(this.#ofAll, heads, { order, value })
      else for (const client of new Set(clients)) add(this.#of(client), heads, { order, value })
    }
  }

  /** The first entry in order of which `matches` is true. */
  first({ client, bucket = '' }: Where, matches: (value: T) => boolean): T | undefined {
    let found: Indexed<T> | undefined
    for (const byHead of [this.#ofClient.get(client), this.#ofAll]) {
      for (const list of listsFor(byHead, bucket)) {
        found = firstOf(list, found, matches)
      }
    }
    return found?.value
  }

  #of(client: string): ByHead<T> {
    const known = this.#ofClient.get(client) ?? new Map()
    this.#ofClient.set(client, known)
    return known
  }
}
