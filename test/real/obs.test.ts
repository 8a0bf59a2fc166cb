import { createHash, randomBytes } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Test } from 'tap'
import { createObsClient, modeName, OBS_MODES } from '../support/obs-client.ts'
import { playObsScenario } from '../support/obs-scenario.ts'
import { testAtEach } from './at-site.ts'
import { run } from './command.ts'
import { APP, type Site, startProxy } from './proxy.ts'
import { ensurePackages } from './servers/debian.ts'
import { REGION } from './stage.ts'

// Apps that were written for Huawei OBS, before providers that never heard of it.

const playSdk = async (t: Test, site: Site): Promise<void> => {
  const port = Number(new URL(site.http.origin).port)
  for (const [at, mode] of OBS_MODES.entries()) {
    await t.test(`esdk-obs-nodejs, ${modeName(mode)}`, async t => {
      const sdk = await createObsClient({ port, ...APP }, mode)
      const bucket = `${site.bucket}-${at}`
      const askProvider = async (objectKey: string): Promise<number> =>
        (await site.provider.read({ bucket, objectKey })).status
      await playObsScenario(t, { sdk, bucket, folder: site.folder, askProvider })
      sdk.close()
    })
  }
}

const digest = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex')

/** rclone's own provider for OBS signs with SigV4, and speaks `x-amz-`. */
const playRclone = async (t: Test, site: Site): Promise<void> => {
  await ensurePackages(['rclone'])
  const env = {
    RCLONE_CONFIG: '/dev/null',
    RCLONE_CONFIG_OBS_TYPE: 's3',
    RCLONE_CONFIG_OBS_PROVIDER: 'HuaweiOBS',
    RCLONE_CONFIG_OBS_ENDPOINT: site.https.origin,
    RCLONE_CONFIG_OBS_REGION: REGION,
    RCLONE_CONFIG_OBS_ACCESS_KEY_ID: APP.accessKeyId,
    RCLONE_CONFIG_OBS_SECRET_ACCESS_KEY: APP.secretAccessKey,
    AWS_CA_BUNDLE: '',
  }
  const rclone = (...words: readonly string[]): Promise<string> =>
    run('rclone', ['--ca-cert', site.https.ca, '--retries', '1', ...words], { env })
  // It takes no path style for this provider, but for a bucket whose dots no certificate would cover.
  const bucket = `${site.bucket}.rclone`
  const [source, target] = [join(site.folder, 'up'), join(site.folder, 'down')]
  const bytes = randomBytes(100_000)
  await writeFile(source, bytes)
  await rclone('mkdir', `obs:${bucket}`)
  await rclone('copyto', source, `obs:${bucket}/dir/file`)
  t.match(await rclone('lsf', '-R', `obs:${bucket}`), 'dir/file')
  await rclone('copyto', `obs:${bucket}/dir/file`, target)
  t.equal(digest(await readFile(target)), digest(bytes))
  t.equal((await site.provider.read({ bucket, objectKey: 'dir/file' })).status, 400, 'encrypted')
  await rclone('deletefile', `obs:${bucket}/dir/file`)
  t.equal(await rclone('lsf', '-R', `obs:${bucket}`), '')
}

await testAtEach(
  ['rgw-tls', 'minio', 'embedded'],
  async (t, site) => {
    const proxy = await startProxy(site)
    t.teardown(() => proxy.stop())
    await playSdk(t, site)
    await t.test('rclone, HuaweiOBS', t => playRclone(t, site))
  },
  { signatures: ['v4', 'v2', 'obs'], domains: ['localhost'] },
)
