import { readConfig } from '../config/load.ts'
import { readKeyringFile } from '../keys/providers/file.ts'
import { isWrapped, type WrappedSource } from '../keys/providers/load.ts'
import { generateWrapped, wrapVersions } from '../keys/wrap.ts'
import { fromPath, type Io, toPath, UsageError } from './io.ts'
import { EXIT } from './run.ts'

export interface WrapOptions {
  readonly config: string
  readonly keyring: string
}

const sourceOf = async ({ config: file, keyring }: WrapOptions, io: Io): Promise<WrappedSource> => {
  const { config } = await readConfig(toPath(io, file), io.env, { absent: keyring })
  const source = config.keyrings.get(keyring)
  if (source !== undefined && isWrapped(source)) return source
  throw new UsageError(
    'The configuration has no keyring of that name whose keys are wrapped (provider awsKms or vaultTransit).',
  )
}

/** Runs `make`, and tells what it made. */
const creating = async (
  { path }: WrappedSource,
  io: Io,
  make: () => Promise<void>,
): Promise<number> => {
  try {
    await make()
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
    throw new UsageError(
      `${fromPath(io, path)} is there already, and its keys may be in use. Rotate it, or name another file.`,
    )
  }
  io.stdout.write(
    `created: ${fromPath(io, path)}\nKeep a copy in a safe place: without it, nothing that it encrypts can ever be read.\n`,
  )
  return EXIT.ok
}

/** The command `keys generate --keyring`: the first version of a keyring whose keys are wrapped. */
export const generateWrappedKey = async (options: WrapOptions, io: Io): Promise<number> => {
  const source = await sourceOf(options, io)
  return creating(source, io, () =>
    generateWrapped(options.keyring, source, { env: io.env, now: io.now }),
  )
}

/** The command `keys import`: has the keys of a keyring file wrapped. */
export const importKeys = async (file: string, options: WrapOptions, io: Io): Promise<number> => {
  const versions = await readKeyringFile(toPath(io, file), 'owner')
  const source = await sourceOf(options, io)
  return creating(source, io, () =>
    wrapVersions(options.keyring, source, versions, { env: io.env, now: io.now }),
  )
}
