import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import type { Keyrings } from '../keys/find-keys.ts'
import type { Keyring, KeyVersion } from '../keys/keyring.ts'

/** What a sealed text is for: one that was made for another purpose does not open. */
export type Purpose =
  | 'token'
  | 'download-token'
  | 'upload-url'
  | 'upload-token'
  | 'large-file'
  | 'front-token'
  | 'front-download-token'
  | 'front-upload-token'

/**
 * Lets the proxy hand its own state to clients, since replicas share none: encrypted, so that no client comes to hold a
 * token of the provider's and goes around the proxy with it; authenticated, so that no client names a host of its own
 * choice for the proxy to call, or another's file.
 */
export interface Seals {
  /** @param context what the text belongs to; it opens only beside the same */
  seal(purpose: Purpose, value: object, context?: string): string
  /** What was sealed; undefined for any text that was not. */
  open(purpose: Purpose, text: string, context?: string): unknown
}

/** Marks a sealed text, so that a provider's own id is not taken for one. */
const MARK = 'sp1_'
const CIPHER = 'aes-256-gcm'
const IV = 12
const TAG = 16

/** A secret of a keyring's version, for sealing. */
interface Sealer {
  readonly keyring: Keyring
  readonly version: KeyVersion
}

const keyOf = ({ keyring, version }: Sealer, purpose: Purpose): Buffer =>
  keyring.subkey(version, `b2/${purpose}`)

const openWith = (key: Buffer, sealed: Buffer, context: string): unknown => {
  const decipher = createDecipheriv(CIPHER, key, sealed.subarray(0, IV), { authTagLength: TAG })
  decipher.setAAD(Buffer.from(context))
  decipher.setAuthTag(sealed.subarray(-TAG))
  try {
    const text = Buffer.concat([decipher.update(sealed.subarray(IV, -TAG)), decipher.final()])
    return JSON.parse(text.toString('utf8'))
  } catch {
    return undefined
  }
}

/**
 * Seals with a subkey of the first keyring's newest version; every version of every keyring opens, so that what a
 * client holds outlives a rotation.
 *
 * @throws {RangeError} when there is no keyring; a checked configuration has one
 */
export const createSeals = (keyrings: Keyrings): Seals => {
  const sealers = [...keyrings.values()].flatMap(keyring =>
    keyring.versions.map(version => ({ keyring, version })),
  )
  const [first] = sealers
  if (first === undefined) throw new RangeError('the B2 lane needs a keyring to seal with')
  return {
    seal: (purpose, value, context = '') => {
      const iv = randomBytes(IV)
      const cipher = createCipheriv(CIPHER, keyOf(first, purpose), iv, { authTagLength: TAG })
      cipher.setAAD(Buffer.from(context))
      const text = [cipher.update(JSON.stringify(value), 'utf8'), cipher.final()]
      return `${MARK}${Buffer.concat([iv, ...text, cipher.getAuthTag()]).toString('base64url')}`
    },
    open: (purpose, text, context = '') => {
      const sealed = Buffer.from(text.slice(MARK.length), 'base64url')
      if (!text.startsWith(MARK) || sealed.length <= IV + TAG) return undefined
      for (const sealer of sealers) {
        const opened = openWith(keyOf(sealer, purpose), sealed, context)
        if (opened !== undefined) return opened
      }
      return undefined
    },
  }
}
