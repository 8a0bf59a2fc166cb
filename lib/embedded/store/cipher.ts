import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'

// CTR, since it can begin anywhere: a range is decrypted without what stands before it. It does not authenticate, which
// a store for trial and tests can do without.
const CIPHER = 'aes-256-ctr'
const BLOCK = 16
const COUNTERS = 1n << 128n

export const createIv = (): Buffer => randomBytes(BLOCK)

/** Encrypts bytes as they flow. */
export async function* encrypt(
  bytes: AsyncIterable<Buffer>,
  key: Buffer,
  iv: Buffer,
): AsyncGenerator<Buffer, void, void> {
  const cipher = createCipheriv(CIPHER, key, iv)
  for await (const chunk of bytes) yield cipher.update(chunk)
}

/** Decrypts bytes as they flow. @param offset of the first of them in what was encrypted */
export async function* decrypt(
  bytes: AsyncIterable<Buffer>,
  key: Buffer,
  iv: Buffer,
  offset: number,
): AsyncGenerator<Buffer, void, void> {
  const decipher = createDecipheriv(CIPHER, key, counterAt(iv, Math.floor(offset / BLOCK)))
  decipher.update(Buffer.alloc(offset % BLOCK))
  for await (const chunk of bytes) yield decipher.update(chunk)
}

/** The counter `blocks` behind `iv`. */
const counterAt = (iv: Buffer, blocks: number): Buffer => {
  const counter = (BigInt(`0x${iv.toString('hex')}`) + BigInt(blocks)) % COUNTERS
  return Buffer.from(counter.toString(16).padStart(2 * BLOCK, '0'), 'hex')
}
