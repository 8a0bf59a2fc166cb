import type { KeyVersion } from '../keyring.ts'

/** Who supplies the versions of one keyring. */
export interface KeyProvider {
  /**
   * Fetches every version, newest first.
   *
   * @throws {ConfigError} when what it got is no keyring
   * @throws {KeyProviderError} when it could not get it
   */
  fetch(): Promise<readonly KeyVersion[]>
}

/** Keys that could not be had, now. The message quotes nothing that the key provider said: keys may stand in it. */
export class KeyProviderError extends Error {
  override readonly name = 'KeyProviderError'
}
