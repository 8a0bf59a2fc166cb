import type { KeyVersion } from './keyring.ts'
import { type Surroundings, type WrappedSource, wrapperOf } from './providers/load.ts'
import { createSecretFile } from './providers/secret-file.ts'
import { type WrappedVersion, wrappedText } from './providers/wrapped-file.ts'

/**
 * Makes the file of a keyring whose keys are wrapped, with one fresh version that nobody here gets to see.
 *
 * @throws {NodeJS.ErrnoException} `EEXIST`: it never replaces a file, whose keys might be in use
 * @throws {KeyProviderError}
 */
export const generateWrapped = async (
  name: string,
  source: WrappedSource,
  surroundings: Surroundings,
): Promise<void> => {
  const id = 'v1'
  const wrapped = await wrapperOf(source, surroundings).generate({ keyring: name, version: id })
  const version = { id, wrapped, createdAt: surroundings.now() }
  await createSecretFile(source.path, wrappedText([version]))
}

/**
 * Makes the file of a keyring whose keys are wrapped out of keys that there are already, each under its own id.
 *
 * @throws {NodeJS.ErrnoException} `EEXIST`, likewise
 * @throws {KeyProviderError}
 */
export const wrapVersions = async (
  name: string,
  source: WrappedSource,
  versions: readonly KeyVersion[],
  surroundings: Surroundings,
): Promise<void> => {
  const wrapper = wrapperOf(source, surroundings)
  const wrap = async (version: KeyVersion): Promise<WrappedVersion> => {
    const { id, createdAt, derive, master } = version
    const wrapped = await wrapper.wrap(master.expose(), { keyring: name, version: id })
    return { id, wrapped, createdAt, derive }
  }
  await createSecretFile(source.path, wrappedText(await Promise.all(versions.map(wrap))))
}
