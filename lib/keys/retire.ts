import type { KeyVersion } from './keyring.ts'
import { keyringText, type Readers, readKeyringFile } from './providers/file.ts'
import type { KeyringSource, Surroundings } from './providers/load.ts'
import { KeyProviderError } from './providers/provider.ts'
import {
  createSecretFile,
  isThere,
  removeSecretFile,
  replaceSecretFile,
  withLock,
} from './providers/secret-file.ts'
import { createKvProvider, setKvVersionDeleted } from './providers/vault/kv.ts'
import { createVaultSession } from './providers/vault/session.ts'

type FileSource = Extract<KeyringSource, { kind: 'file' }>
type VaultSource = Extract<KeyringSource, { kind: 'vault' }>

/** Where a file's retired versions lie: a keyring document of its own, that no proxy reads. */
export const retiredPath = (path: string): string => `${path}.retired`

/** The retired versions of a keyring file. */
export const readRetired = async (
  path: string,
  readers: Readers,
): Promise<readonly KeyVersion[]> =>
  (await isThere(retiredPath(path))) ? readKeyringFile(retiredPath(path), readers) : []

const writeRetired = async (path: string, versions: readonly KeyVersion[]): Promise<void> => {
  const file = retiredPath(path)
  if (versions.length === 0) return removeSecretFile(file)
  if (await isThere(file)) return replaceSecretFile(file, keyringText(versions))
  return createSecretFile(file, keyringText(versions))
}

/** Milliseconds until no replica writes any more with the version before a new one. */
const settling = (source: FileSource | VaultSource): number =>
  source.kind === 'file' ? 60_000 : 2 * source.refresh.ttl

const noVersion = (id: string): KeyProviderError =>
  new KeyProviderError(`The keyring has no version ${id}. See: ssec-proxy keys list`)

/** The version of that id, if nobody encrypts with it any more. */
const idle = (
  versions: readonly KeyVersion[],
  id: string,
  source: FileSource | VaultSource,
  { now }: Surroundings,
): KeyVersion => {
  const at = versions.findIndex(version => version.id === id)
  const found = versions[at]
  if (found === undefined) throw noVersion(id)
  const before = now().getTime() - settling(source)
  if (versions.slice(0, at).some(({ createdAt }) => (createdAt?.getTime() ?? 0) <= before)) {
    return found
  }
  throw new KeyProviderError(
    `Version ${id} encrypts, or did a moment ago. Rotate first, and give every proxy the time to take the new version.`,
  )
}

const byId =
  (id: string) =>
  (version: KeyVersion): boolean =>
    version.id === id

const retireInFile = (source: FileSource, id: string, around: Surroundings): Promise<string> =>
  withLock(source.path, async () => {
    const { path, readableFor } = source
    const versions = await readKeyringFile(path, readableFor)
    const retired = idle(versions, id, source, around)
    const others = (await readRetired(path, readableFor)).filter(each => each.id !== id)
    // Kept first, and only then removed: whenever the machine stops, the key is in one of the files.
    await writeRetired(path, [retired, ...others])
    await replaceSecretFile(path, keyringText(versions.filter(each => each !== retired)))
    return retiredPath(path)
  })

const restoreInFile = ({ path, readableFor }: FileSource, id: string): Promise<void> =>
  withLock(path, async () => {
    const versions = await readKeyringFile(path, readableFor)
    const retired = await readRetired(path, readableFor)
    const found = retired.find(byId(id))
    if (found === undefined) throw noVersion(id)
    // Behind all others: it reads, and never writes.
    if (!versions.some(byId(id))) await replaceSecretFile(path, keyringText([...versions, found]))
    await writeRetired(
      path,
      retired.filter(each => each !== found),
    )
  })

const numberOf = (id: string): number => {
  const [, digits] = /^v(\d{1,9})$/.exec(id) ?? []
  if (digits === undefined) throw noVersion(id)
  return Number(digits)
}

const retireInVault = async (
  source: VaultSource,
  id: string,
  around: Surroundings,
): Promise<string> => {
  const session = createVaultSession(source.connection, around.now)
  idle(await createKvProvider(session, source).fetch(), id, source, around)
  await setKvVersionDeleted(session, source, numberOf(id), true)
  return `Vault ${source.mount}/${source.path}, deleted and not destroyed`
}

const restoreInVault = async (
  source: VaultSource,
  id: string,
  { now }: Surroundings,
): Promise<void> => {
  const session = createVaultSession(source.connection, now)
  await setKvVersionDeleted(session, source, numberOf(id), false)
  const versions = await createKvProvider(session, source).fetch()
  if (!versions.some(byId(id))) throw noVersion(id)
}

const notHere = (kind: string): KeyProviderError =>
  new KeyProviderError(
    `Versions of a keyring of provider ${kind} are not retired by this command. Take the version out where it is kept, and keep a copy.`,
  )

/**
 * Throws as {@link retire} would, and changes nothing.
 *
 * @throws {KeyProviderError}
 */
export const checkRetirable = async (
  source: KeyringSource,
  versions: readonly KeyVersion[],
  id: string,
  around: Surroundings,
): Promise<void> => {
  if (source.kind !== 'file' && source.kind !== 'vault') throw notHere(source.kind)
  idle(versions, id, source, around)
}

/**
 * Takes a version out of use: no proxy reads with it any more. Its key is kept, so that {@link restore} brings it back.
 *
 * @returns where it is kept, for people
 * @throws {KeyProviderError} also for the version that encrypts
 */
export const retire = async (
  source: KeyringSource,
  id: string,
  around: Surroundings,
): Promise<string> => {
  if (source.kind === 'file') return retireInFile(source, id, around)
  if (source.kind === 'vault') return retireInVault(source, id, around)
  throw notHere(source.kind)
}

/**
 * Brings a retired version back: it reads again.
 *
 * @throws {KeyProviderError}
 */
export const restore = async (
  source: KeyringSource,
  id: string,
  around: Surroundings,
): Promise<void> => {
  if (source.kind === 'file') return restoreInFile(source, id)
  if (source.kind === 'vault') return restoreInVault(source, id, around)
  throw notHere(source.kind)
}
