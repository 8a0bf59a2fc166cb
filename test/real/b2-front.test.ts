import { join } from 'node:path'
import type { Test } from 'tap'
import { testAtEach } from './at-site.ts'
import { type B2Bench, DEBIAN_PYTHON, useCommand, useRclone, useSdk } from './clients/b2.ts'
import { useNpm, useNpmInBucket } from './clients/b2-npm.ts'
import { APP, masterKey, type Site, startProxy } from './proxy.ts'
import { ensurePackages } from './servers/debian.ts'
import { createVenv } from './venv.ts'

// Apps that were written for B2's native API, before providers that never heard of it.

const benchAt = ({ b2, folder, provider, upstream }: Site): B2Bench => ({
  origin: b2.origin,
  credentials: APP,
  folder,
  keepsVersions: upstream !== 'embedded',
  tellsMarkers: upstream === 'minio',
  checkStored: async (t, bucket, objectKey, bytes) => {
    const place = { bucket, objectKey }
    const { status } = await provider.read(place)
    t.equal(status, 400, `${objectKey} is not given without a key`)
    const stored = await provider.read(place, masterKey('v1'))
    t.equal(stored.status, 200, `${objectKey} is given with ours`)
    if (bytes !== undefined) t.ok(stored.body.equals(bytes), `${objectKey} has the bytes`)
  },
})

await testAtEach(['rgw-tls', 'minio', 'embedded'], async (t: Test, site) => {
  const proxy = await startProxy(site)
  t.teardown(() => proxy.stop())
  const bench = benchAt(site)
  await ensurePackages(['python3-b2sdk'])
  const venv = await createVenv('b2', ['b2'])
  const bin = (name: string): string => join(venv, 'bin', name)
  const { bucket } = site
  await t.test('rclone', t => useRclone(t, bench, `${bucket}-rclone`))
  await t.test("b2sdk, Debian's", t => useSdk(t, bench, DEBIAN_PYTHON, `${bucket}-debian`))
  await t.test('b2sdk, the newest', t => useSdk(t, bench, bin('python'), `${bucket}-newest`))
  // It is b2sdk again, and takes seconds for each word.
  if (site.upstream === 'minio')
    await t.test('the b2 command', t => useCommand(t, bench, bin('b2'), `${bucket}-command`))
  await t.test('backblaze-b2', t => useNpmInBucket(t, bench, `${bucket}-npm`))
  await t.test('backblaze-b2, in a bucket without versions', async t => {
    await site.provider.createBucket(bucket)
    await useNpm(t, { ...bench, keepsVersions: false }, bucket)
  })
})
