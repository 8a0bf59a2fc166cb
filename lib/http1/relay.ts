import { LARGE_SLAB, SLAB, type SlabPool, type SlabSize } from './slab-pool.ts'

/** With less room than this a slab is full: a read of a few bytes costs as much as one of many. */
const LEAST_READ = 16 * 1024

/** What a paused TLS socket may still deliver: what it had read, 64 KiB, and a record that was begun before. */
const AFTER_PAUSE = 96 * 1024

/** TLS delivers records of 16 KiB at most; so many bytes of them leave in one write. */
const GATHERED = 64 * 1024

/** Reads that fill their slab, and leave at once, before the slab grows. */
const EASY_READS = 4

/** Where a body goes to: what a relay needs of a `Writable`. */
export interface RelaySink {
  /** Bytes that the kernel has not taken yet. */
  readonly writableLength: number
  cork(): void
  uncork(): void
  write(bytes: Buffer, onWritten: (fault: Error | null | undefined) => void): unknown
  /** The last write was begun. */
  end(): unknown
}

/** The connection that a body comes from. */
export interface RelaySource {
  readonly isTls: boolean
  /** Reads on, if reading was stopped. */
  resume(): void
}

export interface Source extends RelaySource {
  /** The body is not wanted any more. */
  cancel(cause: unknown): void
}

/**
 * Moves a body through slabs to where it goes: what was read into a slab is written out of it, and nothing is copied.
 *
 * While one slab drains to a slow client the other one fills; when both are taken, reading stops. What all rests on:
 * a stretch of a slab is read into again only once no write needs it, and only `buffer` decides that, because anywhere
 * else the socket still holds the stretch that it was given last.
 */
export class Relay {
  readonly #sink: RelaySink
  readonly #slabs: SlabPool
  readonly #source: RelaySource
  readonly #onFault: (cause: Error) => void
  #filling: Buffer | undefined
  #draining: Buffer | undefined
  /** Writes so far. They are done in the order in which they were begun. */
  #begun = 0
  #done = 0
  /** So many must be done for the draining slab to be free. */
  #drainedAt = 0
  /** What of the filling slab was read and is not written yet. */
  #from = 0
  #to = 0
  #easyReads = 0
  #isCorked = false
  #isOver = false
  #flushSoon: NodeJS.Immediate | undefined

  /** @param onFault told when the client takes no more */
  constructor(
    sink: RelaySink,
    slabs: SlabPool,
    source: RelaySource,
    onFault: (cause: Error) => void,
  ) {
    this.#sink = sink
    this.#slabs = slabs
    this.#source = source
    this.#onFault = onFault
  }

  /** Where the next bytes shall go; undefined when there is no room, and reading was told to stop. */
  buffer(): Buffer | undefined {
    if (this.#isOver) return undefined
    if (this.#room() < LEAST_READ) this.#flush()
    if (this.#isAllOut()) this.#rewind()
    else this.#makeRoom()
    return this.#room() < LEAST_READ ? undefined : this.#filling?.subarray(this.#to)
  }

  /** Takes a stretch of the body. Only what lies in a slab that `buffer` gave is not copied. */
  receive(bytes: Buffer): void {
    if (bytes.buffer !== this.#filling?.buffer) {
      this.#collect()
      this.#write(Buffer.from(bytes))
      return
    }
    if (bytes.byteOffset !== this.#to) {
      this.#collect()
      this.#from = bytes.byteOffset
    }
    this.#to = bytes.byteOffset + bytes.length
    if (this.#to === this.#filling.length) this.#easyReads += 1
  }

  /** @returns whether there is room for another read */
  endOfRead(): boolean {
    if (this.#source.isTls && this.#to - this.#from < GATHERED) this.#flushLater()
    else this.#flush()
    if (this.#canRead()) return true
    this.#flush()
    return this.#canRead()
  }

  /** The body is complete. */
  finish(): void {
    this.#flush()
    this.#isOver = true
    this.#sink.end()
    this.#giveBack()
  }

  /** Nothing more of it is moved. Both ends may still be at the slabs. */
  abandon(): void {
    clearImmediate(this.#flushSoon)
    this.#isOver = true
    if (this.#filling !== undefined) this.#slabs.abandon(this.#filling)
    if (this.#draining !== undefined) this.#slabs.abandon(this.#draining)
    this.#filling = undefined
    this.#draining = undefined
  }

  /** Nothing waits, in the slab or in the client's socket: a plain socket took all at once. */
  #isAllOut(): boolean {
    return this.#from === this.#to && this.#sink.writableLength === 0
  }

  #room(): number {
    return this.#filling === undefined ? 0 : this.#filling.length - this.#to
  }

  /** A large slab gets no second one beside it: that would be more than a slow client may cost. */
  #canSwap(): boolean {
    return this.#draining === undefined && this.#filling?.length !== LARGE_SLAB
  }

  #canRead(): boolean {
    const needed = this.#source.isTls ? AFTER_PAUSE : LEAST_READ
    return this.#isAllOut() || this.#room() >= needed || this.#canSwap()
  }

  #rewind(): void {
    const size = this.#easyReads < EASY_READS ? SLAB : LARGE_SLAB
    if (this.#filling?.length !== size && this.#draining === undefined) this.#swap(size)
    this.#from = 0
    this.#to = 0
  }

  #makeRoom(): void {
    this.#easyReads = 0
    if (this.#room() < LEAST_READ && this.#canSwap()) this.#swap(SLAB)
  }

  #swap(size: SlabSize): void {
    this.#draining = this.#filling
    this.#drainedAt = this.#begun
    this.#filling = this.#slabs.take(size)
    this.#from = 0
    this.#to = 0
    this.#giveBack()
  }

  /** Gives back what no write needs any more, and no read will fill. */
  #giveBack(): void {
    if (this.#draining !== undefined && this.#done >= this.#drainedAt) {
      this.#slabs.give(this.#draining)
      this.#draining = undefined
    }
    if (this.#filling !== undefined && this.#isOver && this.#done === this.#begun) {
      this.#slabs.give(this.#filling)
      this.#filling = undefined
    }
  }

  #write(bytes: Buffer): void {
    this.#begun += 1
    if (!this.#isCorked) this.#sink.cork()
    this.#isCorked = true
    this.#sink.write(bytes, this.#onWritten)
  }

  #collect(): void {
    if (this.#filling === undefined || this.#from === this.#to) return
    this.#write(this.#filling.subarray(this.#from, this.#to))
    this.#from = this.#to
  }

  /** Everything goes to the client now, in one system call. */
  #flush(): void {
    this.#collect()
    if (!this.#isCorked) return
    this.#isCorked = false
    this.#sink.uncork()
  }

  #flushLater(): void {
    this.#flushSoon ??= setImmediate(() => {
      this.#flushSoon = undefined
      this.#flush()
      if (this.#canRead()) this.#source.resume()
    })
  }

  readonly #onWritten = (fault: Error | null | undefined): void => {
    if (fault) {
      this.#onFault(fault)
      return
    }
    this.#done += 1
    this.#giveBack()
    if (!this.#isOver && this.#canRead()) this.#source.resume()
  }
}
