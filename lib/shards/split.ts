import { compareKeys } from '../walk/listing.ts'
import { createMeasure, type Measure } from './measure.ts'

/** Object keys behind `after`, in their order: the first so many, and whether there are more. */
export type Probe = (after: string | undefined) => Promise<Sample>

export interface Sample {
  readonly keys: readonly string[]
  readonly isTruncated: boolean
}

/** A stretch of the object keys: behind `after`, up to and with `through`. */
export interface Stretch {
  readonly after: string | undefined
  readonly through: string | undefined
}

/** A stretch of which the first object keys were seen. */
interface Leaf extends Stretch {
  readonly keys: readonly string[]
  /** Nothing of it lies behind this; undefined where that is not known. */
  readonly end: string | undefined
  readonly isWhole: boolean
  readonly measure: Measure
  /** About how many object keys there are. */
  readonly estimate: number
}

const MOST = 1e15

const commonPrefix = (a: string, b: string): string => {
  let i = 0
  while (i < a.length && a[i] === b[i]) i += 1
  // Half a surrogate pair is no text.
  return /[\uD800-\uDBFF]$/.test(a.slice(0, i)) ? a.slice(0, i - 1) : a.slice(0, i)
}

const isBehind = (key: string, border: string | undefined): boolean =>
  border !== undefined && compareKeys(key, border) > 0

interface Seen {
  readonly keys: readonly string[]
  readonly isWhole: boolean
}

const seenOf = ({ keys, isTruncated }: Sample, through: string | undefined): Seen => {
  const within = keys.filter(key => !isBehind(key, through))
  return { keys: within, isWhole: !isTruncated || within.length < keys.length }
}

const estimateOf = (
  { keys, isWhole }: Seen,
  { before }: Measure,
  end: string | undefined,
): number => {
  const [first, last] = [keys[0], keys.at(-1)]
  if (isWhole || first === undefined || last === undefined) return keys.length
  // The later half, for what it tells is nearer to what comes behind.
  const middle = keys[keys.length >> 1] ?? first
  const all = end === undefined ? 1 : before(end)
  const shown = before(last) - before(middle)
  const hidden = Math.max(0, all - before(last))
  return Math.min(MOST, keys.length + (keys.length / 2) * (hidden / Math.max(shown, 1e-18)))
}

const leafOf = (
  { after, through }: Stretch,
  seen: Seen,
  end: string | undefined,
  prefix: string,
): Leaf => {
  const first = seen.keys[0] ?? ''
  const measure = createMeasure(end === undefined ? prefix : commonPrefix(first, end), seen.keys)
  const { keys, isWhole } = seen
  return { after, through, keys, isWhole, end, measure, estimate: estimateOf(seen, measure, end) }
}

/** A text in the middle of what was not seen of a leaf; undefined when there is none between. */
const middleOf = ({ keys, end, measure }: Leaf): string | undefined => {
  const last = keys.at(-1) ?? ''
  const [low, high] = [measure.before(last), end === undefined ? 1 : measure.before(end)]
  const text = measure.textAt((low + high) / 2, (high - low) / 4)
  return compareKeys(text, last) > 0 && (end === undefined || compareKeys(text, end) < 0)
    ? text
    : undefined
}

/** Splits a leaf in two, or finds that its upper part is empty. */
const splitLeaf = async (
  leaf: Leaf,
  middle: string,
  probe: Probe,
  prefix: string,
): Promise<readonly Leaf[]> => {
  const sample = seenOf(await probe(middle), leaf.through)
  if (sample.keys.length === 0) return [leafOf(leaf, leaf, middle, prefix)]
  return [
    leafOf({ after: leaf.after, through: middle }, leaf, middle, prefix),
    leafOf({ after: middle, through: leaf.through }, sample, leaf.end, prefix),
  ]
}

const largest = (leaves: readonly Leaf[], unsplittable: ReadonlySet<Leaf>): Leaf | undefined =>
  leaves
    .filter(leaf => !leaf.isWhole && !unsplittable.has(leaf))
    .reduce<Leaf | undefined>(
      (a, b) => (a === undefined || b.estimate > a.estimate ? b : a),
      undefined,
    )

/** Probes per stretch at most. */
const EFFORT = 8

/** Cuts leaves where they are largest, until none is larger than its share, or enough was asked. */
const grow = async (probe: Probe, prefix: string, count: number): Promise<readonly Leaf[]> => {
  const everything = { after: undefined, through: undefined }
  let leaves: readonly Leaf[] = [
    leafOf(everything, seenOf(await probe(undefined), undefined), undefined, prefix),
  ]
  const unsplittable = new Set<Leaf>()
  for (let asked = 1; asked < 64 + EFFORT * count; asked++) {
    const leaf = largest(leaves, unsplittable)
    if (leaf === undefined || isFine(leaves, leaf, count)) break
    const middle = middleOf(leaf)
    if (middle === undefined) unsplittable.add(leaf)
    else {
      const parts = await splitLeaf(leaf, middle, probe, prefix)
      leaves = leaves.flatMap(each => (each === leaf ? parts : [each]))
    }
  }
  return leaves
}

const totalOf = (leaves: readonly Leaf[]): number =>
  leaves.reduce((sum, { estimate }) => sum + estimate, 0)

const isFine = (leaves: readonly Leaf[], { estimate }: Leaf, count: number): boolean =>
  leaves.length >= 2 * count && estimate <= totalOf(leaves) / (2 * count)

/**
 * Cuts the object keys that begin with `prefix` into so many stretches of about the same number, by looking in here and there: a
 * stretch costs a few requests, however many object keys there are. Where little is seen there may be fewer stretches.
 */
export const split = async (
  probe: Probe,
  prefix: string,
  count: number,
): Promise<readonly Stretch[]> => {
  const leaves = await grow(probe, prefix, count)
  const share = totalOf(leaves) / count
  const stretches: Stretch[] = []
  let after: string | undefined
  let sum = 0
  for (const { through, estimate } of leaves) {
    sum += estimate
    if (through === undefined || sum + estimate / 2 >= share * (stretches.length + 1)) {
      stretches.push({ after, through })
      after = through
    }
  }
  return stretches
}
