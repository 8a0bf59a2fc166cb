import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Test } from 'tap'
import { bytesOf, KIB, MIB } from '../bytes.ts'
import { sameBytes } from '../matrix/step.ts'
import {
  BIG,
  differences,
  NOTES_LENGTH,
  readTree,
  sampleTree,
  type Tree,
  writeTree,
} from './files.ts'
import type { Scene, ToolStep } from './scene.ts'
import { transfersOf } from './traffic.ts'

/**
 * A program that moves files to and from a bucket: a command for each thing to do, which takes two places, each a path
 * or what `url` makes of an object key. A key or path that ends in `/` is a folder.
 */
export interface Transfers {
  url(bucket: string, objectKey: string): string
  put(from: string, to: string): Promise<void>
  get(from: string, to: string): Promise<void>
  /** Puts what comes on its input, of a length that it is not told. */
  stream(from: string, to: string): Promise<void>
  copy(from: string, to: string): Promise<void>
  move(from: string, to: string): Promise<void>
  sync(from: string, to: string): Promise<void>
  /** By what it tells that a file has changed whose times do not. */
  readonly compares: 'bytes' | 'length'
  /** Compares a folder with objects; only some tools have that. */
  readonly check: ((from: string, to: string) => Promise<void>) | undefined
}

const writeSource = async (
  scene: Scene,
  objectKey: string,
  length: number,
): Promise<readonly [path: string, bytes: Buffer]> => {
  const bytes = bytesOf(length, `${scene.bucket}/${objectKey}`)
  const path = join(scene.folder, 'source')
  await writeFile(path, bytes)
  scene.stored.set(objectKey, bytes)
  return [path, bytes]
}

const checkGet = async (
  t: Test,
  tool: Transfers,
  { bucket, folder, stored }: Scene,
  objectKey: string,
): Promise<void> => {
  const path = join(folder, `got-${bytesOf(4, objectKey).toString('hex')}`)
  await tool.get(tool.url(bucket, objectKey), path)
  sameBytes(t, await readFile(path), stored.get(objectKey) ?? Buffer.alloc(0), objectKey)
}

const SMALL: readonly (readonly [objectKey: string, length: number])[] = [
  ['empty', 0],
  ['dir/one', 1],
  ['dir/a b+ä & 100%.bin', 300 * KIB],
]

const putsAndGets = (tool: Transfers): ToolStep => [
  'puts and gets files',
  async (t, scene) => {
    for (const [objectKey, length] of SMALL) {
      const [path] = await writeSource(scene, objectKey, length)
      await tool.put(path, tool.url(scene.bucket, objectKey))
      await checkGet(t, tool, scene, objectKey)
    }
  },
]

const putsBig = (tool: Transfers): ToolStep => [
  'puts a big file in parts, and gets it',
  async (t, scene) => {
    const [path] = await writeSource(scene, 'big', BIG)
    const transfers = await transfersOf(scene.site, scene.bucket, () =>
      tool.put(path, tool.url(scene.bucket, 'big')),
    )
    t.ok(transfers.filter(each => each === 'UploadPart').length > 1, 'in parts', { transfers })
    await checkGet(t, tool, scene, 'big')
  },
]

const streams = (tool: Transfers): ToolStep => [
  'puts a stream',
  async (t, scene) => {
    for (const [objectKey, length] of [
      ['stream/small', 1000],
      ['stream/big', 9 * MIB],
    ] as const) {
      const [path] = await writeSource(scene, objectKey, length)
      await tool.stream(path, tool.url(scene.bucket, objectKey))
      await checkGet(t, tool, scene, objectKey)
    }
  },
]

const copiesAndMoves = (tool: Transfers): ToolStep => [
  'copies and moves within the bucket',
  async (t, scene) => {
    const { bucket, stored } = scene
    const at = (objectKey: string): string => tool.url(bucket, objectKey)
    for (const source of ['dir/a b+ä & 100%.bin', 'big']) {
      const bytes = stored.get(source) ?? Buffer.alloc(0)
      await tool.copy(at(source), at(`copy/${source}`))
      await tool.move(at(`copy/${source}`), at(`moved/${source}`))
      stored.set(`moved/${source}`, bytes)
      await checkGet(t, tool, scene, `moved/${source}`)
    }
    t.notOk(
      (await scene.provider.list(bucket)).some(key => key.startsWith('copy/')),
      'moved away',
    )
  },
]

const store = ({ stored }: Scene, tree: Tree): void => {
  for (const [path, bytes] of tree) stored.set(`tree/${path}`, bytes)
}

/** Other bytes; another length only where the tool would not see the change otherwise. */
const changedNotes = ({ compares }: Transfers, seed: string): Tree =>
  new Map([['notes.txt', bytesOf(NOTES_LENGTH + (compares === 'bytes' ? 0 : seed.length), seed)]])

const syncsUp = (tool: Transfers): ToolStep => [
  'syncs a folder to the bucket; again, and nothing is transferred',
  async (t, scene) => {
    const { site, bucket } = scene
    const folder = join(scene.folder, 'tree/')
    const tree = sampleTree(bucket)
    await writeTree(folder, tree)
    store(scene, tree)
    const sync = () => transfersOf(site, bucket, () => tool.sync(folder, tool.url(bucket, 'tree/')))
    t.ok((await sync()).length >= tree.size, 'the first sync transfers every file')
    t.strictSame(await sync(), [], 'the second transfers nothing')
    const changed = changedNotes(tool, 'changed')
    await writeTree(folder, changed)
    store(scene, changed)
    t.strictSame(await sync(), ['PutObject'], 'a changed file alone is transferred')
  },
]

const syncsDown = (tool: Transfers): ToolStep => [
  'syncs the bucket to a folder; again, and nothing is transferred',
  async (t, scene) => {
    const { site, bucket } = scene
    const folder = join(scene.folder, 'synced/')
    await mkdir(folder)
    const sync = () => transfersOf(site, bucket, () => tool.sync(tool.url(bucket, 'tree/'), folder))
    t.not((await sync()).length, 0, 'the first sync transfers')
    t.strictSame(await sync(), [], 'the second transfers nothing')
    const [found, wanted] = [await readTree(folder), await readTree(join(scene.folder, 'tree'))]
    t.strictSame(differences(found, wanted), [], 'the folders are the same')
  },
]

const checks = (tool: Transfers): readonly ToolStep[] => {
  const { check } = tool
  if (check === undefined) return []
  return [
    [
      'checks the folder against the bucket',
      async (t, { bucket, folder }) => {
        const synced = join(folder, 'synced/')
        await t.resolves(check(synced, tool.url(bucket, 'tree/')))
        await writeTree(synced, changedNotes(tool, 'damaged since'))
        await t.rejects(check(synced, tool.url(bucket, 'tree/')), 'and finds what differs')
      },
    ],
  ]
}

/** What is done with every tool that moves files. */
export const transferSteps = (tool: Transfers): readonly ToolStep[] => [
  putsAndGets(tool),
  putsBig(tool),
  streams(tool),
  copiesAndMoves(tool),
  syncsUp(tool),
  syncsDown(tool),
  ...checks(tool),
]
