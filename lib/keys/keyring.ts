import { hkdfSync } from 'node:crypto'
import type { ObjectPlace } from '../s3/address.ts'
import type { Secret } from '../s3/secret.ts'
import { type CustomerKey, customerKey } from './customer-key.ts'

/** One version of a keyring's master: 32 bytes from a key provider. */
export interface KeyVersion {
  /** 1–32 of `A-Za-z0-9_-`: it stands in upload ids and logs. */
  readonly id: string
  readonly createdAt: Date | undefined
  readonly master: Secret<Buffer>
}

/** Named versions of a key, newest first: the newest writes, all read. */
export interface Keyring {
  readonly name: string
  readonly versions: readonly KeyVersion[]
  /** The customer keys an object may have been written with, newest first; never empty. */
  keysFor(place: ObjectPlace): readonly [CustomerKey, ...CustomerKey[]]
  /** A secret that every replica with this keyring derives alike, for purposes other than SSE-C. */
  subkey(version: KeyVersion, purpose: string): Buffer
}

/**
 * @param versions newest first
 * @throws {RangeError} when there is none
 */
export const createKeyring = (name: string, versions: readonly KeyVersion[]): Keyring => {
  const [newest, ...older] = versions.map(version =>
    customerKey(name, version.id, version.master.expose()),
  )
  if (newest === undefined) throw new RangeError(`keyring ${name} has no version`)
  const keys = [newest, ...older] as const
  return {
    name,
    versions,
    keysFor: () => keys,
    subkey: (version, purpose) =>
      Buffer.from(hkdfSync('sha256', version.master.expose(), '', `ssec-proxy/${purpose}`, 32)),
  }
}
