import type { Derive } from './derive.ts'
import { generateVersion } from './generate.ts'
import type { KeyVersion } from './keyring.ts'
import { createAwsCall } from './providers/aws/call.ts'
import { addSecretVersion } from './providers/aws/secrets-manager.ts'
import { keyringText, readKeyringFile } from './providers/file.ts'
import {
  type KeyringSource,
  type Surroundings,
  type WrappedSource,
  wrapperOf,
} from './providers/load.ts'
import { KeyProviderError } from './providers/provider.ts'
import { replaceSecretFile, withLock } from './providers/secret-file.ts'
import { addKvVersion, createKvProvider } from './providers/vault/kv.ts'
import { createVaultSession } from './providers/vault/session.ts'
import { readWrappedFile, wrappedText } from './providers/wrapped-file.ts'
import { readRetired } from './retire.ts'

type FileSource = Extract<KeyringSource, { kind: 'file' }>
type SecretSource = Extract<KeyringSource, { kind: 'awsSecretsManager' }>
type VaultSource = Extract<KeyringSource, { kind: 'vault' }>

/** `v` with the number after the highest there is: an id is never used again. */
const nextId = (versions: readonly Pick<KeyVersion, 'id'>[]): string => {
  const numbers = versions.map(({ id }) => Number(/^v(\d{1,9})$/.exec(id)?.[1] ?? 0))
  return `v${Math.max(0, ...numbers) + 1}`
}

/** As the keyring was, unless it shall be otherwise from now on. */
const deriveOf = (
  versions: readonly Pick<KeyVersion, 'derive'>[],
  wanted: Derive | undefined,
): Derive | undefined => wanted ?? versions[0]?.derive

const freshOf = (
  versions: readonly KeyVersion[],
  wanted: Derive | undefined,
  now: Date,
  retired: readonly KeyVersion[] = [],
): KeyVersion => ({
  ...generateVersion(nextId([...versions, ...retired]), now),
  derive: deriveOf(versions, wanted),
})

const rotateFile = (
  { path, readableFor }: FileSource,
  wanted: Derive | undefined,
  { now }: Surroundings,
): Promise<string> =>
  withLock(path, async () => {
    const versions = await readKeyringFile(path, readableFor)
    const retired = await readRetired(path, readableFor)
    const fresh = freshOf(versions, wanted, now(), retired)
    await replaceSecretFile(path, keyringText([fresh, ...versions]))
    return fresh.id
  })

const rotateSecret = (
  source: SecretSource,
  wanted: Derive | undefined,
  { now }: Surroundings,
): Promise<string> =>
  addSecretVersion(createAwsCall('secretsmanager', source.connection, now), source, versions =>
    freshOf(versions, wanted, now()),
  )

/** The key is made and wrapped where the wrapping key is: this machine never sees it. */
const rotateWrapped = (
  keyring: string,
  source: WrappedSource,
  wanted: Derive | undefined,
  surroundings: Surroundings,
): Promise<string> =>
  withLock(source.path, async () => {
    const versions = await readWrappedFile(source.path)
    const id = nextId(versions)
    const wrapped = await wrapperOf(source, surroundings).generate({ keyring, version: id })
    const fresh = { id, wrapped, createdAt: surroundings.now(), derive: deriveOf(versions, wanted) }
    await replaceSecretFile(source.path, wrappedText([fresh, ...versions]))
    return id
  })

const rotateVault = async (
  source: VaultSource,
  wanted: Derive | undefined,
  { now }: Surroundings,
): Promise<string> => {
  const session = createVaultSession(source.connection, now)
  const versions = await createKvProvider(session, source).fetch()
  const derive = deriveOf(versions, wanted)
  const master = generateVersion('new', undefined).master.expose()
  const key = master.toString('base64')
  master.fill(0)
  return addKvVersion(session, source, { key, ...(derive !== undefined && { derive }) })
}

const asLockFault = (error: unknown): never => {
  if (error instanceof Error && 'code' in error && error.code === 'EEXIST') {
    throw new KeyProviderError(
      'Another rotation of this keyring is under way. If none is, remove the file with .lock behind its name.',
    )
  }
  throw error
}

/**
 * Adds a fresh random version to a keyring, which encrypts from then on; all before it still decrypt.
 *
 * @param derive how its customer keys are made; left out: as the newest version says
 * @returns its id
 * @throws {KeyProviderError} when the provider is none that can be written to, or somebody else was faster
 */
export const rotate = async (
  name: string,
  source: KeyringSource,
  derive: Derive | undefined,
  surroundings: Surroundings,
): Promise<string> => {
  switch (source.kind) {
    case 'file':
      return rotateFile(source, derive, surroundings).catch(asLockFault)
    case 'awsKms':
    case 'vaultTransit':
      return rotateWrapped(name, source, derive, surroundings).catch(asLockFault)
    case 'awsSecretsManager':
      return rotateSecret(source, derive, surroundings)
    case 'vault':
      return rotateVault(source, derive, surroundings)
    case 'env':
    case 'exec':
      throw new KeyProviderError(
        `A keyring of provider ${source.kind} is written by others. Put the new version on top where it is kept.`,
      )
  }
}
