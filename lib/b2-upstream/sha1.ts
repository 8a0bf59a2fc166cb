import { createHash } from 'node:crypto'
import type { BodyFilter } from '../s3/body.ts'

/** Digits of a SHA-1 in hex. */
export const SHA1_DIGITS = 40

export const sha1Of = (bytes: Buffer): string => createHash('sha1').update(bytes).digest('hex')

/**
 * Lets a body pass, and its SHA-1 behind it, for nobody knows that before: `hex_digits_at_end`.
 * https://www.backblaze.com/docs/cloud-storage-native-api-file-uploads
 */
export const sha1AtEnd = (): BodyFilter => {
  const hash = createHash('sha1')
  return {
    push: chunk => {
      hash.update(chunk)
      return [chunk]
    },
    end: () => [Buffer.from(hash.digest('hex'), 'latin1')],
  }
}
