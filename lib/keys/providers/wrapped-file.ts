import { stringify } from 'yaml'
import { z } from 'zod'
import { parseYaml } from '../../yaml/document.ts'
import { ConfigError, fileFault } from '../../yaml/fault.ts'
import { modeText, readText } from '../../yaml/read.ts'
import { shapeOfDocument } from '../../yaml/shape.ts'
import { checkUnique, versionFields } from './document.ts'

const wrappedVersion = z
  .strictObject({
    id: versionFields.id,
    wrapped: z
      .string()
      .regex(/^[A-Za-z0-9+/=:_-]{1,8192}$/, {
        error: 'must be a wrapped key, as `ssec-proxy keys rotate` writes it.',
      })
      .describe('The key as its wrapper gave it; without the wrapper it is of no use.'),
    createdAt: versionFields.createdAt,
    derive: versionFields.derive,
  })
  .meta({ id: 'WrappedVersion', description: 'One wrapped key of a keyring.' })

/** One version of a keyring, as it stands in a file. */
export type WrappedVersion = z.output<typeof wrappedVersion>

const checkVersions = (versions: readonly WrappedVersion[], report: z.RefinementCtx): void => {
  const ids = versions.map(({ id }) => id)
  const keys = versions.map(({ wrapped }) => wrapped)
  checkUnique('id', 'id', ids, report)
  checkUnique('wrapped', 'key', keys, report)
}

/** The document of a keyring whose keys are wrapped. */
export const wrappedDocument = z
  .strictObject({
    versions: z
      .array(wrappedVersion)
      .min(1)
      .superRefine(checkVersions)
      .describe('The wrapped keys, newest first: the newest encrypts, all decrypt.'),
  })
  .meta({
    id: 'WrappedKeyringFile',
    description:
      'The file of a keyring whose keys are wrapped: of the providers `awsKms` and `vaultTransit`.',
  })

const OTHERS_WRITE = 0o022

/**
 * Reads a file of wrapped keys. Anybody may read it; who may write it decides which of the keys encrypts.
 *
 * @throws {ConfigError} with every fault; also when others than its owner may write it
 */
export const readWrappedFile = async (file: string): Promise<readonly WrappedVersion[]> => {
  const read = await readText(file)
  if (read.kind === 'unreadable') throw new ConfigError([fileFault(file, read.message)])
  if ((read.mode & OTHERS_WRITE) !== 0) {
    const message = `says which key encrypts, and others may change it (mode ${modeText(read.mode)}). Run: chmod go-w ${file}`
    throw new ConfigError([fileFault(file, message)])
  }
  const { value, faults } = shapeOfDocument(wrappedDocument, parseYaml(file, read.text))
  if (value === undefined || faults.length > 0) throw new ConfigError(faults)
  return value.versions
}

const HEADING = `\
# Keyring of ssec-proxy, newest version first: the newest encrypts, all decrypt. Each key is wrapped by a key that never
# leaves its vault. Without this file, or without that key, the objects are lost. Keep a copy of it in a safe place.
`

/** The document of wrapped keys, as `readWrappedFile` reads it. */
export const wrappedText = (versions: readonly WrappedVersion[]): string =>
  HEADING +
  stringify(
    {
      versions: versions.map(({ id, wrapped, createdAt, derive }) => ({
        id,
        wrapped,
        createdAt: createdAt?.toISOString(),
        derive,
      })),
    },
    { lineWidth: 0 },
  )
