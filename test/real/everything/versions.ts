import type { Test } from 'tap'
import type { Site } from '../proxy.ts'
import { xmlText, xmlTexts } from '../wire/http.ts'
import type { Place } from '../wire/place.ts'
import type { Wanted } from '../wire/signing.ts'
import { app, demand, type Feature, newBucket, withDocument } from './asking.ts'

const NS = 'xmlns="http://s3.amazonaws.com/doc/2006-03-01/"'

const enableVersions = (t: Test, site: Site, bucket: string) =>
  demand(
    t,
    site,
    withDocument(
      { method: 'PUT', bucket, query: { versioning: '' } },
      `<VersioningConfiguration ${NS}><Status>Enabled</Status></VersioningConfiguration>`,
    ),
  )

/** Stores an object; gives its version id. */
const store = async (t: Test, site: Site, bucket: string, text: string): Promise<string> => {
  const body = Buffer.from(text)
  const { headers } = await demand(t, site, { method: 'PUT', bucket, objectKey: 'k', body })
  return headers['x-amz-version-id'] ?? ''
}

export const versions: Feature = [
  'versions',
  async (t, site) => {
    const bucket = await newBucket(t, site, 'versions')
    await enableVersions(t, site, bucket)
    const place = { bucket, objectKey: 'k' }
    const ids = [await store(t, site, bucket, 'first'), await store(t, site, bucket, 'second')]
    t.ok(ids.every(id => id !== '' && id !== 'null') && ids[0] !== ids[1], 'two version ids')
    for (const [index, text] of ['first', 'second'].entries()) {
      const query = { versionId: ids[index] ?? '' }
      t.equal(String((await demand(t, site, { method: 'GET', ...place, query })).body), text)
      const head = await demand(t, site, { method: 'HEAD', ...place, query })
      t.equal(head.headers['x-amz-version-id'], ids[index])
    }
    const gone = await demand(t, site, { method: 'DELETE', ...place })
    t.equal(gone.headers['x-amz-delete-marker'], 'true')
    t.equal((await app(site, { method: 'GET', ...place })).status, 404)
    const listed = await demand(t, site, { method: 'GET', bucket, query: { versions: '' } })
    t.equal(xmlTexts(listed, 'VersionId').length, 3, 'two versions and a marker')
    const heads = await demand(t, site, {
      method: 'HEAD',
      ...place,
      query: { versionId: ids[1] ?? '' },
    })
    t.ok(
      xmlTexts(listed, 'ETag').some(etag => etag === heads.headers['etag']),
      'ETags as HEAD shows them',
    )
    const marker = { versionId: gone.headers['x-amz-version-id'] ?? '' }
    await demand(t, site, { method: 'DELETE', ...place, query: marker })
    t.equal(String((await demand(t, site, { method: 'GET', ...place })).body), 'second')
    const old = { versionId: ids[0] ?? '' }
    await demand(t, site, { method: 'DELETE', ...place, query: old })
    t.equal((await app(site, { method: 'GET', ...place, query: old })).status, 404)
  },
]

const untilTomorrow = (): string =>
  new Date(Date.now() + 86_400_000).toISOString().replace(/\.\d+Z$/, 'Z')

const locking = (place: Place): Wanted => ({
  method: 'PUT',
  ...place,
  headers: {
    'x-amz-object-lock-mode': 'GOVERNANCE',
    'x-amz-object-lock-retain-until-date': untilTomorrow(),
  },
})

export const objectLock: Feature = [
  'object lock',
  async (t, site) => {
    const bucket = await newBucket(t, site, 'lock', { 'x-amz-bucket-object-lock-enabled': 'true' })
    const place = { bucket, objectKey: 'k' }
    const stored = await demand(t, site, withDocument(locking(place), 'kept'))
    const query = { versionId: stored.headers['x-amz-version-id'] ?? '' }
    const retention = await demand(t, site, {
      method: 'GET',
      ...place,
      query: { retention: '', ...query },
    })
    t.equal(xmlText(retention, 'Mode'), 'GOVERNANCE')
    const head = await demand(t, site, { method: 'HEAD', ...place })
    t.equal(head.headers['x-amz-object-lock-mode'], 'GOVERNANCE')
    const refused = await app(site, { method: 'DELETE', ...place, query })
    t.equal(refused.status, site.upstream === 'minio' ? 400 : 403, 'locked')
    await testLegalHold(t, site, place)
    const bypass = { 'x-amz-bypass-governance-retention': 'true' }
    await demand(t, site, { method: 'DELETE', ...place, query, headers: bypass })
  },
]

const testLegalHold = async (t: Test, site: Site, place: Place): Promise<void> => {
  for (const status of ['ON', 'OFF']) {
    const xml = `<LegalHold ${NS}><Status>${status}</Status></LegalHold>`
    const query = { 'legal-hold': '' }
    await demand(t, site, withDocument({ method: 'PUT', ...place, query }, xml))
    const hold = await demand(t, site, { method: 'GET', ...place, query })
    t.equal(xmlText(hold, 'Status'), status)
  }
}
