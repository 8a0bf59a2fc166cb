import { customerKey } from '../keys/customer-key.ts'
import { generateVersion } from '../keys/generate.ts'
import type { Keyring } from '../keys/keyring.ts'
import { keyringText, writeKeyringFile } from '../keys/providers/file.ts'
import type { Ready } from '../serving.ts'
import { fromPath, type Io, toPath, UsageError } from './io.ts'
import { EXIT } from './run.ts'
import { getReady } from './serve.ts'
import { SECRET_WARNING, table } from './text.ts'

/** The command `keys generate`: a keyring file, a keyring document, or a bare key. */
export const generateKey = async (
  options: { readonly out?: string; readonly bare?: true },
  io: Io,
): Promise<number> => {
  if (options.bare && options.out !== undefined) {
    throw new UsageError('--bare prints the key and --out writes a keyring file. Give one of them.')
  }
  const version = generateVersion('v1', io.now())
  if (options.out !== undefined) return writeKey(toPath(io, options.out), [version], io)
  io.stderr.write(SECRET_WARNING)
  io.stdout.write(
    options.bare ? `${version.master.expose().toString('base64')}\n` : keyringText([version]),
  )
  return EXIT.ok
}

const writeKey = async (file: string, versions: Keyring['versions'], io: Io): Promise<number> => {
  try {
    await writeKeyringFile(file, versions)
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') {
      throw new UsageError(
        `${fromPath(io, file)} is there already, and its keys may be in use. Name another file.`,
      )
    }
    throw error
  }
  io.stdout.write(
    `created: ${fromPath(io, file)}\nKeep a copy in a safe place: without it, nothing that it encrypts can ever be read.\n`,
  )
  return EXIT.ok
}

const rowsOf = ({ name, versions }: Keyring): string[][] =>
  versions.map(({ id, createdAt, master }) => [
    name,
    id,
    createdAt?.toISOString() ?? '-',
    customerKey(name, id, master.expose()).md5,
  ])

const keyringNamed = ({ keyrings }: Ready, name: string): Keyring => {
  const keyring = keyrings.get(name)
  if (keyring !== undefined) return keyring
  const known = [...keyrings.keys()].join(', ')
  throw new UsageError(`The configuration has no keyring of that name. It has: ${known}.`)
}

/** The command `keys list`: the versions of the keyrings, never their keys. */
export const listKeys = async (
  options: { readonly config: string; readonly keyring?: string },
  io: Io,
): Promise<number> => {
  const ready = await getReady(toPath(io, options.config), io.env)
  const keyrings =
    options.keyring === undefined
      ? [...ready.keyrings.values()]
      : [keyringNamed(ready, options.keyring)]
  const head = ['KEYRING', 'VERSION', 'CREATED', 'KEY MD5']
  io.stdout.write(table([head, ...keyrings.flatMap(rowsOf)]))
  return EXIT.ok
}
