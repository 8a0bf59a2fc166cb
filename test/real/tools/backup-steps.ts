import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Test } from 'tap'
import { bytesOf } from '../bytes.ts'
import { BIG, differences, readTree, sampleTree, writeTree } from './files.ts'
import type { Scene, ToolStep } from './scene.ts'

/** A program that keeps backups of a folder in a bucket. */
export interface Backups {
  backUp(folder: string): Promise<void>
  /** Reads all that is stored, and holds it against its own sums or against the folder. */
  verify(folder: string): Promise<void>
  /** The newest backup, into an empty folder. */
  restore(folder: string): Promise<void>
  /** Removes all that the newest backup does not need. */
  prune(): Promise<void>
}

const sourceOf = ({ folder }: Scene): string => join(folder, 'tree')

const checkRestore = async (t: Test, tool: Backups, scene: Scene, name: string): Promise<void> => {
  const folder = join(scene.folder, name)
  await mkdir(folder)
  await tool.restore(folder)
  const [found, wanted] = [await readTree(folder), await readTree(sourceOf(scene))]
  t.not(wanted.size, 0)
  t.strictSame(differences(found, wanted), [], 'what is restored is what was backed up')
}

/** What is done with every tool that keeps backups. */
export const backupSteps = (tool: Backups): readonly ToolStep[] => [
  [
    'backs a folder up, and restores it',
    async (t, scene) => {
      await writeTree(sourceOf(scene), sampleTree(scene.bucket))
      await writeTree(sourceOf(scene), new Map([['big', bytesOf(BIG, scene.bucket)]]))
      await tool.backUp(sourceOf(scene))
      await checkRestore(t, tool, scene, 'restored-first')
    },
  ],
  [
    'backs up what has changed, and verifies',
    async (t, scene) => {
      const changes = new Map([
        ['notes.txt', bytesOf(2000, 'changed')],
        ['new/file', bytesOf(50_000, 'new')],
      ])
      await writeTree(sourceOf(scene), changes)
      await tool.backUp(sourceOf(scene))
      await t.resolves(tool.verify(sourceOf(scene)))
      await checkRestore(t, tool, scene, 'restored-second')
    },
  ],
  [
    'prunes, and can still restore',
    async (t, scene) => {
      await tool.prune()
      await t.resolves(tool.verify(sourceOf(scene)))
      await checkRestore(t, tool, scene, 'restored-pruned')
    },
  ],
]
