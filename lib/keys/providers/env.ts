import { ConfigError, fileFault } from '../../yaml/fault.ts'
import type { KeyVersion } from '../keyring.ts'
import { parseKeyringText } from './document.ts'

/**
 * Reads a keyring out of an environment variable: a keyring document, or one bare base64 key.
 *
 * @throws {ConfigError} with every fault
 */
export const readKeyringVariable = (
  variable: string,
  env: NodeJS.ProcessEnv,
): readonly KeyVersion[] => {
  const text = env[variable]
  const file = `$${variable}`
  if (text === undefined || text.trim() === '') {
    throw new ConfigError([
      fileFault(file, 'is not set in the environment. Set it, or correct the name.'),
    ])
  }
  return parseKeyringText(file, text)
}
