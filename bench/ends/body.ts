import { createCipheriv, createHash } from 'node:crypto'
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { setTimeout } from 'node:timers/promises'
import { createBrake, type Pace } from './pace.ts'

/** A prime, so that a buffer that a proxy repeats, drops or swaps never falls on a repetition of the pattern. */
const BLOCK_BYTES = 262_139

const BLOCK = createCipheriv('aes-128-ctr', Buffer.alloc(16), Buffer.alloc(16)).update(
  Buffer.alloc(BLOCK_BYTES),
)

/** The bytes of every body from `offset` on: at most `limit`, at least one. */
const bodySlice = (offset: number, limit: number): Buffer => {
  const start = offset % BLOCK_BYTES
  return BLOCK.subarray(start, start + limit)
}

/** The `length` bytes of every body from `offset` on. */
export function* bodySlices(offset: number, length: number): Generator<Buffer> {
  for (let given = 0; given < length; ) {
    const slice = bodySlice(offset + given, length - given)
    given += slice.length
    yield slice
  }
}

/** SHA-256 in hex of the body of `size` bytes. */
export const bodyHash = (size: number): string => {
  const hash = createHash('sha256')
  for (const slice of bodySlices(0, size)) hash.update(slice)
  return hash.digest('hex')
}

/** Writes a message: its head, then its body's pieces, as fast as the other side takes it or at `pace`. */
export const sendMessage = async (
  socket: Socket,
  head: string,
  pieces: Iterable<Buffer | string>,
  pace: Pace | undefined,
): Promise<void> => {
  const brake = createBrake(pace)
  // Head and the body's begin leave in one packet.
  socket.cork()
  process.nextTick(() => socket.uncork())
  socket.write(head, 'latin1')
  for (const piece of pieces) {
    if (!socket.write(piece)) await once(socket, 'drain')
    const rest = brake(piece.length)
    if (rest > 0) await setTimeout(rest)
  }
}
