/** Bytes of an ordinary slab: two of them in flight keep a slow client's connection under 1 MiB. */
export const SLAB = 256 * 1024

/** Bytes of a slab for a client that takes everything at once. */
export const LARGE_SLAB = 1024 * 1024

export type SlabSize = typeof SLAB | typeof LARGE_SLAB

/** Bytes of free slabs that are kept; what comes back beyond them is left to the garbage collector. */
const KEPT = 64 * 1024 * 1024

/**
 * Buffers that bodies are read into and written out of, lent again and again.
 *
 * A fresh buffer for each read costs a fifth of a large download's CPU in page faults and garbage collection.
 * A slab given back while a socket may still touch it would mix two bodies, so every loan is checked.
 */
export class SlabPool {
  readonly #free = new Map<number, Buffer[]>([
    [SLAB, []],
    [LARGE_SLAB, []],
  ])
  readonly #lent = new Set<Buffer>()
  #kept = 0

  /** Slabs that are out: none, once no body is under way. */
  get lent(): number {
    return this.#lent.size
  }

  take(size: SlabSize): Buffer {
    const kept = this.#free.get(size)?.pop()
    if (kept !== undefined) this.#kept -= size
    // The last one in is the first one out, so that it is still in the CPU's cache.
    const slab = kept ?? Buffer.allocUnsafeSlow(size)
    this.#lent.add(slab)
    return slab
  }

  /** Takes back a slab that nothing reads into or writes out of any more. */
  give(slab: Buffer): void {
    this.#settle(slab)
    if (this.#kept + slab.length > KEPT) return
    this.#kept += slab.length
    this.#free.get(slab.length)?.push(slab)
  }

  /**
   * Writes off a slab that a broken connection may still touch. It is never lent again.
   *
   * A destroyed TLS socket goes on decrypting into the buffer it was last given, until its handle is closed.
   */
  abandon(slab: Buffer): void {
    this.#settle(slab)
  }

  #settle(slab: Buffer): void {
    if (!this.#lent.delete(slab)) throw new Error('a slab was given back that is not out')
  }
}
