import { randomUUID } from 'node:crypto'
import { link, mkdir, open, rm } from 'node:fs/promises'
import { dirname } from 'node:path'

const writeDurably = async (file: string, text: string): Promise<void> => {
  const handle = await open(file, 'wx', 0o600)
  try {
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
    await writeDurably(unfinished, text)
    await link(unfinished, file)
  } finally {
    await rm(unfinished, { force: true })
  }
  await syncFolder(folder)
}
