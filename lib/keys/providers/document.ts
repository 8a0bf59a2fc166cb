import { z } from 'zod'
import { Secret } from '../../s3/secret.ts'
import { parseYaml } from '../../yaml/document.ts'
import { ConfigError, fileFault } from '../../yaml/fault.ts'
import { shapeOfDocument } from '../../yaml/shape.ts'
import { DERIVATIONS } from '../derive.ts'
import { KEY_BYTES } from '../generate.ts'
import type { KeyVersion } from '../keyring.ts'

/** What is wrong with a text that should be the base64 of a key; it never quotes the text. */
const keyFault = (text: string): string | undefined => {
  const bytes = Buffer.from(text, 'base64')
  const hex = /^[0-9a-f]{64}$/i.test(text)
    ? ' It looks like hex: write the same bytes in base64.'
    : ''
  if (bytes.toString('base64') !== text) return 'is not base64. Write the base64 of 32 bytes.'
  if (bytes.length === KEY_BYTES) return undefined
  return `is base64 of ${bytes.length} bytes. It must be of ${KEY_BYTES}.${hex}`
}

const key = z
  .string({ error: 'must be a text: the base64 of 32 bytes.' })
  .superRefine((text, report) => {
    const message = keyFault(text)
    if (message !== undefined) report.addIssue({ code: 'custom', message })
  })
  .transform(text => Buffer.from(text, 'base64'))

const createdAt = z
  .string()
  .refine(text => /^\d{4}-\d\d-\d\d/.test(text) && !Number.isNaN(Date.parse(text)), {
    error: 'must be a date such as 2026-11-21 or 2026-11-21T05:48:13Z.',
  })
  .transform(text => new Date(text))

export const derive = z.enum(DERIVATIONS)

/** What every document says of a version, but for its key. */
export const versionFields = {
  id: z
    .string()
    .regex(/^[A-Za-z0-9_-]{1,32}$/, {
      error: 'must be 1 to 32 letters, digits, hyphens and underscores.',
    })
    .describe('Name of the version in logs and upload ids, such as `v2`. Never use one again.'),
  createdAt: createdAt.describe('When it was made, for people.').optional(),
  derive: derive
    .describe(
      'What shares one customer key of this version. Left out: as the keyring says. Never change it at a version that has encrypted: rotate instead.',
    )
    .optional(),
}

const version = z
  .strictObject({
    id: versionFields.id,
    key: key.describe('The key: base64 of 32 random bytes.'),
    createdAt: versionFields.createdAt,
    derive: versionFields.derive,
  })
  .meta({ id: 'KeyVersion', description: 'One key of a keyring.' })

type VersionShape = z.output<typeof version>

const isRepeated = <T>(values: readonly T[], i: number): boolean =>
  values.indexOf(values[i] as T) < i

/** Reports each version that has the same `option`, which people call `what`, as one above it. */
export const checkUnique = (
  option: string,
  what: string,
  values: readonly string[],
  report: z.RefinementCtx,
): void => {
  for (const i of values.keys()) {
    if (!isRepeated(values, i)) continue
    const message = `is the ${what} of a version above, too. Give each its own.`
    report.addIssue({ code: 'custom', path: [i, option], message })
  }
}

const checkVersions = (versions: readonly VersionShape[], report: z.RefinementCtx): void => {
  const ids = versions.map(({ id }) => id)
  const keys = versions.map(({ key }) => key.toString('base64'))
  checkUnique('id', 'id', ids, report)
  checkUnique('key', 'key', keys, report)
}

/** The document of a keyring. */
export const keyringDocument = z
  .strictObject({
    versions: z
      .array(version)
      .min(1)
      .superRefine(checkVersions)
      .describe('The keys, newest first: the newest encrypts, all decrypt.'),
  })
  .meta({
    id: 'KeyringFile',
    description: 'The document of a keyring: what the providers `file`, `env` and their like find.',
  })

const toVersion = ({ id, key, createdAt, derive }: VersionShape): KeyVersion => ({
  id,
  createdAt,
  master: new Secret(key),
  derive,
})

/**
 * Reads a keyring document: `versions: [{ id, key, createdAt? }, …]`, newest first.
 *
 * @param file names the document in faults
 * @throws {ConfigError} with every fault
 */
export const parseKeyring = (file: string, text: string): readonly KeyVersion[] => {
  const { value, faults } = shapeOfDocument(keyringDocument, parseYaml(file, text))
  if (value === undefined || faults.length > 0) throw new ConfigError(faults)
  return value.versions.map(toVersion)
}

/** Whether a text can only be one bare key: every document has a colon, a bracket or a space. */
export const isBareKey = (text: string): boolean => !/[:\s{[]/.test(text.trim())

/**
 * Reads one bare base64 key as version `v1`.
 *
 * @throws {ConfigError}
 */
export const parseBareKey = (file: string, text: string): readonly KeyVersion[] => {
  const message = keyFault(text.trim())
  if (message !== undefined) throw new ConfigError([fileFault(file, message)])
  const master = new Secret(Buffer.from(text, 'base64'))
  return [{ id: 'v1', createdAt: undefined, master }]
}

/**
 * Reads what a provider gives as one text: a keyring document, or one bare base64 key.
 *
 * @throws {ConfigError}
 */
export const parseKeyringText = (file: string, text: string): readonly KeyVersion[] =>
  isBareKey(text) ? parseBareKey(file, text) : parseKeyring(file, text)
