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

/** SHA-256 in hex of the body of `size` bytes. */
export const bodyHash = (size: number): string => {
  const hash = createHash('sha256')
  for (let hashed = 0; hashed < size; hashed += BLOCK_BYTES)
    hash.update(bodySlice(hashed, size - hashed))
  return hash.digest('hex')
}

/** Writes a message: its head, then the body of `size` bytes, as fast as the other side takes it or at `pace`. */
export const sendMessage = async (
  socket: Socket,
  head: string,
  size: number,
  pace: Pace | undefined,
): Promise<void> => {
  const brake = createBrake(pace)
  // Head and the body's begin leave in one packet.
  socket.cork()
  process.nextTick(() => socket.uncork())
  socket.write(head, 'latin1')
  for (let sent = 0; sent < size; ) {
    const slice = bodySlice(sent, size - sent)
    sent += slice.length
    if (!socket.write(slice)) await once(socket, 'drain')
    const rest = brake(slice.length)
    if (rest > 0) await setTimeout(rest)
  }
}
