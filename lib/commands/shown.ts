import type { Asker } from '../walk/asker.ts'
import { list, type Range } from '../walk/listing.ts'
import { Progress, type Standing, type Terminal } from '../walk/progress.ts'

type Part = Omit<Standing, 'total'>

/** Shows how a command goes on that walks one part after the other. */
export interface Shown {
  /** How the part stands that is walked now. */
  readonly onStanding: (standing: () => Part) => void
  /** That part is done. */
  next(): void
  end(): void
}

const NONE: Part = { objects: 0, bytes: 0, words: '' }

const plus = (before: Part, { objects, bytes, words }: Part): Part => ({
  objects: before.objects + objects,
  bytes: before.bytes + bytes,
  words,
})

/** Counts ahead of a walk, for the time that is left: a request for a thousand objects. */
const countAhead = (asker: Asker, range: Range): (() => number | undefined) => {
  let total = 0
  let isDone = false
  const go = async (): Promise<void> => {
    for await (const _ of list(asker, range)) total += 1
    isDone = true
  }
  // The walk itself meets whatever stops this, and says it.
  go().catch(() => undefined)
  return () => (isDone ? total : undefined)
}

/** @param whole what is walked, where it is known and worth to be counted */
export const createShown = (terminal: Terminal, asker: Asker, whole: Range | undefined): Shown => {
  const progress = new Progress(terminal, () => performance.now())
  const isCounted = terminal.isTTY === true && whole !== undefined
  const total = isCounted ? countAhead(asker, whole) : () => undefined
  let before = NONE
  let latest = (): Part => NONE
  return {
    onStanding: standing => {
      latest = standing
      progress.show(() => ({ ...plus(before, standing()), total: total() }))
    },
    next: () => {
      before = plus(before, latest())
      latest = () => NONE
    },
    end: () => progress.end(),
  }
}
