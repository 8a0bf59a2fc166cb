import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { bytesOf, MIB } from '../bytes.ts'
import { at, download, fileToStore, storedAt, toStore } from './cell.ts'
import { checkRead, type Step, sameBytes } from './step.ts'

/** RGW gives no message with it, over which awscli stumbles, and the proxy passes errors on as they are. */
const NO_SUCH_BUCKET = /NoSuchBucket|'NoneType' is not\s+iterable/

/** The answer comes long before the body has gone: it must arrive all the same. */
export const earlyError: Step = [
  'is told why a big upload fails',
  async (t, cell) => {
    const path = join(cell.folder, 'in-vain')
    await writeFile(path, bytesOf(7 * MIB, 'in vain'))
    const missing = { bucket: `missing-${cell.bucket}`, objectKey: 'big' }
    const failed = cell.client.putFile(missing, path)
    const said = await failed.then(
      () => 'stored',
      said => `${said} ${said?.code}`,
    )
    t.match(said, NO_SUCH_BUCKET)
  },
]

export const multipart: Step = [
  'uploads 64 MiB in parts, and downloads them',
  async (t, cell) => {
    const path = await fileToStore(cell, 'multipart', 64 * MIB)
    await cell.client.upload(at(cell, 'multipart'), path)
    sameBytes(t, await download(cell, 'multipart'), storedAt(cell, 'multipart'), 'download')
    const range = { from: 20 * MIB, to: 20 * MIB + 99 }
    const wanted = storedAt(cell, 'multipart').subarray(range.from, range.to + 1)
    sameBytes(t, await cell.client.get(at(cell, 'multipart'), range), wanted, 'range in a part')
  },
]

export const compose: Step = [
  'builds an object of copied parts',
  async (t, cell) => {
    const source = at(cell, 'source')
    const bytes = toStore(cell, 'source', 6 * MIB)
    await cell.client.putBuffer(source, bytes)
    // From the start both: minio-js forgets where a piece begins.
    const pieces = [5 * MIB, MIB].map(length => ({ place: source, from: 0, to: length - 1 }))
    await cell.client.compose(at(cell, 'composed'), pieces)
    cell.stored.set('composed', Buffer.concat([bytes.subarray(0, 5 * MIB), bytes.subarray(0, MIB)]))
    await checkRead(t, cell, 'composed')
  },
]

export const copy: Step = [
  'copies',
  async (t, cell) => {
    const bytes = toStore(cell, 'original', 1000)
    await cell.client.putBuffer(at(cell, 'original'), bytes)
    await cell.client.copy(at(cell, 'original'), at(cell, 'copy'))
    cell.stored.set('copy', bytes)
    await checkRead(t, cell, 'copy')
    if (cell.client.copyBig === undefined) return
    await cell.client.copyBig(at(cell, 'multipart'), at(cell, 'copied-in-parts'))
    cell.stored.set('copied-in-parts', storedAt(cell, 'multipart'))
    sameBytes(t, await download(cell, 'copied-in-parts'), storedAt(cell, 'multipart'), 'in parts')
  },
]
