import { rename, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { watchFiles } from '../../lib/config/watch.ts'
import { CONFIG, folderFor, load } from './fixture.ts'

const INTERVAL = 10

/** Counts the changes of files. */
const countChanges = async (t: Test, files: readonly string[], work = async () => undefined) => {
  let count = 0
  const watch = watchFiles(INTERVAL, async () => {
    count += 1
    await work()
  })
  t.teardown(watch.stop)
  await watch.follow(files)
  const until = async (wanted: number): Promise<number> => {
    for (let i = 0; i < 300 && count < wanted; i++) await sleep(INTERVAL)
    return count
  }
  return { watch, until, settled: () => sleep(5 * INTERVAL).then(() => count) }
}

t.test('a file that stays as it is says nothing', async t => {
  const file = join(t.testdir({ a: 'one' }), 'a')
  const { settled } = await countChanges(t, [file])
  t.equal(await settled(), 0)
})

t.test('a change is told once', async t => {
  const file = join(t.testdir({ a: 'one' }), 'a')
  const { until, settled } = await countChanges(t, [file])
  await writeFile(file, 'another')
  t.equal(await until(1), 1)
  t.equal(await settled(), 1)
})

t.test('so is a file that goes, and one that comes', async t => {
  const folder = t.testdir({ a: 'one' })
  const { until } = await countChanges(t, [join(folder, 'a')])
  await rename(join(folder, 'a'), join(folder, 'b'))
  t.equal(await until(1), 1)
  await rename(join(folder, 'b'), join(folder, 'a'))
  t.equal(await until(2), 2)
})

t.test('a link that leads elsewhere is a change, as Kubernetes swaps a mounted folder', async t => {
  const folder = t.testdir({ v1: { a: 'same' }, v2: { a: 'same' } })
  await symlink('v1', join(folder, 'data'))
  const { until } = await countChanges(t, [join(folder, 'data', 'a')])
  await symlink('v2', join(folder, 'next'))
  await rename(join(folder, 'next'), join(folder, 'data'))
  t.equal(await until(1), 1)
})

t.test('what changes while a change is being taken is not lost', async t => {
  const file = join(t.testdir({ a: 'one' }), 'a')
  let isFirst = true
  const { watch, until } = await countChanges(t, [file], async () => {
    if (isFirst) await writeFile(file, 'changed while it was read')
    isFirst = false
    await watch.follow([file])
    return undefined
  })
  await writeFile(file, 'another')
  t.equal(await until(2), 2)
})

t.test('a configuration tells every file that it is made of', async t => {
  const folder = await folderFor(t, CONFIG)
  const { files } = await load(folder)
  t.strictSame([...files].sort(), [join(folder, 'config.yaml'), join(folder, 'keys/main.yaml')])
})
