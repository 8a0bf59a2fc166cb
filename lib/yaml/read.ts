import { open } from 'node:fs/promises'

/** A file's text and permission bits, or why it cannot be had: a sentence that follows the file's name. */
export type ReadText =
  | { readonly kind: 'text'; readonly text: string; readonly mode: number }
  | { readonly kind: 'unreadable'; readonly message: string }

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'does not exist. Create it, or correct the path.',
  ENOTDIR: 'does not exist. Create it, or correct the path.',
  EACCES: 'may not be read by this user. Change its owner or its mode.',
  EPERM: 'may not be read by this user. Change its owner or its mode.',
  EISDIR: 'is a folder. Name a file.',
}

const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error ? String(error.code) : 'unknown error'

/** Why a file could not be read, in words. */
const reasonOf = (error: unknown): string =>
  REASONS[codeOf(error)] ?? `cannot be read (${codeOf(error)}).`

/** Reads a UTF-8 file. The permission bits are those of the very file that was read. */
export const readText = async (file: string): Promise<ReadText> => {
  try {
    const handle = await open(file, 'r')
    try {
      const { mode } = await handle.stat()
      return { kind: 'text', text: await handle.readFile('utf8'), mode: mode & 0o777 }
    } finally {
      await handle.close()
    }
  } catch (error) {
    return { kind: 'unreadable', message: reasonOf(error) }
  }
}

/** Whether others than a file's owner may do anything with it. */
export const isOpenToOthers = (mode: number): boolean => (mode & 0o077) !== 0

/** Permission bits as people write them: `0600`. */
export const modeText = (mode: number): string => mode.toString(8).padStart(4, '0')
