import { hkdfSync } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import type { ObjectPlace } from '../s3/address.ts'
import type { Secret } from '../s3/secret.ts'
import { type CustomerKey, customerKey } from './customer-key.ts'
import { type Derive, deriveKey } from './derive.ts'

/** One version of a keyring's master: 32 bytes from a key provider. */
export interface KeyVersion {
  /** 1–32 of `A-Za-z0-9_-`: it stands in upload ids and logs. */
  readonly id: string
  readonly createdAt: Date | undefined
  readonly master: Secret<Buffer>
  /** How its customer keys are made; as the keyring says when left out. */
  readonly derive?: Derive | undefined
}

/** The customer keys of a place, newest first. */
export type PlaceKeys = readonly [CustomerKey, ...CustomerKey[]]

/** Named versions of a key: the first writes, all read. It is the newest, but for one that some replicas may not have yet. */
export interface Keyring {
  readonly name: string
  readonly versions: readonly KeyVersion[]
  /** The customer keys an object may have been written with, newest first; never empty. */
  keysFor(place: ObjectPlace): PlaceKeys
  /** A secret that every replica with this keyring derives alike, for purposes other than SSE-C. */
  subkey(version: KeyVersion, purpose: string): Buffer
}

/** Places whose derived keys are kept, per keyring: about 1 KiB each and version. */
const KEPT_PLACES = 10_000

type KeyAt = (place: ObjectPlace) => CustomerKey

const keyMaker = (keyring: string, version: KeyVersion, derive: Derive): KeyAt => {
  const { id, master } = version
  if (derive === 'none') {
    const key = customerKey(keyring, id, master.expose())
    return () => key
  }
  return place => {
    const bytes = deriveKey(master.expose(), derive, place)
    const key = customerKey(keyring, id, bytes)
    bytes.fill(0)
    return key
  }
}

/** Keeps what is made for a place, for the places that share it have the same name. */
const keeping = (
  nameOf: (place: ObjectPlace) => string,
  make: (place: ObjectPlace) => PlaceKeys,
): ((place: ObjectPlace) => PlaceKeys) => {
  const kept = new LRUCache<string, PlaceKeys>({ maxSize: KEPT_PLACES, sizeCalculation: () => 1 })
  return place => {
    const name = nameOf(place)
    const found = kept.get(name)
    if (found !== undefined) return found
    const made = make(place)
    kept.set(name, made)
    return made
  }
}

const subkeyOf = ({ master }: KeyVersion, purpose: string): Buffer =>
  Buffer.from(hkdfSync('sha256', master.expose(), '', `ssec-proxy/${purpose}`, 32))

/** Derives each subkey once: an upload id that somebody made up is tried with those of many keyrings. */
const keepingSubkeys = (): Keyring['subkey'] => {
  const kept = new Map<KeyVersion, Map<string, Buffer>>()
  return (version, purpose) => {
    const ofVersion = kept.get(version) ?? new Map<string, Buffer>()
    kept.set(version, ofVersion)
    const subkey = ofVersion.get(purpose) ?? subkeyOf(version, purpose)
    ofVersion.set(purpose, subkey)
    return subkey
  }
}

/**
 * @param versions newest first
 * @param derive how the customer keys of those versions are made that do not say it themselves
 * @throws {RangeError} when there is no version
 */
export const createKeyring = (
  name: string,
  versions: readonly KeyVersion[],
  derive: Derive = 'none',
): Keyring => {
  const derives = versions.map(version => version.derive ?? derive)
  const [newest, ...older] = versions.map((version, i) =>
    keyMaker(name, version, derives[i] ?? derive),
  )
  if (newest === undefined) throw new RangeError(`keyring ${name} has no version`)
  const make = (place: ObjectPlace): PlaceKeys => [
    newest(place),
    ...older.map(maker => maker(place)),
  ]
  const nameOf = derives.includes('object')
    ? ({ bucket, objectKey }: ObjectPlace) => `${bucket}\0${objectKey}`
    : derives.includes('bucket')
      ? ({ bucket }: ObjectPlace) => bucket
      : () => ''
  return {
    name,
    versions,
    keysFor: keeping(nameOf, make),
    subkey: keepingSubkeys(),
  }
}
