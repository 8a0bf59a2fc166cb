/** Milliseconds before the first restart, and the most that repeated failures make of them. */
const FIRST = 100
const LONGEST = 10_000

/**
 * Milliseconds to wait before a process is started again: twice as long after each failure, so that one that cannot
 * run does not take the machine from those that can.
 */
export const restartDelay = (failures: number): number =>
  Math.min(LONGEST, FIRST * 2 ** Math.max(0, failures - 1))
