import { Secret } from '../../s3/secret.ts'
import { KEY_BYTES } from '../generate.ts'
import type { KeyVersion } from '../keyring.ts'
import { type KeyProvider, KeyProviderError } from './provider.ts'
import { readWrappedFile, type WrappedVersion } from './wrapped-file.ts'

/** What a wrapped key is bound to: under any other name, or as any other version, it cannot be unwrapped. */
export interface Binding {
  readonly keyring: string
  readonly version: string
}

/** Who wraps data keys with a key that never leaves it. */
export interface KeyWrapper {
  /**
   * Has a fresh random key of 32 bytes made and wrapped, which nobody here gets to see.
   *
   * @throws {KeyProviderError}
   */
  generate(binding: Binding): Promise<string>
  /**
   * Wraps a key that there is already.
   *
   * @throws {KeyProviderError}
   */
  wrap(key: Buffer, binding: Binding): Promise<string>
  /**
   * @throws {KeyProviderError} also for a key that was wrapped for another binding
   */
  unwrap(wrapped: string, binding: Binding): Promise<Buffer>
}

/** Says which key it was that was not unwrapped; of an error that is none of the vault's, nothing. */
export const refusedFor = ({ keyring, version }: Binding, error: unknown): unknown =>
  error instanceof KeyProviderError
    ? new KeyProviderError(`Keyring ${keyring}, version ${version}: ${error.message}`, {
        cause: error,
      })
    : error

const toVersion = async (
  wrapper: KeyWrapper,
  keyring: string,
  { id, wrapped, createdAt, derive }: WrappedVersion,
): Promise<KeyVersion> => {
  const key = await wrapper.unwrap(wrapped, { keyring, version: id })
  if (key.length !== KEY_BYTES) {
    throw new KeyProviderError(
      `The wrapped key of version ${id} has ${key.length} bytes. It must have ${KEY_BYTES}.`,
    )
  }
  return { id, createdAt, derive, master: new Secret(key) }
}

/**
 * A keyring whose keys are wrapped, in a file. Each fetch reads the file and has every key unwrapped anew, so that a
 * wrapper that no longer does it is noticed.
 */
export const createWrappedProvider = (
  wrapper: KeyWrapper,
  keyring: string,
  path: string,
): KeyProvider => ({
  fetch: async () =>
    Promise.all((await readWrappedFile(path)).map(version => toVersion(wrapper, keyring, version))),
})
