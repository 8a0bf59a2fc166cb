import type { Derive } from '../derive.ts'
import { createKeyring, type Keyring, type KeyVersion } from '../keyring.ts'
import { readKeyringVariable } from './env.ts'
import { type Readers, readKeyringFile } from './file.ts'

/** Which key provider has a keyring, and under what name there. */
export type KeyringSource = {
  /** How customer keys are made of the versions that do not say it themselves. */
  readonly derive: Derive
} & (
  | { readonly kind: 'file'; readonly path: string; readonly readableFor: Readers }
  /** Environment variable with the keyring document, or with one base64 key. */
  | { readonly kind: 'env'; readonly variable: string }
)

const versionsOf = async (
  source: KeyringSource,
  env: NodeJS.ProcessEnv,
): Promise<readonly KeyVersion[]> => {
  switch (source.kind) {
    case 'file':
      return readKeyringFile(source.path, source.readableFor)
    case 'env':
      return readKeyringVariable(source.variable, env)
  }
}

/**
 * Fetches a keyring from its key provider.
 *
 * @throws {ConfigError} with every fault
 */
export const loadKeyring = async (
  name: string,
  source: KeyringSource,
  env: NodeJS.ProcessEnv,
): Promise<Keyring> => createKeyring(name, await versionsOf(source, env), source.derive)
