import type { Test } from 'tap'
import { bytesOf, MIB } from '../bytes.ts'
import type { Site } from '../proxy.ts'
import { type Answer, xmlText, xmlTexts } from '../wire/http.ts'
import type { Place } from '../wire/place.ts'
import { app, demand, type Feature, newBucket, wordOf } from './asking.ts'

const PARTS = [bytesOf(5 * MIB, 'part one'), bytesOf(1000, 'part two')]

const WHOLE = Buffer.concat(PARTS)

const create = async (t: Test, site: Site, place: Place): Promise<string> => {
  const created = await demand(t, site, { method: 'POST', ...place, query: { uploads: '' } })
  return xmlText(created, 'UploadId') ?? ''
}

const putPart = (t: Test, site: Site, place: Place, uploadId: string, index: number) =>
  demand(t, site, {
    method: 'PUT',
    ...place,
    query: { partNumber: String(index + 1), uploadId },
    body: PARTS[index],
  })

const complete = (
  t: Test,
  site: Site,
  place: Place,
  uploadId: string,
  etags: readonly string[],
): Promise<Answer> => {
  const parts = etags.map(
    (etag, i) => `<Part><PartNumber>${i + 1}</PartNumber><ETag>${etag}</ETag></Part>`,
  )
  const body = Buffer.from(`<CompleteMultipartUpload>${parts.join('')}</CompleteMultipartUpload>`)
  return demand(t, site, { method: 'POST', ...place, query: { uploadId }, body })
}

const upload = async (t: Test, site: Site, place: Place): Promise<Answer> => {
  const uploadId = await create(t, site, place)
  const etags: string[] = []
  for (const index of PARTS.keys()) {
    etags.push((await putPart(t, site, place, uploadId, index)).headers['etag'] ?? '')
  }
  return complete(t, site, place, uploadId, etags)
}

const unquoted = (etag: string | undefined): string | undefined =>
  etag?.replaceAll('"', '').replaceAll('&#34;', '').replaceAll('&quot;', '')

/** An upload in parts, at a provider that may not confirm its creation. */
export const uploadInParts = async (t: Test, site: Site): Promise<void> => {
  const bucket = await newBucket(t, site, 'parts')
  const place = { bucket, objectKey: 'big' }
  const completed = await upload(t, site, place)
  const head = await demand(t, site, { method: 'HEAD', ...place })
  t.match(head.headers['etag'], /-2"$/)
  t.equal(unquoted(xmlText(completed, 'ETag')), unquoted(head.headers['etag']), 'the ETag of it')
  t.ok((await demand(t, site, { method: 'GET', ...place })).body.equals(WHOLE))
  t.equal((await site.provider.read(place)).status, 400, 'refused without a key')
  await testPartNumbers(t, site, place)
  await testAttributes(t, site, place, unquoted(head.headers['etag']) ?? '')
}

const isRgw = ({ upstream }: Site): boolean => upstream.startsWith('rgw')

const testPartNumbers = async (t: Test, site: Site, place: Place): Promise<void> => {
  for (const [index, bytes] of PARTS.entries()) {
    const query = { partNumber: String(index + 1) }
    const [got, head] = [
      await app(site, { method: 'GET', ...place, query }),
      await app(site, { method: 'HEAD', ...place, query }),
    ]
    if (isRgw(site)) {
      t.equal(wordOf(got), '501 NotImplemented', 'RGW does not tell where parts begin')
      t.equal(head.status, 501)
    } else {
      t.equal(got.status, 206)
      t.ok(got.body.equals(bytes), 'the part alone')
      t.equal(head.headers['content-length'], String(bytes.length))
    }
  }
  const single = { ...place, objectKey: 'small' }
  await demand(t, site, { method: 'PUT', ...single, body: PARTS[1] })
  const first = await app(site, { method: 'GET', ...single, query: { partNumber: '1' } })
  t.equal(first.status, 206)
  t.equal(first.headers['content-range'], 'bytes 0-999/1000')
  t.ok(first.body.equals(PARTS[1] ?? WHOLE))
}

const testAttributes = async (t: Test, site: Site, place: Place, etag: string): Promise<void> => {
  const headers = { 'x-amz-object-attributes': 'ETag,ObjectSize,ObjectParts,StorageClass' }
  const query = { attributes: '' }
  const answer = await demand(t, site, { method: 'GET', ...place, query, headers })
  t.equal(xmlText(answer, 'ObjectSize'), String(WHOLE.length))
  t.equal(xmlText(answer, 'ETag'), etag)
  t.ok(answer.body.length < 2000, 'and not the object')
  const none = { ...place, objectKey: 'none' }
  const missing = await app(site, { method: 'GET', ...none, query, headers })
  t.equal(wordOf(missing), '404 NoSuchKey')
}

export const parts: Feature = ['uploads in parts, part numbers, attributes', uploadInParts]

const KEYS = ['a/one', 'a&b <two>', 'z/three']

export const listUploads: Feature = [
  'ListMultipartUploads',
  async (t, site) => {
    const bucket = await newBucket(t, site, 'uploads')
    for (const objectKey of KEYS) await create(t, site, { bucket, objectKey })
    // MinIO lists the uploads of one object at a time, by its whole name.
    const prefixes = site.upstream === 'minio' ? KEYS : ['']
    for (const prefix of prefixes) await abortListed(t, site, bucket, prefix)
    for (const prefix of prefixes) {
      const query = { uploads: '', prefix }
      const left = await demand(t, site, { method: 'GET', bucket, query })
      t.strictSame(xmlTexts(left, 'UploadId'), [])
    }
    t.strictSame(await site.provider.listUploads(bucket), [])
  },
]

const abortListed = async (t: Test, site: Site, bucket: string, prefix: string): Promise<void> => {
  const listed = await demand(t, site, {
    method: 'GET',
    bucket,
    query: { uploads: '', prefix, 'encoding-type': 'url' },
  })
  const keys = xmlTexts(listed, 'Key').map(key => decodeURIComponent(key.replaceAll('+', ' ')))
  t.strictSame([...keys].sort(), (prefix === '' ? KEYS : [prefix]).toSorted())
  const ids = xmlTexts(listed, 'UploadId')
  for (const [index, objectKey] of keys.entries()) {
    const query = { uploadId: ids[index] ?? '' }
    await demand(t, site, { method: 'GET', bucket, objectKey, query })
    await demand(t, site, { method: 'DELETE', bucket, objectKey, query })
  }
}
