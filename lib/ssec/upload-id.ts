import { createHmac, timingSafeEqual } from 'node:crypto'
import type { Keyring, KeyVersion } from '../keys/keyring.ts'
import type { ObjectPlace } from '../s3/address.ts'

/**
 * Upload ids that carry the key version which the upload was created with: `v7.<mac>.<provider's id>`.
 *
 * Every part must come with the key of CreateMultipartUpload, the key may rotate in between, and replicas share no
 * state. The mac is made with a subkey of that very version, over bucket and object key too, so that an id can
 * neither be forged nor be used for another object. A `~` before the version says that the provider did not confirm the
 * key when it created the upload: then its parts, and what they are put together to, must be confirmed.
 */
export interface OpenedUploadId {
  readonly keyring: Keyring
  /** The version the upload was created with; undefined for an id out of a listing, which cannot know. */
  readonly version: string | undefined
  /** Whether the provider confirmed the version's key when it created the upload. */
  readonly confirmed: boolean
  /** The provider's own id. */
  readonly providerId: string
}

/** Stands before a version that was not confirmed, and for the version in ids out of a listing. In no legal version id. */
const UNCONFIRMED = '~'

const MAC_BYTES = 16

const macOf = (
  keyring: Keyring,
  signer: KeyVersion,
  version: string,
  place: ObjectPlace,
  providerId: string,
): Buffer =>
  createHmac('sha256', keyring.subkey(signer, 'upload-id'))
    .update(JSON.stringify([keyring.name, version, place.bucket, place.objectKey, providerId]))
    .digest()
    .subarray(0, MAC_BYTES)

const newest = (keyring: Keyring): KeyVersion => {
  const [first] = keyring.versions
  if (first === undefined) throw new RangeError(`keyring ${keyring.name} has no version`)
  return first
}

const seal = (
  keyring: Keyring,
  signer: KeyVersion,
  version: string,
  place: ObjectPlace,
  providerId: string,
): string =>
  `${version}.${macOf(keyring, signer, version, place, providerId).toString('base64url')}.${providerId}`

/**
 * The id that a client gets for an upload created with `version`.
 *
 * @param confirmed whether the provider's answer showed that version's key
 */
export const sealUploadId = (
  keyring: Keyring,
  version: string,
  place: ObjectPlace,
  providerId: string,
  confirmed = true,
): string => {
  const signer = keyring.versions.find(each => each.id === version)
  if (signer === undefined)
    throw new RangeError(`keyring ${keyring.name} has no version ${version}`)
  return seal(keyring, signer, confirmed ? version : `${UNCONFIRMED}${version}`, place, providerId)
}

/** The id that a client gets for an upload found in a listing. */
export const sealListedUploadId = (
  keyring: Keyring,
  place: ObjectPlace,
  providerId: string,
): string => seal(keyring, newest(keyring), UNCONFIRMED, place, providerId)

interface SealedId {
  /** With what stands before it. */
  readonly version: string
  readonly mac: Buffer
  readonly providerId: string
}

const parse = (sealed: string): SealedId | undefined => {
  const [version, mac, ...rest] = sealed.split('.')
  if (version === undefined || mac === undefined || rest.length === 0) return undefined
  const bytes = Buffer.from(mac, 'base64url')
  if (bytes.length !== MAC_BYTES) return undefined
  return { version, mac: bytes, providerId: rest.join('.') }
}

/** The version that an id names; undefined for one out of a listing. */
const versionOf = ({ version }: SealedId): string | undefined =>
  version === UNCONFIRMED ? undefined : version.replace(UNCONFIRMED, '')

/** Whether a version of this keyring sealed the id for that place. */
const isSealedBy = (keyring: Keyring, place: ObjectPlace, id: SealedId): boolean =>
  keyring.versions
    .filter(signer => (versionOf(id) ?? signer.id) === signer.id)
    .some(signer =>
      timingSafeEqual(id.mac, macOf(keyring, signer, id.version, place, id.providerId)),
    )

const sealerOf = (
  id: SealedId,
  keyrings: Iterable<Keyring>,
  place: ObjectPlace,
): Keyring | undefined => {
  for (const keyring of keyrings) if (isSealedBy(keyring, place, id)) return keyring
  return undefined
}

/** Reads an id that one of `keyrings` sealed for that place; undefined for any other text. */
export const openUploadId = (
  keyrings: Iterable<Keyring>,
  place: ObjectPlace,
  sealed: string,
): OpenedUploadId | undefined => {
  const id = parse(sealed)
  const keyring = id && sealerOf(id, keyrings, place)
  if (id === undefined || keyring === undefined) return undefined
  const confirmed = !id.version.startsWith(UNCONFIRMED)
  return { keyring, version: versionOf(id), confirmed, providerId: id.providerId }
}

/** Whether an id has the form of ours, and none of `keyrings` sealed it for that place: a newer version may have. */
export const isStrangeUploadId = (
  keyrings: Iterable<Keyring>,
  place: ObjectPlace,
  sealed: string,
): boolean => parse(sealed) !== undefined && openUploadId(keyrings, place, sealed) === undefined
