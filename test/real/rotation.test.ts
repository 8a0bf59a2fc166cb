import type { Test } from 'tap'
import { testAtEach } from './at-site.ts'
import { bytesOf, MIB } from './bytes.ts'
import { ask } from './provider.ts'
import {
  APP,
  masterKey,
  type RunningProxy,
  type Site,
  startProxy,
  UPSTREAM_NAMES,
  writeKeyring,
} from './proxy.ts'
import { type Answer, xmlText, xmlTexts } from './wire/http.ts'
import type { Place } from './wire/place.ts'
import type { Wanted } from './wire/signing.ts'

const [V1, V2] = [masterKey('v1'), masterKey('v2')]

const at = ({ bucket }: Site, objectKey: string): Place => ({ bucket, objectKey })

const [OLD, NEW] = ['old', 'new']

const [UPLOAD, LATER, ABANDONED] = ['upload', 'later upload', 'abandoned upload']

const [OLD_BYTES, NEW_BYTES] = [bytesOf(1000, 'old'), bytesOf(1000, 'new')]

const [FIRST, SECOND] = [bytesOf(5 * MIB, 'first part'), bytesOf(1000, 'second part')]

/** A client of the proxy, which must not notice anything. */
const demand = async ({ http, bucket }: Site, wanted: Wanted): Promise<Answer> => {
  const answer = await ask(http, APP, { bucket, ...wanted })
  if (answer.status < 300) return answer
  throw new Error(`${wanted.method} ${wanted.objectKey}: ${answer.status} ${answer.body}`)
}

const put = (site: Site, objectKey: string, body: Buffer): Promise<Answer> =>
  demand(site, { method: 'PUT', objectKey, body })

const createUpload = async (site: Site, objectKey: string): Promise<string> => {
  const answer = await demand(site, { method: 'POST', objectKey, query: { uploads: '' } })
  return xmlText(answer, 'UploadId') ?? ''
}

/** Gives the part's ETag. */
const putPart = async (
  site: Site,
  objectKey: string,
  uploadId: string,
  partNumber: number,
  body: Buffer,
): Promise<string> => {
  const query = { partNumber: String(partNumber), uploadId }
  const { headers } = await demand(site, { method: 'PUT', objectKey, query, body })
  return headers['etag'] ?? ''
}

const completeUpload = (
  site: Site,
  objectKey: string,
  uploadId: string,
  etags: readonly string[],
): Promise<Answer> => {
  const parts = etags.map(
    (etag, index) => `<Part><PartNumber>${index + 1}</PartNumber><ETag>${etag}</ETag></Part>`,
  )
  const document = `<CompleteMultipartUpload>${parts.join('')}</CompleteMultipartUpload>`
  return demand(site, {
    method: 'POST',
    objectKey,
    query: { uploadId },
    body: Buffer.from(document),
  })
}

/** That the provider keeps an object under one key, and not under another. */
const checkKey = async (t: Test, site: Site, objectKey: string, key: string, not: string) => {
  t.equal(
    (await site.provider.read(at(site, objectKey), key)).status,
    200,
    `${objectKey} under its key`,
  )
  t.ok(
    (await site.provider.read(at(site, objectKey), not)).status >= 400,
    `${objectKey} under another`,
  )
}

/** One proxy after the other at a site. */
class Restarts {
  readonly #site: Site
  #proxy: RunningProxy | undefined
  constructor(site: Site) {
    this.#site = site
  }
  async start(): Promise<RunningProxy> {
    await this.stop()
    this.#proxy = await startProxy(this.#site)
    return this.#proxy
  }
  async stop(): Promise<void> {
    await this.#proxy?.stop()
  }
}

const testObjects = async (t: Test, site: Site, proxy: RunningProxy): Promise<void> => {
  const read = await demand(site, { method: 'GET', objectKey: OLD })
  t.ok(read.body.equals(OLD_BYTES), 'what v1 wrote is read')
  t.equal(
    (await demand(site, { method: 'HEAD', objectKey: OLD })).headers['content-length'],
    '1000',
  )
  await put(site, NEW, NEW_BYTES)
  await checkKey(t, site, OLD, V1, V2)
  await checkKey(t, site, NEW, V2, V1)
  t.equal(await proxy.keyOf(at(site, NEW)), V2)
}

const testOverwrite = async (t: Test, site: Site): Promise<void> => {
  await put(site, OLD, NEW_BYTES)
  await checkKey(t, site, OLD, V2, V1)
  t.ok((await demand(site, { method: 'GET', objectKey: OLD })).body.equals(NEW_BYTES))
}

const listParts = async (site: Site, objectKey: string, uploadId: string): Promise<Answer> =>
  demand(site, { method: 'GET', objectKey, query: { uploadId } })

/** The ids of a bucket's uploads, by object key. They are others than the clients got, for the same uploads. */
const listUploads = async (site: Site): Promise<ReadonlyMap<string, string>> => {
  const answer = await demand(site, { method: 'GET', query: { uploads: '' } })
  const uploadIds = xmlTexts(answer, 'UploadId')
  return new Map(xmlTexts(answer, 'Key').map((key, index) => [key, uploadIds[index] ?? '']))
}

const testListedUploads = async (t: Test, site: Site): Promise<void> => {
  const uploadIds = await listUploads(site)
  const idOf = (objectKey: string): string => uploadIds.get(objectKey) ?? 'not listed'
  const parts = await listParts(site, UPLOAD, idOf(UPLOAD))
  t.strictSame(xmlTexts(parts, 'PartNumber'), ['1', '2'])
  await demand(site, {
    method: 'DELETE',
    objectKey: ABANDONED,
    query: { uploadId: idOf(ABANDONED) },
  })
  t.equal((await site.provider.listUploads(site.bucket)).length, 2, 'aborted at the provider')
}

const testFinish = async (
  t: Test,
  site: Site,
  uploadId: string,
  etags: readonly string[],
): Promise<void> => {
  const parts = await listParts(site, UPLOAD, uploadId)
  t.strictSame(xmlTexts(parts, 'PartNumber'), ['1', '2'])
  t.equal(xmlText(parts, 'UploadId'), uploadId)
  await completeUpload(site, UPLOAD, uploadId, etags)
  await checkKey(t, site, UPLOAD, V1, V2)
  const { body } = await demand(site, { method: 'GET', objectKey: UPLOAD })
  t.ok(body.equals(Buffer.concat([FIRST, SECOND])), 'read through the proxy')
}

const testLater = async (t: Test, site: Site, uploadId: string): Promise<void> => {
  const etag = await putPart(site, LATER, uploadId, 1, SECOND)
  await completeUpload(site, LATER, uploadId, [etag])
  await checkKey(t, site, LATER, V2, V1)
}

await testAtEach(UPSTREAM_NAMES, async (t, site) => {
  const proxies = new Restarts(site)
  t.teardown(() => proxies.stop())

  await proxies.start()
  await demand(site, { method: 'PUT' })
  await put(site, OLD, OLD_BYTES)
  await createUpload(site, ABANDONED)
  const uploadId = await createUpload(site, UPLOAD)
  const first = await putPart(site, UPLOAD, uploadId, 1, FIRST)

  await writeKeyring(site, ['v2', 'v1'])
  const proxy = await proxies.start()
  await t.test('old objects are read, new ones take the new key', t => testObjects(t, site, proxy))
  await t.test('an overwritten object takes the new key', t => testOverwrite(t, site))
  const second = await putPart(site, UPLOAD, uploadId, 2, SECOND)
  const laterId = await createUpload(site, LATER)

  await proxies.start()
  await t.test('uploads out of a listing can be seen and aborted', t => testListedUploads(t, site))
  await t.test('an upload finishes under the key that it began with', t =>
    testFinish(t, site, uploadId, [first, second]),
  )
  await t.test('an upload that began after takes the new key', t => testLater(t, site, laterId))
})
