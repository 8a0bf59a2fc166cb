import { createHash, randomBytes } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Test } from 'tap'
import { createObsClient, modeName, OBS_MODES, type ObsSdk } from '../support/obs-client.ts'
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

/** Keys of the app's own, as its SDK sends them, and an ACL where the provider has some. */
const playOwnKeys = async (t: Test, site: Site): Promise<void> => {
  const port = Number(new URL(site.http.origin).port)
  for (const mode of OBS_MODES) {
    const sdk = await createObsClient({ port, ...APP }, mode)
    const Bucket = `own-keys-${site.bucket}`
    const Key = `own ${modeName(mode)}`
    await sdk.createBucket({ Bucket })
    // The SDK takes the key's 32 bytes as text, and encodes them.
    const own = { SseC: 'AES256', SseCKey: 'k'.repeat(32) }
    const put = await sdk.putObject({ Bucket, Key, Body: 'own', ...own })
    t.equal(put.CommonMsg.Status, 200, `${modeName(mode)}: ${put.CommonMsg.Message}`)
    const got = await sdk.getObject({ Bucket, Key, ...own })
    t.equal(String(got.InterfaceResult['Content']), 'own')
    const copy = { CopySource: `${Bucket}/${Key}`, CopySourceSseC: 'AES256' }
    const copied = await sdk.copyObject({
      ...{ Bucket, Key: `${Key} copied`, ...copy, CopySourceSseCKey: own.SseCKey },
      ...{ SseC: 'AES256', SseCKey: 'd'.repeat(32) },
    })
    t.equal(copied.CommonMsg.Status, 200, copied.CommonMsg.Message)
    t.ok((await sdk.getObject({ Bucket, Key })).CommonMsg.Status >= 400, 'not without the key')
    for (const [objectKey, letter] of [
      [Key, 'k'],
      [`${Key} copied`, 'd'],
    ] as const) {
      const key = Buffer.from(letter.repeat(32)).toString('base64')
      const { status, body } = await site.provider.read({ bucket: Bucket, objectKey }, key)
      t.strictSame([status, String(body)], [200, 'own'], `${objectKey}, asked of the provider`)
    }
    if (site.upstream === 'rgw-tls') await playAcl(t, sdk, Bucket, Key)
    sdk.close()
  }
}

const playAcl = async (t: Test, sdk: ObsSdk, Bucket: string, Key: string): Promise<void> => {
  const set = await sdk.setObjectAcl({ Bucket, Key, ACL: 'public-read' })
  t.equal(set.CommonMsg.Status, 200, set.CommonMsg.Message)
  const got = await sdk.getObjectAcl({ Bucket, Key })
  t.match(JSON.stringify(got.InterfaceResult), /Everyone|AllUsers/)
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
    await t.test('esdk-obs-nodejs, keys of the app’s own', t => playOwnKeys(t, site))
    await t.test('rclone, HuaweiOBS', t => playRclone(t, site))
  },
  { signatures: ['v4', 'v2', 'obs'], domains: ['localhost'] },
)
