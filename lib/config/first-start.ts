import { access } from 'node:fs/promises'
import { resolve } from 'node:path'
import { generateSecretAccessKey, generateVersion } from '../keys/generate.ts'
import { writeKeyringFile } from '../keys/providers/file.ts'
import { createSecretFile } from '../keys/providers/secret-file.ts'
import { ConfigError, fileFault } from '../yaml/fault.ts'
import type { Parts } from './parts.ts'

/** A file to be created when it is missing. */
interface Wanted {
  readonly file: string
  readonly create: () => Promise<void>
}

const wantedOf = (parts: Parts, folder: string, now: Date | undefined): Wanted[] => [
  ...parts.keyrings.flatMap(({ whole }) => {
    if (whole?.provider !== 'file') return []
    const file = resolve(folder, whole.path)
    return [{ file, create: () => writeKeyringFile(file, [generateVersion('v1', now)]) }]
  }),
  ...parts.clients.flatMap(({ options: { secretAccessKey: ref } }) => {
    if (ref === undefined || !('file' in ref)) return []
    const file = resolve(folder, ref.file)
    return [{ file, create: () => createSecretFile(file, `${generateSecretAccessKey()}\n`) }]
  }),
]

const exists = async (file: string): Promise<boolean> => {
  try {
    await access(file)
    return true
  } catch {
    return false
  }
}

const createOne = async ({ file, create }: Wanted): Promise<string[]> => {
  if (await exists(file)) return []
  try {
    await create()
    return [file]
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    // Another process was faster: its file serves as well.
    if (code === 'EEXIST') return []
    const message = `cannot be created (${code}). Make its folder writable, or create it yourself.`
    throw new ConfigError([fileFault(file, message)])
  }
}

/**
 * Creates the keyring files and client secret files that a configuration names and that are missing, with random
 * content and for their owner alone. For `quickstart: true`, and for nothing else: elsewhere a missing key is a fault.
 *
 * @param folder that relative paths start from
 * @returns the files that were created
 * @throws {ConfigError}
 */
export const createMissing = async (
  parts: Parts,
  folder: string,
  now: Date | undefined,
): Promise<readonly string[]> => {
  const created: string[] = []
  for (const wanted of wantedOf(parts, folder, now)) created.push(...(await createOne(wanted)))
  return created
}
