/** Waits until one more request may be sent. */
export type Turn = () => Promise<void>

export interface Clock {
  /** Milliseconds; only differences count. */
  readonly now: () => number
  readonly sleep: (ms: number) => Promise<void>
}

/**
 * Spaces requests evenly.
 *
 * @param perSecond left out: as many as there are
 */
export const createRate = (perSecond: number | undefined, { now, sleep }: Clock): Turn => {
  if (perSecond === undefined) return async () => undefined
  const gap = 1000 / perSecond
  let next = 0
  return async () => {
    const at = Math.max(next, now())
    next = at + gap
    const wait = at - now()
    if (wait > 0) await sleep(wait)
  }
}
