import type { Test } from 'tap'
import { testAtEach } from './at-site.ts'
import { bytesOf } from './bytes.ts'
import { ask } from './provider.ts'
import { APP, masterKey, type Site, startProxy, UPSTREAM_NAMES } from './proxy.ts'
import { SOUND, TAMPERED } from './tampering.ts'
import { BYTES, type Uploader, uploaderTo } from './uploads.ts'
import { xmlText } from './wire/http.ts'
import type { Place } from './wire/place.ts'
import { exchange, type Reply } from './wire/socket.ts'

const KEY = masterKey('v1')

const at = ({ bucket }: Site, objectKey: string): Place => ({ bucket, objectKey })

type Expected = (typeof TAMPERED)[number][1]

const checkRefused = (t: Test, reply: Reply, expected: Expected): void => {
  if (expected === undefined) {
    t.ok(reply.status === 0 || reply.status >= 400, `answered ${reply.status}`)
    return
  }
  const [status, codes] = expected
  t.equal(reply.status, status, reply.text.slice(0, 1000))
  t.ok(codes.includes(reply.code ?? ''), `${reply.code} is one of ${codes.join(', ')}`)
}

const testSound = async (t: Test, site: Site): Promise<void> => {
  for (const endpoint of [site.http, site.https]) {
    for (const [name, build] of SOUND) {
      const place = at(site, `sound ${name}`)
      const reply = await exchange(endpoint, await build(uploaderTo(endpoint, APP, place)))
      t.equal(reply.status, 200, `${name} ${reply.text.slice(0, 1000)}`)
      t.ok((await site.provider.read(place, KEY)).body.equals(BYTES), `${name}: stored`)
    }
  }
}

/** A tampered upload must make no object, and leave one alone that is there. */
const testObjects = async (t: Test, site: Site): Promise<void> => {
  const old = bytesOf(1000, 'old')
  for (const [name, expected, build] of TAMPERED) {
    const [fresh, existing] = [at(site, `new ${name}`), at(site, `old ${name}`)]
    await site.provider.store(existing, old, KEY)
    await t.test(name, async t => {
      checkRefused(t, await exchange(site.http, await build(uploader(site, fresh))), expected)
      checkRefused(
        t,
        await exchange(site.https, await build(httpsUploader(site, existing))),
        expected,
      )
      t.equal((await site.provider.read(fresh, KEY)).status, 404, 'no object')
      t.ok((await site.provider.read(existing, KEY)).body.equals(old), 'the old object')
    })
  }
}

const uploader = ({ http }: Site, place: Place): Uploader => uploaderTo(http, APP, place)

const httpsUploader = ({ https }: Site, place: Place): Uploader => uploaderTo(https, APP, place)

/** A tampered upload must make no part. */
const testParts = async (t: Test, site: Site): Promise<void> => {
  const place = at(site, 'parts')
  const created = await ask(site.http, APP, { method: 'POST', ...place, query: { uploads: '' } })
  const query = { partNumber: '1', uploadId: xmlText(created, 'UploadId') ?? '' }
  const [providersId = ''] = await site.provider.listUploads(site.bucket)
  for (const [name, expected, build] of TAMPERED) {
    await t.test(name, async t => {
      const wire = await build(uploaderTo(site.http, APP, { ...place, query }))
      checkRefused(t, await exchange(site.http, wire), expected)
      t.strictSame(await site.provider.listParts(place, providersId), [], 'no part')
    })
  }
}

/** What was not there at once may have come later. */
const testLater = async (t: Test, site: Site): Promise<void> => {
  const { provider, bucket } = site
  const fresh = (await provider.list(bucket)).filter(key => key.startsWith('new '))
  t.strictSame(fresh, [])
  const [providersId = ''] = await provider.listUploads(bucket)
  t.strictSame(await provider.listParts(at(site, 'parts'), providersId), [])
}

await testAtEach(UPSTREAM_NAMES, async (t, site) => {
  const proxy = await startProxy(site)
  t.teardown(() => proxy.stop())
  await site.provider.createBucket(site.bucket)
  await t.test('takes what is sound', t => testSound(t, site))
  await t.test('refuses tampered objects', t => testObjects(t, site))
  await t.test('refuses tampered parts', t => testParts(t, site))
  await t.test('still has nothing of them', t => testLater(t, site))
})
