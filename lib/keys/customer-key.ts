import { createHash } from 'node:crypto'
import { Secret } from '../s3/secret.ts'

/** A key as SSE-C carries it: 256 bits, and the MD5 that names it on the wire. */
export interface CustomerKey {
  /** Name of the keyring, or `client` for a key that a client brought. */
  readonly keyring: string
  /** Id of the keyring's version, such as `v2`. */
  readonly version: string
  /** Base64 of the 32 bytes. */
  readonly base64: Secret<string>
  /** Base64 of the MD5 of the 32 raw bytes. Safe to show: it identifies and reveals nothing. */
  readonly md5: string
  /** Base64 of their SHA-256, which names the key in the words of Google and Oracle. As safe to show. */
  sha256(): string
  /** Every way to write the key that a provider might echo it in. */
  spellings(): Secret<readonly string[]>
}

const spellingsOf = (base64: string): readonly string[] => {
  const bytes = Buffer.from(base64, 'base64')
  const hex = bytes.toString('hex')
  return [
    base64,
    encodeURIComponent(base64),
    base64.replaceAll('+', '&#43;'),
    bytes.toString('base64url'),
    hex,
    hex.toUpperCase(),
  ]
}

/**
 * Makes a customer key of 32 raw bytes.
 *
 * @throws {RangeError} when there are not 32 of them
 */
export const customerKey = (keyring: string, version: string, bytes: Buffer): CustomerKey => {
  if (bytes.length !== 32) throw new RangeError(`a customer key has 32 bytes, not ${bytes.length}`)
  const base64 = bytes.toString('base64')
  let spellings: Secret<readonly string[]> | undefined
  return {
    keyring,
    version,
    base64: new Secret(base64),
    md5: createHash('md5').update(bytes).digest('base64'),
    // Not every key is asked for these, and one may serve for years.
    sha256: () => createHash('sha256').update(base64, 'base64').digest('base64'),
    spellings: () => {
      spellings ??= new Secret(spellingsOf(base64))
      return spellings
    },
  }
}
