import { randomBytes } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CreateBucketCommand } from '@aws-sdk/client-s3'
import t, { type Test } from 'tap'
import { Secret } from '../../lib/s3/secret.ts'
import { APP, APP_CLIENT, startProxy } from '../support/proxy.ts'
import {
  copyObjects,
  listAndDelete,
  s3ClientOf,
  uploadInParts,
  useObjects,
} from '../support/s3-over-b2.ts'
import { run } from './command.ts'
import { SIMULATOR_KEY, startB2Simulator } from './servers/b2.ts'
import { ensurePackages } from './servers/debian.ts'

const credentials = {
  accessKeyId: SIMULATOR_KEY.accessKeyId,
  secretAccessKey: new Secret(SIMULATOR_KEY.secretAccessKey),
  sessionToken: undefined,
}
const CLIENTS = [{ ...APP_CLIENT, upstreamCredentials: { kind: 'own', credentials } }] as const

/** Tools that move files: what they put is what they get, listed and deleted. */
const moveFiles = async (t: Test, origin: string): Promise<void> => {
  await ensurePackages(['awscli', 'rclone'])
  const folder = await mkdtemp(join(tmpdir(), 'ssec-proxy-b2-upstream-'))
  t.teardown(() => rm(folder, { recursive: true, force: true }))
  const [small, large, back] = ['small', 'large', 'back'].map(name => join(folder, name))
  if (small === undefined || large === undefined || back === undefined) throw new Error('no path')
  await writeFile(small, randomBytes(1000))
  await writeFile(large, randomBytes(20_000_000))
  const env = {
    AWS_ACCESS_KEY_ID: APP.accessKeyId,
    AWS_SECRET_ACCESS_KEY: APP.secretAccessKey,
    AWS_DEFAULT_REGION: 'us-east-1',
    AWS_CA_BUNDLE: '',
    RCLONE_CONFIG: join(folder, 'rclone.conf'),
    RCLONE_CONFIG_P_TYPE: 's3',
    RCLONE_CONFIG_P_PROVIDER: 'Other',
    RCLONE_CONFIG_P_ENDPOINT: origin,
    RCLONE_CONFIG_P_ACCESS_KEY_ID: APP.accessKeyId,
    RCLONE_CONFIG_P_SECRET_ACCESS_KEY: APP.secretAccessKey,
    RCLONE_CONFIG_P_UPLOAD_CUTOFF: '8M',
    RCLONE_CONFIG_P_CHUNK_SIZE: '8M',
  }
  const aws = (...words: string[]) => run('aws', ['--endpoint-url', origin, ...words], { env })
  const rclone = (...words: string[]) => run('rclone', words, { env })
  for (const file of [small, large]) {
    await aws('s3', 'cp', '--no-progress', file, 's3://things/aws/file')
    await aws('s3', 'cp', '--no-progress', 's3://things/aws/file', back)
    t.ok((await readFile(back)).equals(await readFile(file)), `aws ${file}`)
    await rclone('copyto', file, 'p:things/rclone/file')
    await rclone('copyto', 'p:things/rclone/file', `${back}-rclone`)
    t.ok((await readFile(`${back}-rclone`)).equals(await readFile(file)), `rclone ${file}`)
  }
  t.match(await aws('s3', 'ls', 's3://things/aws/'), / 20000000 file/)
  t.equal(await rclone('lsf', 'p:things/rclone'), 'file')
  await aws('s3', 'mv', 's3://things/aws/file', 's3://things/aws/moved')
  await aws('s3', 'rm', '--recursive', 's3://things/aws/')
  await rclone('delete', 'p:things/rclone')
  t.equal(
    await rclone('lsf', '-R', '--files-only', '--include', '/{aws,rclone}/**', 'p:things'),
    '',
  )
}

await t.test('S3 over B2 native', async t => {
  const simulator = await startB2Simulator()
  t.teardown(() => simulator.stop())
  const proxy = await startProxy(t, {
    upstream: simulator.origin,
    provider: 'b2-native',
    clients: CLIENTS,
  })
  const s3 = s3ClientOf(proxy.origin)
  await s3.send(new CreateBucketCommand({ Bucket: 'things' }))
  await t.test('awscli and rclone', t => moveFiles(t, proxy.origin))
  await t.test('objects', t => useObjects(t, s3, 'things'))
  await t.test('copies', t => copyObjects(t, s3, 'things'))
  await t.test('parts', t => uploadInParts(t, s3, 'things'))
  await t.test('listings', t => listAndDelete(t, s3, 'listed'))
})
