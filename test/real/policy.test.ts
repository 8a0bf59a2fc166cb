import { randomBytes } from 'node:crypto'
import type { Test } from 'tap'
import { testAtEach } from './at-site.ts'
import { bytesOf } from './bytes.ts'
import { ask, copySource, tripleOf } from './provider.ts'
import { APP, masterKey, READER, type Site, startProxy, UPSTREAM_NAMES } from './proxy.ts'
import type { KeyPair } from './stage.ts'
import { type Answer, send, xmlText } from './wire/http.ts'
import { type Place, pathOf } from './wire/place.ts'
import type { Wanted } from './wire/signing.ts'

const KEY = masterKey('v1')

const BYTES = bytesOf(1000, 'policy')

const asking = ({ http }: Site, wanted: Wanted, user: KeyPair = APP): Promise<Answer> =>
  ask(http, user, wanted)

const put = (site: Site, place: Place, user?: KeyPair): Promise<Answer> =>
  asking(site, { method: 'PUT', ...place, body: BYTES }, user)

const checkDenied = (t: Test, answer: Answer): void => {
  t.equal(answer.status, 403)
  t.equal(xmlText(answer, 'Code'), 'AccessDenied')
}

const testPlaintextAllowed = async (t: Test, site: Site): Promise<void> => {
  const place = { bucket: `mixed-${site.bucket}`, objectKey: 'plaintext' }
  await site.provider.store(place, BYTES)
  t.ok((await asking(site, { method: 'GET', ...place })).body.equals(BYTES))
  t.equal((await asking(site, { method: 'HEAD', ...place })).headers['content-length'], '1000')
  const part = await asking(site, { method: 'GET', ...place, headers: { range: 'bytes=10-19' } })
  t.equal(part.status, 206)
  t.ok(part.body.equals(BYTES.subarray(10, 20)))
}

const testEncryptedBesidePlaintext = async (t: Test, site: Site): Promise<void> => {
  const place = { bucket: `mixed-${site.bucket}`, objectKey: 'encrypted' }
  t.equal((await put(site, place)).status, 200)
  t.equal((await site.provider.read(place)).status, 400, 'encrypted at the provider')
  t.ok((await asking(site, { method: 'GET', ...place })).body.equals(BYTES))
}

const testOverPlaintext = async (t: Test, site: Site): Promise<void> => {
  const place = { bucket: `mixed-${site.bucket}`, objectKey: 'once plaintext' }
  await site.provider.store(place, BYTES)
  t.equal((await asking(site, { method: 'GET', ...place })).status, 200)
  t.equal((await put(site, place)).status, 200)
  t.equal((await site.provider.read(place)).status, 400, 'encrypted now')
  t.ok((await asking(site, { method: 'GET', ...place })).body.equals(BYTES))
}

const testPlaintextDenied = async (t: Test, site: Site): Promise<void> => {
  const place = { bucket: site.bucket, objectKey: 'plaintext' }
  await site.provider.store(place, BYTES)
  const answer = await asking(site, { method: 'GET', ...place })
  checkDenied(t, answer)
  t.notOk(answer.body.includes(BYTES.subarray(0, 32)), 'nothing of it')
  const head = await asking(site, { method: 'HEAD', ...place })
  t.equal(head.status, 403)
  t.equal(head.body.length, 0)
}

const testPassthrough = async (t: Test, site: Site): Promise<void> => {
  const place = { bucket: `plain-${site.bucket}`, objectKey: 'object' }
  t.equal((await put(site, place)).status, 200)
  t.ok((await site.provider.read(place)).body.equals(BYTES))
  t.ok((await asking(site, { method: 'GET', ...place })).body.equals(BYTES))
}

const testReader = async (t: Test, site: Site): Promise<void> => {
  const place = { bucket: site.bucket, objectKey: 'of the app' }
  await put(site, place)
  const other = { bucket: site.bucket, objectKey: 'of the reader' }
  checkDenied(t, await put(site, other, READER))
  checkDenied(t, await asking(site, { method: 'DELETE', ...place }, READER))
  t.equal((await site.provider.read(other, KEY)).status, 404)
  t.ok((await asking(site, { method: 'GET', ...place }, READER)).body.equals(BYTES))
}

const testStrangers = async (t: Test, site: Site): Promise<void> => {
  const place = { bucket: site.bucket, objectKey: 'of a stranger' }
  const unsigned = { method: 'PUT', target: pathOf(place), headers: {}, body: BYTES }
  checkDenied(t, await send(site.http, unsigned))
  const forged = await put(site, place, { ...APP, secretAccessKey: 'not the secret' })
  t.equal(xmlText(forged, 'Code'), 'SignatureDoesNotMatch')
  const unknown = await put(site, place, { ...APP, accessKeyId: 'NOBODY' })
  t.equal(unknown.status, 403)
  t.equal((await site.provider.read(place, KEY)).status, 404)
}

const testOwnKey = async (t: Test, site: Site): Promise<void> => {
  const own = randomBytes(32).toString('base64')
  const request = { method: 'PUT', body: BYTES, headers: tripleOf(own) }
  const refused = { bucket: site.bucket, objectKey: 'own key' }
  t.equal((await asking(site, { ...request, ...refused })).status, 400)
  t.equal((await site.provider.read(refused, own)).status, 404)
  const taken = { bucket: `own-keys-${site.bucket}`, objectKey: 'own key' }
  t.equal((await asking(site, { ...request, ...taken })).status, 200)
  t.ok((await site.provider.read(taken, own)).body.equals(BYTES))
}

const testOtherMethod = async (t: Test, site: Site): Promise<void> => {
  const place = { bucket: site.bucket, objectKey: 'other method' }
  const headers = { 'x-amz-server-side-encryption': 'AES256' }
  const answer = await asking(site, { method: 'PUT', ...place, body: BYTES, headers })
  t.equal(answer.status, 200, answer.body.toString())
  t.ok((await site.provider.read(place, KEY)).body.equals(BYTES), 'ours is used')
}

/** As it was sent, or as MinIO and S3 itself give it back. */
const UTF_8_FORMS = ['Zürich 東京', '=?UTF-8?q?Z=C3=BCrich_=E6=9D=B1=E4=BA=AC?=']

/** What nobody's SDK sends, but S3 takes: UTF-8 as it is. */
const testMetadata = async (t: Test, site: Site): Promise<void> => {
  const place = { bucket: site.bucket, objectKey: 'metadata' }
  const headers = { 'x-amz-meta-city': 'Zürich 東京', 'content-language': 'de' }
  await asking(site, { method: 'PUT', ...place, body: BYTES, headers })
  const seen = await asking(site, { method: 'HEAD', ...place })
  const stored = await site.provider.ask({ method: 'HEAD', ...place, headers: tripleOf(KEY) })
  t.equal(seen.headers['x-amz-meta-city'], stored.headers['x-amz-meta-city'])
  t.ok(UTF_8_FORMS.includes(stored.headers['x-amz-meta-city'] ?? ''))
  t.equal(seen.headers['content-language'], stored.headers['content-language'])
}

const testConditions = async (t: Test, site: Site): Promise<void> => {
  const place = { bucket: site.bucket, objectKey: 'conditions' }
  const { headers } = await put(site, place)
  const etag = headers['etag'] ?? ''
  const reading = (condition: object): Promise<Answer> =>
    asking(site, { method: 'GET', ...place, headers: { ...condition } })
  t.equal((await reading({ 'if-none-match': etag })).status, 304)
  t.equal((await reading({ 'if-match': etag })).status, 200)
  t.equal((await reading({ 'if-match': '"0123456789abcdef0123456789abcdef"' })).status, 412)
}

const testMissing = async (t: Test, site: Site): Promise<void> => {
  const place = { bucket: site.bucket, objectKey: 'missing' }
  const answer = await asking(site, { method: 'GET', ...place })
  t.equal(answer.status, 404)
  t.equal(xmlText(answer, 'Code'), 'NoSuchKey')
  const head = await asking(site, { method: 'HEAD', ...place })
  t.equal(head.status, 404)
  t.equal(head.body.length, 0)
}

const testCopy = async (t: Test, site: Site): Promise<void> => {
  const source = { bucket: `mixed-${site.bucket}`, objectKey: 'plaintext' }
  const target = { bucket: site.bucket, objectKey: 'copy' }
  const headers = { 'x-amz-copy-source': copySource(source) }
  const answer = await asking(site, { method: 'PUT', ...target, headers })
  t.equal(answer.status, 200, answer.body.toString())
  t.equal((await site.provider.read(target)).status, 400, 'encrypted at the provider')
  t.ok((await site.provider.read(target, KEY)).body.equals(BYTES))
}

const TESTS: readonly (readonly [string, (t: Test, site: Site) => Promise<void>])[] = [
  ['reads plaintext where the rule allows it', testPlaintextAllowed],
  ['encrypts beside plaintext', testEncryptedBesidePlaintext],
  ['encrypts over plaintext, and reads what it wrote', testOverPlaintext],
  ['reads no plaintext where the rule denies it', testPlaintextDenied],
  ['copies plaintext into what is encrypted', testCopy],
  ['lets pass what a rule passes through', testPassthrough],
  ['holds a client to its rules', testReader],
  ['knows no strangers', testStrangers],
  ["takes a client's own key where the rule accepts it", testOwnKey],
  ["takes a client's other method away", testOtherMethod],
  ['keeps metadata in UTF-8', testMetadata],
  ['keeps conditions', testConditions],
  ['says what is missing', testMissing],
]

await testAtEach(UPSTREAM_NAMES, async (t, site) => {
  const proxy = await startProxy(site)
  t.teardown(() => proxy.stop())
  for (const prefix of ['', 'plain-', 'mixed-', 'own-keys-']) {
    await site.provider.createBucket(`${prefix}${site.bucket}`)
  }
  for (const [name, test] of TESTS) await t.test(name, t => test(t, site))
})
