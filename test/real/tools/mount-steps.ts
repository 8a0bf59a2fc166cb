import { appendFile, open, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Test } from 'tap'
import { bytesOf, KIB, MIB } from '../bytes.ts'
import { sameBytes } from '../matrix/step.ts'
import { BIG, differences, readTree, sampleTree, writeTree } from './files.ts'
import type { Scene, ToolStep } from './scene.ts'
import { transfersOf } from './traffic.ts'

/** A bucket as a folder of this machine. */
export interface Mount {
  readonly folder: string
  unmount(): Promise<void>
}

/** A step with the bucket mounted anew, so that nothing of what it reads is remembered. */
const mounted =
  (mount: () => Promise<Mount>) =>
  (name: string, test: (t: Test, folder: string, scene: Scene) => Promise<void>): ToolStep => [
    name,
    async (t, scene) => {
      const { folder, unmount } = await mount()
      try {
        await test(t, folder, scene)
      } finally {
        await unmount()
      }
    },
  ]

const write = async (scene: Scene, folder: string, objectKey: string, length: number) => {
  const bytes = bytesOf(length, `${scene.bucket}/${objectKey}`)
  await writeFile(join(folder, objectKey), bytes)
  scene.stored.set(objectKey, bytes)
}

const writes = async (t: Test, folder: string, scene: Scene): Promise<void> => {
  const tree = sampleTree(scene.bucket)
  await writeTree(folder, tree)
  for (const [path, bytes] of tree) scene.stored.set(path, bytes)
  await write(scene, folder, 'renamed', 5 * KIB)
  t.equal((await stat(join(folder, 'renamed'))).size, 5 * KIB)
}

const reads = async (t: Test, folder: string, { stored }: Scene): Promise<void> => {
  t.strictSame(differences(await readTree(folder), stored), [])
}

const writesBig = async (t: Test, folder: string, scene: Scene): Promise<void> => {
  const transfers = await transfersOf(scene.site, scene.bucket, () =>
    write(scene, folder, 'big', BIG),
  )
  t.ok(transfers.filter(each => each === 'UploadPart').length > 1, 'in parts', { transfers })
}

const renames = async (t: Test, folder: string, { stored }: Scene): Promise<void> => {
  for (const name of ['renamed', 'big']) {
    await rename(join(folder, name), join(folder, `${name}-to`))
    stored.set(`${name}-to`, stored.get(name) ?? Buffer.alloc(0))
    stored.delete(name)
  }
  const names = await readdir(folder)
  t.notOk(names.includes('big') || names.includes('renamed'))
}

const changes = async (t: Test, folder: string, { bucket, stored }: Scene): Promise<void> => {
  const added = bytesOf(1000, 'added')
  await appendFile(join(folder, 'notes.txt'), added)
  stored.set('notes.txt', Buffer.concat([stored.get('notes.txt') ?? Buffer.alloc(0), added]))
  // In the middle: what is around it is copied in parts within the provider.
  const changed = Buffer.from(stored.get('big-to') ?? Buffer.alloc(0))
  bytesOf(KIB, bucket).copy(changed, 9 * MIB)
  const file = await open(join(folder, 'big-to'), 'r+')
  await file.write(changed, 9 * MIB, KIB, 9 * MIB)
  await file.close()
  stored.set('big-to', changed)
  await rm(join(folder, 'one'))
  stored.delete('one')
  sameBytes(t, await readFile(join(folder, 'big-to')), changed, 'reads what it wrote')
}

/** What is done with every program that mounts buckets. */
export const mountSteps = (mount: () => Promise<Mount>): readonly ToolStep[] => {
  const step = mounted(mount)
  return [
    step('writes files and folders', writes),
    step('reads them, mounted anew', reads),
    step('writes a big file, in parts', writesBig),
    step('renames files, a big one too', renames),
    step('appends, writes into the middle, and deletes', changes),
    step('reads it all, mounted anew', reads),
  ]
}
