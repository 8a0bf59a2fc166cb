const MiB = 2 ** 20

/** How an end is slow: it takes or gives a burst at full speed, then rests. */
export interface Pace {
  /** Bytes. */
  readonly burst: number
  /** Milliseconds. */
  readonly pause: number
}

/**
 * An end that stalls again and again: every pause fills the socket buffers and leaves the proxy
 * with bytes that it must refuse to take, and every burst finds out whether it wakes up.
 */
export const STALLING: Pace = { burst: 64 * MiB, pause: 150 }

/** One of many slow readers: about 5 MiB/s each. */
export const TRICKLING: Pace = { burst: MiB, pause: 200 }

/** Tells, for each count of bytes that went through, how many milliseconds to rest now. */
export const createBrake = (pace: Pace | undefined): ((bytes: number) => number) => {
  if (pace === undefined) return () => 0
  let left = pace.burst
  return bytes => {
    left -= bytes
    if (left > 0) return 0
    left += pace.burst
    return pace.pause
  }
}
