import type { CustomerKey } from '../keys/customer-key.ts'
import type { Keyrings } from '../keys/find-keys.ts'
import type { ObjectPlace } from '../s3/address.ts'
import { S3Error } from '../s3/error.ts'
import type { Seals } from './seals.ts'

/**
 * A large file under way, as the id says that a client gets for it: every part must come with the key of
 * `b2_start_large_file`, the key may rotate in between, and replicas share no state.
 */
export interface LargeFile extends ObjectPlace {
  /** The provider's own id, which the file keeps when it is finished. */
  readonly fileId: string
  /** With what it began; none for a client's own key, or where the rule passed it through. */
  readonly key: { readonly keyring: string; readonly version: string } | undefined
}

export const sealLargeFile = (seals: Seals, file: LargeFile): string =>
  seals.seal('large-file', file)

/** The large file of an id that the proxy gave out; undefined for an id of the provider's. */
export const openLargeFile = (seals: Seals, id: string): LargeFile | undefined =>
  // Only we can have sealed it.
  seals.open('large-file', id) as LargeFile | undefined

/**
 * The key that a large file began with.
 *
 * @throws {S3Error} `InvalidRequest` when the keyring does not have it any more
 */
export const keyOfLargeFile = (keyrings: Keyrings, file: LargeFile): CustomerKey | undefined => {
  const { key } = file
  if (key === undefined) return undefined
  const found = keyrings
    .get(key.keyring)
    ?.keysFor(file)
    .find(({ version }) => version === key.version)
  if (found !== undefined) return found
  throw new S3Error(
    'InvalidRequest',
    `The large file began with key version '${key.version}', which is not there any more.`,
  )
}
