import { ConfigError, fileFault } from '../../yaml/fault.ts'
import type { Keyring } from '../keyring.ts'
import { isBareKey, parseBareKey, parseKeyring } from './document.ts'

/**
 * Reads a keyring out of an environment variable: a keyring document, or one bare base64 key.
 *
 * @throws {ConfigError} with every fault
 */
export const readKeyringVariable = (
  name: string,
  variable: string,
  env: NodeJS.ProcessEnv,
): Keyring => {
  const text = env[variable]
  const file = `$${variable}`
  if (text === undefined || text.trim() === '') {
    throw new ConfigError([
      fileFault(file, 'is not set in the environment. Set it, or correct the name.'),
    ])
  }
  return isBareKey(text) ? parseBareKey(name, file, text) : parseKeyring(name, file, text)
}
