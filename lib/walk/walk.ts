/** A walk over many things, several at a time. */
export interface Walk<T, R> {
  readonly items: AsyncIterable<T>
  readonly concurrency: number
  readonly work: (item: T) => Promise<R>
  /** Called in the order of the items, once everything before is done, too: what may be written down as passed. */
  readonly passed: (item: T, result: R) => void
  /** Asked before each item: true ends the walk once what is under way is done. */
  readonly isOver?: () => boolean
}

/** How far the first may lag behind the last, per worker: one slow object shall not hold the others up. */
const LAG = 16

interface Entry<T, R> {
  readonly item: T
  result: { readonly value: R } | undefined
}

/** What is under way, in order. */
class Window<T, R> {
  readonly #entries: Entry<T, R>[] = []
  readonly #most: number
  readonly #passed: Walk<T, R>['passed']
  #waiting: (() => void)[] = []

  constructor(most: number, passed: Walk<T, R>['passed']) {
    this.#most = most
    this.#passed = passed
  }

  async room(isDone: () => boolean): Promise<void> {
    while (this.#entries.length >= this.#most && !isDone()) {
      await new Promise<void>(resolve => this.#waiting.push(resolve))
    }
  }

  enter(item: T): Entry<T, R> {
    const entry: Entry<T, R> = { item, result: undefined }
    this.#entries.push(entry)
    return entry
  }

  settle(): void {
    for (let first = this.#entries[0]; first?.result !== undefined; first = this.#entries[0]) {
      this.#entries.shift()
      this.#passed(first.item, first.result.value)
    }
    this.wake()
  }

  wake(): void {
    const waiting = this.#waiting
    this.#waiting = []
    for (const resolve of waiting) resolve()
  }
}

/**
 * Works on every item, so many at a time, and holds no more of them than that and a little.
 *
 * @throws what the first of the work threw; what was under way is finished before
 */
export const walk = async <T, R>(options: Walk<T, R>): Promise<void> => {
  const { items, concurrency, work, passed, isOver = () => false } = options
  const iterator = items[Symbol.asyncIterator]()
  const window = new Window<T, R>(concurrency * LAG, passed)
  const faults: unknown[] = []
  const isDone = (): boolean => faults.length > 0 || isOver()
  const takeOne = async (): Promise<boolean> => {
    await window.room(isDone)
    if (isDone()) return false
    const next = await iterator.next()
    if (next.done) return false
    const entry = window.enter(next.value)
    entry.result = { value: await work(entry.item) }
    window.settle()
    return true
  }
  const worker = async (): Promise<void> => {
    try {
      while (await takeOne());
    } catch (fault) {
      faults.push(fault)
    }
    // Those that wait for room look up, and see that it is over.
    window.wake()
  }
  await Promise.all(Array.from({ length: concurrency }, worker))
  await iterator.return?.()
  if (faults.length > 0) throw faults[0]
}
