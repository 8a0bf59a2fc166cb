import { KIB, MIB } from '../bytes.ts'
import { at, fileToStore, toStore } from './cell.ts'
import { checkRead, type Step, sameBytes, skip } from './step.ts'

const LENGTHS = [0, 1, 1000, 300 * KIB] as const

export const putBuffer: Step = [
  'puts from a buffer',
  async (t, cell) => {
    for (const length of LENGTHS) {
      const key = `buffer/${length}`
      await cell.client.putBuffer(at(cell, key), toStore(cell, key, length))
      await checkRead(t, cell, key)
    }
  },
]

export const putFile: Step = [
  'puts from a file',
  async (t, cell) => {
    const path = await fileToStore(cell, 'file', 3 * MIB)
    await cell.client.putFile(at(cell, 'file'), path)
    await checkRead(t, cell, 'file')
  },
]

export const putStream: Step = [
  'puts from a stream',
  async (t, cell) => {
    const path = await fileToStore(cell, 'stream', 3 * MIB)
    await cell.client.putStream(at(cell, 'stream'), path)
    await checkRead(t, cell, 'stream')
  },
]

export const overwrite: Step = [
  'overwrites',
  async (t, cell) => {
    for (const length of [100, 200]) {
      await cell.client.putBuffer(at(cell, 'twice'), toStore(cell, 'twice', length))
    }
    await checkRead(t, cell, 'twice')
  },
]

/** As UTF-8 travels in ASCII: botocore refuses anything else, and node:http takes Latin-1 at most. */
const RFC_2047 = '=?UTF-8?B?WsO8cmljaCDmnbHkuqw=?='

export const describeObject: Step = [
  'keeps content type and metadata',
  async (t, cell) => {
    const described = { contentType: 'text/x-real', metadata: { team: 'storage', city: RFC_2047 } }
    const place = at(cell, 'described')
    await cell.client.putBuffer(place, toStore(cell, 'described', 1000), described)
    t.match(await cell.client.head(place), { size: 1000, ...described })
  },
]

const RANGES = [
  [{ from: 0, to: 0 }, [0, 1]],
  [{ from: 1000, to: 99_999 }, [1000, 100_000]],
  [{ from: 100_000 }, [100_000, undefined]],
] as const

export const readRanges: Step = [
  'reads ranges',
  async (t, cell) => {
    const bytes = toStore(cell, 'ranges', 200 * KIB)
    const place = at(cell, 'ranges')
    await cell.client.putBuffer(place, bytes)
    for (const [range, [start, end]] of RANGES) {
      const wanted = bytes.subarray(start, end)
      sameBytes(t, await cell.client.get(place, range), wanted, JSON.stringify(range))
    }
    const { suffixRange } = cell.client.lacks
    if (suffixRange !== undefined) return skip(t, suffixRange)
    sameBytes(t, await cell.client.get(place, { from: -7 }), bytes.subarray(-7), 'last 7 bytes')
  },
]

export const tags: Step = [
  'tags',
  async (t, cell) => {
    const place = at(cell, 'tagged')
    await cell.client.putBuffer(place, toStore(cell, 'tagged', 10))
    const wanted = { team: 'storage', 'a b': 'c+d' }
    await cell.client.putTags(place, wanted)
    t.strictSame(await cell.client.getTags(place), wanted)
  },
]
