import type { Test } from 'tap'
import type { Place } from '../wire/place.ts'
import { at, type Cell } from './cell.ts'
import { type Step, sameBytes } from './step.ts'

export const listing: Step = [
  'lists',
  async (t, cell) => {
    const all = [...cell.stored.keys()].sort()
    t.strictSame([...(await cell.client.list(cell.bucket, ''))].sort(), all)
    const hard = all.filter(key => key.startsWith('hard/'))
    t.strictSame([...(await cell.client.list(cell.bucket, 'hard/'))].sort(), hard)
  },
]

const checkAtRest = async (
  t: Test,
  { provider }: Cell,
  place: Place,
  bytes: Buffer,
  key: string | undefined,
): Promise<void> => {
  const name = place.objectKey.slice(0, 40)
  if (key !== undefined) {
    const { status, body } = await provider.read(place)
    // Of a byte or two, anything may have the same.
    const shows = bytes.length > 16 && body.includes(bytes.subarray(0, 16))
    t.ok(status === 400 && !shows, `refused without a key: ${name}`, { status })
  }
  sameBytes(t, (await provider.read(place, key)).body, bytes, `read with the key: ${name}`)
}

/** Asks the provider itself: no object may come back without its key, each must with it. */
export const atRest: Step = [
  'has nothing in plaintext at the provider',
  async (t, cell) => {
    const { bucket, provider, keyOf, stored } = cell
    t.strictSame([...(await provider.list(bucket))].sort(), [...stored.keys()].sort())
    // A keyring without derivation has one key for all.
    const key = await keyOf?.(at(cell, 'buffer/1000'))
    for (const [objectKey, bytes] of stored) {
      await checkAtRest(t, cell, at(cell, objectKey), bytes, key)
    }
  },
]

export const deleteMany: Step = [
  'deletes many at once',
  async (t, cell) => {
    await cell.client.deleteMany(cell.bucket, [...cell.stored.keys()])
    t.strictSame(await cell.client.list(cell.bucket, ''), [])
    t.strictSame(await cell.provider.list(cell.bucket), [])
    t.strictSame(await cell.provider.listUploads(cell.bucket), [])
  },
]
