import type { Test } from 'tap'
import { testAtEach } from './at-site.ts'
import { bytesOf } from './bytes.ts'
import { ask, copySource } from './provider.ts'
import { APP, masterKey, type Site, startProxy, type UpstreamName } from './proxy.ts'
import { type Answer, xmlText } from './wire/http.ts'
import type { Place } from './wire/place.ts'

// RGW 16 answers 200 to copies that shall be encrypted, and to parts of an upload that is not, and stores plaintext. The
// profile `ceph` knows, and the proxy copies itself; without it, the answer that lacks the echo must not be believed.

const KEY = masterKey('v1')

const PLAINTEXT = bytesOf(1000, 'plaintext')

const copy = ({ http }: Site, source: Place, target: Place): Promise<Answer> => {
  const headers = { 'x-amz-copy-source': copySource(source) }
  return ask(http, APP, { method: 'PUT', ...target, headers })
}

const checkUnconfirmed = (t: Test, answer: Answer): void => {
  t.equal(answer.status, 502)
  t.equal(xmlText(answer, 'Code'), 'UnconfirmedEncryption')
}

const testCopy = async (t: Test, site: Site): Promise<void> => {
  const source = { bucket: `plain-${site.bucket}`, objectKey: 'source' }
  const target = { bucket: site.bucket, objectKey: 'copied' }
  await site.provider.store(source, PLAINTEXT)
  checkUnconfirmed(t, await copy(site, source, target))
  t.equal((await site.provider.read(target)).status, 404, 'nothing is left')
  t.equal((await site.provider.read(source)).status, 200, 'the source stays')
}

const testCopyOver = async (t: Test, site: Site): Promise<void> => {
  const source = { bucket: `plain-${site.bucket}`, objectKey: 'source' }
  const target = { bucket: site.bucket, objectKey: 'copied over' }
  await site.provider.store(target, bytesOf(1000, 'encrypted'), KEY)
  checkUnconfirmed(t, await copy(site, source, target))
  t.equal((await site.provider.read(target)).status, 404, 'no plaintext took its place')
}

const testCopyInPlace = async (t: Test, site: Site): Promise<void> => {
  const source = { bucket: `mixed-${site.bucket}`, objectKey: 'source' }
  const target = { bucket: `mixed-${site.bucket}`, objectKey: 'copied' }
  await site.provider.store(source, PLAINTEXT)
  checkUnconfirmed(t, await copy(site, source, target))
  t.equal((await site.provider.read(target)).status, 404, 'nothing is left')
}

const uploadPart = ({ http }: Site, place: Place, uploadId: string): Promise<Answer> =>
  ask(http, APP, { method: 'PUT', ...place, query: { partNumber: '1', uploadId }, body: PLAINTEXT })

/** An upload that was begun behind the proxy's back, without a key. */
const testForeignUpload = async (t: Test, site: Site): Promise<void> => {
  const place = { bucket: site.bucket, objectKey: 'foreign upload' }
  const uploadId = await site.provider.createUpload(place)
  const answer = await uploadPart(site, place, uploadId)
  t.equal(answer.status, 404)
  t.equal(xmlText(answer, 'Code'), 'NoSuchUpload')
  t.strictSame(await site.provider.listParts(place, uploadId), [], 'no part')
}

/** Where clients may bring keys, the proxy takes uploads that it did not begin. */
const testForeignPart = async (t: Test, site: Site): Promise<void> => {
  const place = { bucket: `own-keys-${site.bucket}`, objectKey: 'foreign upload' }
  const uploadId = await site.provider.createUpload(place)
  const answer = await uploadPart(site, place, uploadId)
  t.ok(answer.status >= 400, `answered ${answer.status}`)
  t.strictSame(await site.provider.listParts(place, uploadId), [], 'no part')
}

const start = async (t: Test, site: Site): Promise<void> => {
  const proxy = await startProxy(site)
  t.teardown(() => proxy.stop())
  for (const prefix of ['', 'plain-', 'mixed-', 'own-keys-']) {
    await site.provider.createBucket(`${prefix}${site.bucket}`)
  }
}

const RGW: readonly UpstreamName[] = ['rgw-http', 'rgw-tls']

const testUnknowing = async (t: Test, site: Site): Promise<void> => {
  await start(t, site)
  await t.test('takes a copy of plaintext back', t => testCopy(t, site))
  await t.test('takes a copy over an encrypted object back', t => testCopyOver(t, site))
  await t.test('takes a copy within a mixed bucket back', t => testCopyInPlace(t, site))
}

await testAtEach(RGW, testUnknowing, { profile: 'generic' })

await testAtEach(RGW, async (t, site) => {
  await start(t, site)
  await t.test('knows no upload that it did not begin', t => testForeignUpload(t, site))
  await t.test('leaves no plaintext part', t => testForeignPart(t, site))
})
