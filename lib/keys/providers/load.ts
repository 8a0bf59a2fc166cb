import type { KeyringSource } from '../../config/config.ts'
import type { Keyring } from '../keyring.ts'
import { readKeyringVariable } from './env.ts'
import { readKeyringFile } from './file.ts'

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
      return readKeyringFile(name, source.path)
    case 'env':
      return readKeyringVariable(name, source.variable, env)
  }
}
