import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Test } from 'tap'
import { bytesOf, KIB, MIB } from '../bytes.ts'
import { type Answer, send } from '../wire/http.ts'
import type { Place } from '../wire/place.ts'
import { at, type Cell, download, fileToStore, storedAt, toStore } from './cell.ts'
import { LIMITS } from './limits.ts'

/** A thing that applications do, and a test of it. */
export type Step = readonly [name: string, test: (t: Test, cell: Cell) => Promise<void>]

/** A failure tells the lengths, and not the bytes. */
const sameBytes = (t: Test, found: Buffer, wanted: Buffer, message: string): void => {
  t.ok(found.equals(wanted), message, { found: found.length, wanted: wanted.length })
}

const checkRead = async (t: Test, cell: Cell, objectKey: string): Promise<void> => {
  const found = await cell.client.get(at(cell, objectKey))
  sameBytes(t, found, storedAt(cell, objectKey), `get of ${objectKey.slice(0, 40)}`)
}

const LENGTHS = [0, 1, 1000, 300 * KIB] as const

const putBuffer: Step = [
  'puts from a buffer',
  async (t, cell) => {
    for (const length of LENGTHS) {
      const key = `buffer/${length}`
      await cell.client.putBuffer(at(cell, key), toStore(cell, key, length))
      await checkRead(t, cell, key)
    }
  },
]

const putFile: Step = [
  'puts from a file',
  async (t, cell) => {
    const path = await fileToStore(cell, 'file', 3 * MIB)
    await cell.client.putFile(at(cell, 'file'), path)
    await checkRead(t, cell, 'file')
  },
]

const putStream: Step = [
  'puts from a stream',
  async (t, cell) => {
    const path = await fileToStore(cell, 'stream', 3 * MIB)
    await cell.client.putStream(at(cell, 'stream'), path)
    await checkRead(t, cell, 'stream')
  },
]

const overwrite: Step = [
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

const describeObject: Step = [
  'keeps content type and metadata',
  async (t, cell) => {
    const described = { contentType: 'text/x-real', metadata: { team: 'storage', city: RFC_2047 } }
    const place = at(cell, 'described')
    await cell.client.putBuffer(place, toStore(cell, 'described', 1000), described)
    t.match(await cell.client.head(place), { size: 1000, ...described })
  },
]

const skip = (t: Test, cause: string): void => {
  t.ok(true, t.name, { skip: cause })
}

const RANGES = [
  [{ from: 0, to: 0 }, [0, 1]],
  [{ from: 1000, to: 99_999 }, [1000, 100_000]],
  [{ from: 100_000 }, [100_000, undefined]],
] as const

const readRanges: Step = [
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

/** RGW gives no message with it, over which awscli stumbles, and the proxy passes errors on as they are. */
const NO_SUCH_BUCKET = /NoSuchBucket|'NoneType' is not\s+iterable/

/** The answer comes long before the body has gone: it must arrive all the same. */
const earlyError: Step = [
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

const multipart: Step = [
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

const compose: Step = [
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

const copy: Step = [
  'copies',
  async (t, cell) => {
    const bytes = toStore(cell, 'original', 1000)
    await cell.client.putBuffer(at(cell, 'original'), bytes)
    await cell.client.copy(at(cell, 'original'), at(cell, 'copy'))
    cell.stored.set('copy', bytes)
    await checkRead(t, cell, 'copy')
  },
]

const follow = (
  { endpoint }: Cell,
  method: string,
  url: string,
  body?: Buffer,
): Promise<Answer> => {
  const headers = body === undefined ? {} : { 'content-length': String(body.length) }
  return send(endpoint, { method, target: url.slice(endpoint.origin.length), headers, body })
}

const presignedGet: Step = [
  'presigns a GET',
  async (t, cell) => {
    const bytes = toStore(cell, 'presigned get+1', 1000)
    await cell.client.putBuffer(at(cell, 'presigned get+1'), bytes)
    const url = await cell.client.presignGet(at(cell, 'presigned get+1'))
    const answer = await follow(cell, 'GET', url)
    t.equal(answer.status, 200)
    sameBytes(t, answer.body, bytes, 'presigned GET')
  },
]

const presignedPut: Step = [
  'presigns a PUT',
  async (t, cell) => {
    const { presignPut } = cell.client.lacks
    if (presignPut !== undefined) return skip(t, presignPut)
    const url = await cell.client.presignPut(at(cell, 'presigned put+1'))
    const bytes = toStore(cell, 'presigned put+1', 1000)
    const answer = await follow(cell, 'PUT', url, bytes)
    t.equal(answer.status, 200, answer.body.toString())
    await checkRead(t, cell, 'presigned put+1')
  },
]

const tags: Step = [
  'tags',
  async (t, cell) => {
    const place = at(cell, 'tagged')
    await cell.client.putBuffer(place, toStore(cell, 'tagged', 10))
    const wanted = { team: 'storage', 'a b': 'c+d' }
    await cell.client.putTags(place, wanted)
    t.strictSame(await cell.client.getTags(place), wanted)
  },
]

const HARD_KEYS = [
  'hard/with spaces  in it ',
  'hard/a+b=c&d;e,f?g#h',
  'hard/100%25 %41 %zz',
  `hard/quotes'"<>!()*~$@:|[]{}^\``,
  'hard/Zürich/東京/😀/e\u0301',
  'hard/double//slash',
  'hard/up/../here/./and/..',
  // The longest that S3 takes, in segments that a file system takes.
  `hard/${`${'n'.repeat(199)}/`.repeat(5)}${'n'.repeat(19)}`,
]

const hardKeys: Step = [
  'takes object keys of every kind',
  async (t, cell) => {
    for (const key of HARD_KEYS) {
      const refused = LIMITS[cell.upstream].refusesKey(key)
      if (refused !== undefined) t.ok(true, key, { skip: refused })
      else await t.test(key.slice(0, 40), t => hardKey(t, cell, key))
    }
  },
]

const hardKey = async (t: Test, cell: Cell, key: string): Promise<void> => {
  await cell.client.putBuffer(at(cell, key), toStore(cell, key, 100))
  t.equal((await cell.client.head(at(cell, key))).size, 100)
  await checkRead(t, cell, key)
  const answer = await follow(cell, 'GET', await cell.client.presignGet(at(cell, key)))
  sameBytes(t, answer.body, storedAt(cell, key), 'presigned GET')
}

const listing: Step = [
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
const atRest: Step = [
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

const deleteMany: Step = [
  'deletes many at once',
  async (t, cell) => {
    await cell.client.deleteMany(cell.bucket, [...cell.stored.keys()])
    t.strictSame(await cell.client.list(cell.bucket, ''), [])
    t.strictSame(await cell.provider.list(cell.bucket), [])
    t.strictSame(await cell.provider.listUploads(cell.bucket), [])
  },
]

export const STEPS: readonly Step[] = [
  putBuffer,
  putFile,
  putStream,
  overwrite,
  describeObject,
  readRanges,
  earlyError,
  multipart,
  compose,
  copy,
  presignedGet,
  presignedPut,
  tags,
  hardKeys,
  listing,
  atRest,
  deleteMany,
]
