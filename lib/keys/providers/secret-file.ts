import { randomUUID } from 'node:crypto'
import { link, mkdir, open, realpath, rename, rm, stat } from 'node:fs/promises'
import { dirname } from 'node:path'

/** Whose a file is, and who may do what with it. */
interface Belonging {
  readonly mode: number
  readonly uid: number
  readonly gid: number
}

const writeDurably = async (
  file: string,
  text: string,
  belonging: Belonging | undefined,
): Promise<void> => {
  const handle = await open(file, 'wx', 0o600)
  try {
    if (belonging !== undefined) {
      await handle.chown(belonging.uid, belonging.gid)
      await handle.chmod(belonging.mode & 0o777)
    }
    await handle.writeFile(text)
    await handle.sync()
  } finally {
    await handle.close()
  }
}

const syncFolder = async (folder: string): Promise<void> => {
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/**
 * Creates a file that its owner alone may read, whole or not at all, and never over another one. Folders on the way
 * are made, for the owner alone.
 *
 * The finished file is linked to its name, not renamed: a rename would silently replace a key that is in use.
 *
 * @throws {NodeJS.ErrnoException} `EEXIST` when there is a file of that name
 */
export const createSecretFile = async (file: string, text: string): Promise<void> => {
  const folder = dirname(file)
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const unfinished = `${file}.${randomUUID()}.tmp`
  try {
    await writeDurably(unfinished, text, undefined)
    await link(unfinished, file)
  } finally {
    await rm(unfinished, { force: true })
  }
  await syncFolder(folder)
}

/** Whether there is a file of that name. */
export const isThere = async (file: string): Promise<boolean> => {
  try {
    await stat(file)
    return true
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return false
    throw error
  }
}

/** Removes a file, if there is one, for good. */
export const removeSecretFile = async (file: string): Promise<void> => {
  await rm(file, { force: true })
  await syncFolder(dirname(file))
}

/** Runs `work` while nobody else does so for that file, on any machine that has it. */
export const withLock = async <T>(file: string, work: () => Promise<T>): Promise<T> => {
  const lock = `${file}.lock`
  await (await open(lock, 'wx', 0o600)).close()
  try {
    return await work()
  } finally {
    await rm(lock, { force: true })
  }
}

/**
 * Replaces a file's content, all of it or nothing, whenever the machine stops. It stays whose it was, and as open as it
 * was; a link to it stays a link.
 *
 * @throws {NodeJS.ErrnoException} `EPERM` when it would belong to another user than before, who then could not read it
 */
export const replaceSecretFile = async (link: string, text: string): Promise<void> => {
  const file = await realpath(link)
  const unfinished = `${file}.${randomUUID()}.tmp`
  try {
    await writeDurably(unfinished, text, await stat(file))
    await rename(unfinished, file)
  } finally {
    await rm(unfinished, { force: true })
  }
  await syncFolder(dirname(file))
}
