/**
 * Compares as the UTF-8 bytes compare: the order of S3's listings.
 *
 * UTF-16, which JavaScript compares by, differs in one thing: surrogates (U+10000 and up) come before U+E000–U+FFFF.
 */
export const compareUtf8 = (a: string, b: string): number => {
  const length = Math.min(a.length, b.length)
  for (let i = 0; i < length; i++) {
    const difference = rank(a.charCodeAt(i)) - rank(b.charCodeAt(i))
    if (difference !== 0) return difference
  }
  return a.length - b.length
}

/** Surrogates to the end, what stands behind them into their place. */
const rank = (unit: number): number => {
  if (unit < 0xd800) return unit
  return unit < 0xe000 ? unit + 0x2000 : unit - 0x800
}

/** A map that is read in the order of its names' UTF-8 bytes. */
export class SortedMap<Value> {
  readonly #values: Map<string, Value>
  readonly #names: string[]
  constructor(entries: Iterable<readonly [name: string, value: Value]> = []) {
    this.#values = new Map(entries)
    this.#names = [...this.#values.keys()].sort(compareUtf8)
  }

  get size(): number {
    return this.#names.length
  }

  get(name: string): Value | undefined {
    return this.#values.get(name)
  }

  set(name: string, value: Value): void {
    if (!this.#values.has(name)) this.#names.splice(this.#placeOf(name), 0, name)
    this.#values.set(name, value)
  }

  delete(name: string): void {
    if (this.#values.delete(name)) this.#names.splice(this.#placeOf(name), 1)
  }

  /** The values whose names begin with `prefix` and come behind `marker`, in order. */
  *range(prefix: string, marker: string): Generator<Value, void, void> {
    const start = this.#placeOf(compareUtf8(prefix, marker) > 0 ? prefix : marker)
    for (let i = start; i < this.#names.length; i++) {
      const name = this.#names[i] ?? ''
      if (!name.startsWith(prefix)) return
      const value = this.#values.get(name)
      if (value !== undefined && name !== marker) yield value
    }
  }

  /** Where `name` stands, or would. */
  #placeOf(name: string): number {
    let low = 0
    let high = this.#names.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (compareUtf8(this.#names[middle] ?? '', name) < 0) low = middle + 1
      else high = middle
    }
    return low
  }
}
