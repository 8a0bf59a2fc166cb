import { stringify } from 'yaml'
import { ConfigError, fileFault } from '../../yaml/fault.ts'
import { isOpenToOthers, modeText, readText } from '../../yaml/read.ts'
import type { KeyVersion } from '../keyring.ts'
import { parseKeyring } from './document.ts'
import { createSecretFile } from './secret-file.ts'

/** Whom a keyring file may be readable for. */
export type Readers = 'owner' | 'group'

const GROUP_READ = 0o040

const isTooOpen = (mode: number, readers: Readers): boolean =>
  isOpenToOthers(readers === 'group' ? mode & ~GROUP_READ : mode)

/**
 * Reads a keyring file.
 *
 * @throws {ConfigError} with every fault; also when others than `readers` may do anything with it
 */
export const readKeyringFile = async (
  file: string,
  readers: Readers,
): Promise<readonly KeyVersion[]> => {
  const read = await readText(file)
  if (read.kind === 'unreadable') throw new ConfigError([fileFault(file, read.message)])
  if (isTooOpen(read.mode, readers)) {
    const mend = readers === 'group' ? '640' : '600'
    const message = `holds keys and is open to others (mode ${modeText(read.mode)}). Run: chmod ${mend} ${file}`
    throw new ConfigError([fileFault(file, message)])
  }
  return parseKeyring(file, read.text)
}

const HEADING = `\
# Keyring of ssec-proxy, newest version first: the newest encrypts, all decrypt.
# Without this file the objects are lost; whoever has it can read them. Keep a copy in a safe place.
`

const toDocument = ({ id, createdAt, master, derive }: KeyVersion) => ({
  id,
  key: master.expose().toString('base64'),
  createdAt: createdAt?.toISOString(),
  derive,
})

/** The document of a keyring, as `readKeyringFile` reads it. Whoever prints it gives the keys away. */
export const keyringText = (versions: readonly KeyVersion[]): string =>
  HEADING + stringify({ versions: versions.map(toDocument) })

/** The document of a keyring as JSON. Whoever prints it gives the keys away, too. */
export const keyringJson = (versions: readonly KeyVersion[]): string =>
  JSON.stringify({ versions: versions.map(toDocument) })

/**
 * Creates a keyring file that its owner alone may read.
 *
 * @param versions newest first
 * @throws {NodeJS.ErrnoException} `EEXIST`: it never replaces a file, whose keys might be in use
 */
export const writeKeyringFile = (file: string, versions: readonly KeyVersion[]): Promise<void> =>
  createSecretFile(file, keyringText(versions))
