import { randomUUID } from 'node:crypto'
import { createReadStream, createWriteStream, mkdirSync, readdirSync, rmSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createIv, decrypt, encrypt } from './cipher.ts'
import type { Segment } from './records.ts'

/** Bytes `from` up to `to`, without `to`. */
export interface Span {
  readonly from: number
  readonly to: number
}

/**
 * A folder of segments: files of bytes that are written once, never changed, and found by the records that name them.
 *
 * A segment that no record names does not exist; so it may be written in place.
 */
export class Segments {
  readonly #path: string
  /** How many are reading a segment. */
  readonly #readers = new Map<string, number>()
  /** Given up while they were read. */
  readonly #doomed = new Set<string>()
  constructor(path: string) {
    this.#path = path
    mkdirSync(path, { recursive: true, mode: 0o700 })
  }

  /** Stores bytes, encrypted where there is a key. When they break off, nothing stays behind. */
  async write(bytes: AsyncIterable<Buffer>, key: Buffer | undefined): Promise<Segment> {
    const id = randomUUID()
    const counter = createCounter()
    const counted = counter.count(bytes)
    const iv = key && createIv()
    const stored = key && iv ? encrypt(counted, key, iv) : counted
    const file = createWriteStream(this.#fileOf(id), { mode: 0o600 })
    try {
      await pipeline(stored, file)
    } catch (cause) {
      // A file that is still being opened would be there again after it was removed.
      if (!file.closed) await new Promise<void>(resolve => file.once('close', () => resolve()))
      await rm(this.#fileOf(id), { force: true })
      throw cause
    }
    return { id, length: counter.length(), iv: iv?.toString('base64') }
  }

  /**
   * Reads a span of segments laid end to end, decrypted where they are encrypted.
   *
   * They stay until the stream has closed, even when the object is overwritten or deleted meanwhile.
   */
  read(segments: readonly Segment[], span: Span, key: Buffer | undefined): Readable {
    for (const { id } of segments) this.#readers.set(id, (this.#readers.get(id) ?? 0) + 1)
    const stream = Readable.from(this.#bytesOf(segments, span, key), { objectMode: false })
    return stream.once('close', () => {
      for (const { id } of segments) this.#leave(id)
    })
  }

  async *#bytesOf(
    segments: readonly Segment[],
    span: Span,
    key: Buffer | undefined,
  ): AsyncGenerator<Buffer, void, void> {
    let start = 0
    for (const segment of segments) {
      const from = Math.max(span.from - start, 0)
      const to = Math.min(span.to - start, segment.length)
      if (from < to) yield* this.#readOne(segment, { from, to }, key)
      start += segment.length
    }
  }

  #readOne(segment: Segment, { from, to }: Span, key: Buffer | undefined): AsyncIterable<Buffer> {
    const stored = createReadStream(this.#fileOf(segment.id), { start: from, end: to - 1 })
    return key && segment.iv !== undefined
      ? decrypt(stored, key, Buffer.from(segment.iv, 'base64'), from)
      : stored
  }

  #leave(id: string): void {
    const readers = (this.#readers.get(id) ?? 0) - 1
    if (readers > 0) {
      this.#readers.set(id, readers)
      return
    }
    this.#readers.delete(id)
    if (this.#doomed.delete(id)) rmSync(this.#fileOf(id), { force: true })
  }

  /** Removes segments that no record names any more, each once nobody reads it. */
  discard(segments: Iterable<Segment>): void {
    for (const { id } of segments) {
      if (this.#readers.has(id)) this.#doomed.add(id)
      else rmSync(this.#fileOf(id), { force: true })
    }
  }

  /** Removes what a crash left behind: every segment that is not among those named. */
  sweep(named: ReadonlySet<string>): void {
    for (const id of readdirSync(this.#path)) if (!named.has(id)) rmSync(this.#fileOf(id))
  }

  #fileOf(id: string): string {
    return join(this.#path, id)
  }
}

const createCounter = () => {
  let length = 0
  return {
    length: () => length,
    count: async function* (bytes: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void, void> {
      for await (const chunk of bytes) {
        length += chunk.length
        yield chunk
      }
    },
  }
}
