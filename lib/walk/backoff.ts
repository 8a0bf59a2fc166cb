import { setTimeout as delay } from 'node:timers/promises'

/** How long to wait between tries, and how often to try. In milliseconds. */
export interface Backoff {
  readonly tries: number
  readonly first: number
  readonly most: number
  /** From 0 to below 1. */
  readonly random: () => number
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>
}

/** About two minutes in all, before a request is given up. */
export const USUAL_BACKOFF: Backoff = {
  tries: 10,
  first: 100,
  most: 20_000,
  random: Math.random,
  sleep: async (ms, signal) => void (await delay(ms, undefined, { signal })),
}

/**
 * The wait before a try: exponential, with full jitter, so that many workers that were slowed down at once do not come
 * back at once. https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
 *
 * @param failed how many tries failed before it
 */
export const waitBefore = (failed: number, { first, most, random }: Backoff): number =>
  Math.floor(random() * Math.min(most, first * 2 ** failed))

/**
 * Tries until what came of it is not passing, or the tries are used up; then the last outcome stands.
 *
 * @param isPassing whether the outcome is a fault that the next try may not meet
 */
export const tryPatiently = async <T>(
  once: () => Promise<T>,
  isPassing: (outcome: T) => boolean,
  backoff: Backoff,
  signal: AbortSignal,
  onWait: () => void = () => undefined,
): Promise<T> => {
  for (let failed = 0; ; failed++) {
    const outcome = await once()
    if (!isPassing(outcome) || failed + 1 >= backoff.tries) return outcome
    onWait()
    await backoff.sleep(waitBefore(failed, backoff), signal)
  }
}
