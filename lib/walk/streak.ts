/** Refusals in a row that are no accident any more. */
const TOO_MANY = 20

/**
 * Holds refusals back until something goes well again: when everything is refused all of a sudden, the walk stops before
 * the first of them, and the next run begins there.
 */
export class Streak<T> {
  readonly #apply: (item: T) => void
  #held: T[] = []

  constructor(apply: (item: T) => void) {
    this.#apply = apply
  }

  get isTooLong(): boolean {
    return this.#held.length >= TOO_MANY
  }

  passed(item: T, isRefused: boolean): void {
    if (this.isTooLong) return
    if (isRefused) {
      this.#held.push(item)
      return
    }
    this.flush()
    this.#apply(item)
  }

  /** Takes what is held for what it is, unless there was too much of it. */
  flush(): void {
    if (this.isTooLong) return
    for (const item of this.#held) this.#apply(item)
    this.#held = []
  }
}

/** A walk that could not go on; nothing of what it did is lost, and the same command goes on from there. */
export class WalkStopped extends Error {
  override readonly name = 'WalkStopped'
}
