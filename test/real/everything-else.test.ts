import type { Test } from 'tap'
import { testAtEach } from './at-site.ts'
import type { Feature } from './everything/asking.ts'
import { bucketSettings } from './everything/bucket-settings.ts'
import { checksums, testChecksums } from './everything/checksums.ts'
import {
  acl,
  chunkedTransfer,
  conditions,
  keysAndListings,
  responseOverrides,
  restore,
  select,
} from './everything/objects.ts'
import { listUploads, parts, uploadInParts } from './everything/uploads.ts'
import { objectLock, versions } from './everything/versions.ts'
import { type Site, startProxy, type UpstreamName } from './proxy.ts'

// What S3 has besides the plain reading and writing of objects, each through the proxy, at the servers that have it.

const SERVERS: readonly UpstreamName[] = ['rgw-tls', 'minio']

const FEATURES: readonly Feature[] = [
  parts,
  listUploads,
  checksums,
  versions,
  objectLock,
  acl,
  conditions,
  responseOverrides,
  chunkedTransfer,
  keysAndListings,
  select,
  restore,
  bucketSettings,
]

const start = async (t: Test, site: Site): Promise<void> => {
  const proxy = await startProxy(site)
  t.teardown(() => proxy.stop())
}

await testAtEach(SERVERS, async (t, site) => {
  await start(t, site)
  for (const [name, test] of FEATURES) await t.test(name, t => test(t, site))
})

// The profile that knows nothing of the provider.
await testAtEach(
  SERVERS,
  async (t, site) => {
    await start(t, site)
    await t.test('uploads in parts, by the profile generic', t => uploadInParts(t, site))
    await t.test('with checksums', t => testChecksums(t, site, false))
  },
  { profile: 'generic' },
)
