import type { Keyring } from '../keyring.ts'
import { readKeyringVariable } from './env.ts'
import { type Readers, readKeyringFile } from './file.ts'

/** Which key provider has a keyring, and under what name there. */
export type KeyringSource =
  | { readonly kind: 'file'; readonly path: string; readonly readableFor: Readers }
  /** Environment variable with the keyring document, or with one base64 key. */
  | { readonly kind: 'env'; readonly variable: string }

/**
 * Fetches a keyring from its key provider.
 *
 * @throws {ConfigError} with every fault
 */
export const loadKeyring = async (
  name: string,
  source: KeyringSource,
  env: NodeJS.ProcessEnv,
): Promise<Keyring> => {
  switch (source.kind) {
    case 'file':
      return readKeyringFile(name, source.path, source.readableFor)
    case 'env':
      return readKeyringVariable(name, source.variable, env)
  }
}
