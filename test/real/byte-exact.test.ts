import type { Test } from 'tap'
import { testAtEach } from './at-site.ts'
import { bytesOf, MIB } from './bytes.ts'
import { sameBytes } from './matrix/step.ts'
import { ask, copySource } from './provider.ts'
import { APP, masterKey, type Site, startProxy, type UpstreamName } from './proxy.ts'
import { type Answer, xmlText } from './wire/http.ts'
import type { Place } from './wire/place.ts'
import type { Wanted } from './wire/signing.ts'

const UPSTREAMS: readonly UpstreamName[] = ['rgw-tls', 'minio', 'embedded']

/** Around where clients begin to use parts, and where the ciphers of providers and our buffers have their borders. */
const LENGTHS = [0, 1, 5, 8].flatMap(size =>
  size < 2 ? [size] : [size * MIB - 1, size * MIB, size * MIB + 1],
)

const BIG = 64 * MIB

const PART = 8 * MIB

const demand = async (site: Site, wanted: Wanted): Promise<Answer> => {
  const answer = await ask(site.https, APP, wanted)
  if (answer.status < 300) return answer
  throw new Error(`${wanted.method} ${wanted.objectKey}: ${answer.status} ${answer.body}`)
}

const get = (site: Site, place: Place, range?: string): Promise<Answer> =>
  demand(site, { method: 'GET', ...place, ...(range !== undefined && { headers: { range } }) })

/** Every range that begins and ends at or beside one of these offsets. */
const rangesAround = (
  borders: readonly number[],
  length: number,
): readonly (readonly [from: number, to: number])[] => {
  const near = borders.flatMap(border => [border - 1, border, border + 1])
  const offsets = [...new Set(near)].filter(offset => offset >= 0 && offset < length)
  return offsets.flatMap((from, at) => offsets.slice(at, at + 3).map(to => [from, to] as const))
}

const checkRanges = async (
  t: Test,
  site: Site,
  place: Place,
  bytes: Buffer,
  borders: readonly number[],
): Promise<void> => {
  for (const [from, to] of rangesAround(borders, bytes.length)) {
    const { status, headers, body } = await get(site, place, `bytes=${from}-${to}`)
    const wanted = bytes.subarray(from, to + 1)
    const isRight = status === 206 && body.equals(wanted)
    const told = headers['content-range'] === `bytes ${from}-${to}/${bytes.length}`
    t.ok(isRight && told, `bytes ${from}-${to} of ${bytes.length}`, { status, headers })
  }
}

const checkWhole = async (t: Test, site: Site, place: Place, bytes: Buffer): Promise<void> => {
  const answer = await get(site, place)
  t.equal(answer.headers['content-length'], String(bytes.length))
  sameBytes(t, answer.body, bytes, `${place.objectKey} as it was stored`)
  t.equal((await site.provider.read(place)).status, 400, 'and encrypted')
  const opened = await site.provider.read(place, masterKey('v1'))
  sameBytes(t, opened.body, bytes, 'with the key it is the same at the provider')
}

/** MinIO's DARE packages and the embedded segments have 64 KiB, RGW's blocks 4 KiB, its stripes 4 MiB. */
const bordersOf = (length: number): readonly number[] => [
  ...[0, 4096, 64 * 1024, MIB, 4 * MIB].filter(border => border < length),
  length,
]

const testLengths = async (t: Test, site: Site): Promise<void> => {
  for (const length of LENGTHS) {
    const place = { bucket: site.bucket, objectKey: `length/${length}` }
    const body = bytesOf(length, `${site.bucket}/${length}`)
    await demand(site, { method: 'PUT', ...place, body })
    await checkWhole(t, site, place, body)
    await checkRanges(t, site, place, body, bordersOf(length))
    const target = { bucket: site.bucket, objectKey: `copy/${length}` }
    const headers = { 'x-amz-copy-source': copySource(place) }
    await demand(site, { method: 'PUT', ...target, headers })
    await checkWhole(t, site, target, body)
  }
}

const uploadInParts = async (site: Site, place: Place, bytes: Buffer): Promise<void> => {
  const created = await demand(site, { method: 'POST', ...place, query: { uploads: '' } })
  const uploadId = xmlText(created, 'UploadId') ?? ''
  const parts: string[] = []
  for (let at = 0; at < bytes.length; at += PART) {
    const partNumber = String(at / PART + 1)
    const query = { partNumber, uploadId }
    const body = bytes.subarray(at, at + PART)
    const { headers } = await demand(site, { method: 'PUT', ...place, query, body })
    parts.push(`<Part><PartNumber>${partNumber}</PartNumber><ETag>${headers['etag']}</ETag></Part>`)
  }
  const document = `<CompleteMultipartUpload>${parts.join('')}</CompleteMultipartUpload>`
  const body = Buffer.from(document)
  const done = await demand(site, { method: 'POST', ...place, query: { uploadId }, body })
  if (xmlText(done, 'Key') === undefined) throw new Error(String(done.body))
}

const testParts = async (t: Test, site: Site): Promise<void> => {
  const place = { bucket: site.bucket, objectKey: 'parts' }
  const bytes = bytesOf(BIG, site.bucket)
  await uploadInParts(site, place, bytes)
  await checkWhole(t, site, place, bytes)
  // The last is not the border of a part, but the object's end.
  const borders = Array.from({ length: BIG / PART + 1 }, (_, index) => index * PART)
  await checkRanges(t, site, place, bytes, borders)
}

await testAtEach(UPSTREAMS, async (t, site) => {
  const proxy = await startProxy(site)
  t.teardown(() => proxy.stop())
  await site.provider.createBucket(site.bucket)
  await t.test('objects of every length, whole, in ranges and copied', t => testLengths(t, site))
  await t.test('64 MiB in parts, and ranges over their borders', t => testParts(t, site))
})
