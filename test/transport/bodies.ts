import { createCipheriv } from 'node:crypto'
import type { Readable, Writable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'

/** A prime, so that a buffer that is repeated, dropped or swapped never falls on a repetition of the pattern. */
const BLOCK_BYTES = 262_139
const BLOCK = createCipheriv('aes-128-ctr', Buffer.alloc(16), Buffer.alloc(16)).update(
  Buffer.alloc(BLOCK_BYTES),
)

/** Bytes of every body from `offset` on: at most `limit`, at least one. */
const bodySlice = (offset: number, limit: number): Buffer => {
  const start = offset % BLOCK_BYTES
  return BLOCK.subarray(start, start + limit)
}

const isBody = (bytes: Buffer, offset: number): boolean => {
  for (let at = 0; at < bytes.length; ) {
    const expected = bodySlice(offset + at, bytes.length - at)
    if (!expected.equals(bytes.subarray(at, at + expected.length))) return false
    at += expected.length
  }
  return true
}

/** How one end handles a body. */
export interface Manner {
  /** Stops for a millisecond after each so many bytes; 0 never does. */
  readonly restEach: number
  /** Breaks the connection at this byte. */
  readonly breakAt: number | undefined
}

export const FAST: Manner = { restEach: 0, breakAt: undefined }
export const SLOW: Manner = { restEach: 48 * 1024, breakAt: undefined }

/** Long enough that everything between the two ends fills up. */
const FIRST_REST = 30

/** Writes a body of `size` bytes, and ends it; or destroys `sink` where it is to break. */
export const writeBody = async (
  sink: Writable,
  size: number,
  { restEach, breakAt = size + 1 }: Manner,
): Promise<void> => {
  const end = Math.min(size, breakAt)
  const most = restEach === 0 ? size : restEach
  for (let sent = 0; sent < end && !sink.destroyed; ) {
    const slice = bodySlice(sent, Math.min(end - sent, most))
    sent += slice.length
    if (!sink.write(slice)) await drained(sink)
    if (restEach > 0) await sleep(1)
  }
  if (breakAt <= size) sink.destroy()
  else sink.end()
}

const drained = (sink: Writable): Promise<void> =>
  new Promise(resolve => {
    const done = (): void => {
      sink.off('drain', done).off('close', done)
      resolve()
    }
    sink.on('drain', done).on('close', done)
  })

/** What came of a body: how much, whether all of it was as sent, and whether it came to its end. */
export interface Arrival {
  readonly length: number
  readonly isTrue: boolean
  readonly isComplete: boolean
}

/** Reads a body to its end, or to where it is to break: the caller then cuts the connection. */
export const readBody = async (
  source: Readable,
  { restEach, breakAt = Number.POSITIVE_INFINITY }: Manner,
): Promise<Arrival> => {
  let length = 0
  let isTrue = true
  let restAt = restEach === 0 ? Number.POSITIVE_INFINITY : restEach
  try {
    if (restEach > 0) await sleep(FIRST_REST)
    for await (const chunk of source.iterator({ destroyOnReturn: false })) {
      isTrue &&= isBody(chunk, length)
      length += chunk.length
      if (length >= breakAt) return { length, isTrue, isComplete: false }
      if (length < restAt) continue
      restAt = length + restEach
      await sleep(1)
    }
    return { length, isTrue, isComplete: true }
  } catch {
    return { length, isTrue, isComplete: false }
  }
}
