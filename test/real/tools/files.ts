import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import { bytesOf, KIB, MIB } from '../bytes.ts'

/** Files by their paths below a folder, with `/` between its names. */
export type Tree = ReadonlyMap<string, Buffer>

/** In parts with every tool, and no more than that, as it is stored many times. */
export const BIG = 24 * MIB

export const NOTES_LENGTH = 1000

/** A folder as people have it: depth, names that need encoding, an empty file, one of some size. */
export const sampleTree = (seed: string): Tree =>
  new Map(
    (
      [
        ['empty', 0],
        ['one', 1],
        ['notes.txt', NOTES_LENGTH],
        ['photos/summer/a b+c.jpg', 300 * KIB],
        ['photos/Zürich & 東京.jpg', 5 * KIB],
        ["photos/it's 100%.txt", 77],
        ['deep/er/and/deeper/still', 12 * KIB],
        ['archive.bin', 6 * MIB],
      ] as const
    ).map(([path, length]) => [path, bytesOf(length, `${seed}/${path}`)]),
  )

/** Writes a tree into a folder. */
export const writeTree = async (folder: string, tree: Tree): Promise<void> => {
  for (const [path, bytes] of tree) {
    await mkdir(dirname(join(folder, path)), { recursive: true })
    await writeFile(join(folder, path), bytes)
  }
}

/** The tree of all files in a folder. */
export const readTree = async (folder: string): Promise<Tree> => {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const paths = entries
    .filter(entry => entry.isFile())
    .map(entry => join(entry.parentPath, entry.name))
  const tree = new Map<string, Buffer>()
  for (const path of paths.sort()) tree.set(relative(folder, path), await readFile(path))
  return tree
}

/** What differs between two trees: a failure tells the names, and not the bytes. */
export const differences = (found: Tree, wanted: Tree): readonly string[] =>
  [...new Set([...found.keys(), ...wanted.keys()])].filter(path => {
    const [one, other] = [found.get(path), wanted.get(path)]
    return one === undefined || other === undefined || !one.equals(other)
  })
