import type { DecidedRequest, Permission } from '../policy/decide.ts'
import type { ObjectPlace } from '../s3/address.ts'
import { S3Error } from '../s3/error.ts'
import type { Through } from '../s3/request.ts'
import type { Keyring, PlaceKeys } from './keyring.ts'

/** The keys an object may have been written with, newest first. */
export type Keys = PlaceKeys

/** The keyrings by name. */
export type Keyrings = ReadonlyMap<string, Keyring>

export type KeyedRequest = Through<
  'keys',
  DecidedRequest & {
    /** All keyrings as they were when the request came: it ends with these, whatever is rotated on its way. */
    readonly keyrings: Keyrings
    /** None where the rule passes through, or the request names no object. */
    readonly objectKeys: Keys | undefined
    readonly sourceKeys: Keys | undefined
  }
>

const keysOf = (
  keyrings: Keyrings,
  permission: Permission,
  place: ObjectPlace,
): Keys | undefined => {
  if (permission.kind !== 'encrypt') return undefined
  const keyring = keyrings.get(permission.effect.encrypt.keyring)
  // A checked configuration names only keyrings that there are, so this one's grace is over.
  if (keyring === undefined) {
    throw new S3Error('ServiceUnavailable', 'The keys of this object cannot be fetched now.')
  }
  return keyring.keysFor(place)
}

/** Looks up the keys of the object that a request names, and of the object that it copies. */
export const findKeys = (keyrings: Keyrings, request: DecidedRequest): KeyedRequest => {
  const { address, copySource, permission } = request
  return {
    ...request,
    keyrings,
    objectKeys: address.level === 'object' ? keysOf(keyrings, permission, address) : undefined,
    sourceKeys: copySource && keysOf(keyrings, copySource.permission, copySource.place),
  } as KeyedRequest
}
