import { createCipheriv, createHash } from 'node:crypto'

export const KIB = 1024

export const MIB = 1024 * KIB

/** Bytes that cannot be told from random ones, and are the same for the same seed. */
export const bytesOf = (length: number, seed: string): Buffer => {
  const key = createHash('sha256').update(seed).digest()
  return createCipheriv('aes-256-ctr', key, Buffer.alloc(16)).update(Buffer.alloc(length))
}
