/** Objects and bytes. */
export interface Sum {
  objects: number
  bytes: number
}

/** A part of the bucket that reports tell apart: what is stored how. */
export interface Group {
  readonly states: Record<string, Sum>
  readonly covered: Sum
  readonly all: Sum
}

/** What an audit counts. It grows with the number of prefixes and states, not of objects. */
export interface Tally {
  readonly whole: Group
  /** By the first element of the object key behind the audit's own prefix. */
  readonly prefixes: Record<string, Group>
}

/** More prefixes than a person reads; what comes after them is counted together. */
const MOST_PREFIXES = 500

export const OTHER_PREFIXES = '(others)'

const newSum = (): Sum => ({ objects: 0, bytes: 0 })

const newGroup = (): Group => ({ states: {}, covered: newSum(), all: newSum() })

export const newTally = (): Tally => ({ whole: newGroup(), prefixes: {} })

const add = (sum: Sum, bytes: number): void => {
  sum.objects += 1
  sum.bytes += bytes
}

/** What an audit found out about one object. */
export interface Found {
  readonly objectKey: string
  readonly versionId: string | undefined
  readonly size: number
  /** Such as `main/v2`, `plaintext`. */
  readonly state: string
  readonly isCovered: boolean
}

const addTo = (group: Group, { size, state, isCovered }: Found): void => {
  const sum = group.states[state] ?? newSum()
  group.states[state] = sum
  add(sum, size)
  add(group.all, size)
  if (isCovered) add(group.covered, size)
}

/** The group that an object is counted in: `logs/` for `logs/2026/a.gz`, and the prefix itself for what lies right in it. */
export const prefixOf = (objectKey: string, prefix: string): string => {
  const slash = objectKey.indexOf('/', prefix.length)
  return slash < 0 ? prefix : objectKey.slice(0, slash + 1)
}

/** The group that counts under a name, or, when there are too many, under that of all others. */
const groupNamed = ({ prefixes }: Tally, name: string): Group => {
  const isKnown = Object.hasOwn(prefixes, name)
  const isFull = Object.keys(prefixes).length >= MOST_PREFIXES
  const counted = isKnown || !isFull ? name : OTHER_PREFIXES
  const group = Object.hasOwn(prefixes, counted) ? prefixes[counted] : undefined
  const target = group ?? newGroup()
  prefixes[counted] = target
  return target
}

export const count = (tally: Tally, found: Found, prefix: string): void => {
  addTo(tally.whole, found)
  addTo(groupNamed(tally, prefixOf(found.objectKey, prefix)), found)
}

/** Share of the objects that are as their rules say; of none, all are. */
export const coverage = ({ covered, all }: Group): number =>
  all.objects === 0 ? 1 : covered.objects / all.objects

/** A share for people, which is never rounded up to 100 %. */
export const percent = (share: number): string =>
  `${(Math.floor(share * 10_000) / 100).toFixed(2)} %`

const addSum = (sum: Sum, more: Sum): void => {
  sum.objects += more.objects
  sum.bytes += more.bytes
}

const addGroup = (group: Group, more: Group): void => {
  for (const [state, sum] of Object.entries(more.states)) {
    const target = group.states[state] ?? newSum()
    group.states[state] = target
    addSum(target, sum)
  }
  addSum(group.covered, more.covered)
  addSum(group.all, more.all)
}

/** What several audits counted, each of a part, as one. */
export const mergeTallies = (tallies: readonly Tally[]): Tally => {
  const merged = newTally()
  for (const { whole, prefixes } of tallies) {
    addGroup(merged.whole, whole)
    for (const [name, group] of Object.entries(prefixes)) addGroup(groupNamed(merged, name), group)
  }
  return merged
}
