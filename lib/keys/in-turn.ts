import { setTimeout as delay } from 'node:timers/promises'

/**
 * `work`, never twice at once and never twice within `interval` milliseconds. Whoever asks gets the outcome of a run
 * that begins after they asked, and shares it with all who wait for it: one that is under way may have looked already.
 */
export const inTurn = <T>(
  work: () => Promise<T>,
  interval: number,
  now: () => number = () => performance.now(),
): (() => Promise<T>) => {
  let last: Promise<unknown> = Promise.resolve()
  let lastBegan = Number.NEGATIVE_INFINITY
  let waiting: Promise<T> | undefined
  const begin = async (): Promise<T> => {
    const early = lastBegan + interval - now()
    if (early > 0) await delay(early, undefined, { ref: false })
    waiting = undefined
    lastBegan = now()
    return work()
  }
  return () => {
    if (waiting !== undefined) return waiting
    const turn = last.then(begin)
    waiting = turn
    last = turn.catch(() => undefined)
    return turn
  }
}
