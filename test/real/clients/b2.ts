import { randomBytes } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Test } from 'tap'
import { run } from '../command.ts'
import { ensurePackages } from '../servers/debian.ts'
import type { KeyPair } from '../stage.ts'

/** What B2's native clients are set before. */
export interface B2Bench {
  /** Of the listener: the clients' realm. */
  readonly origin: string
  readonly credentials: KeyPair
  readonly folder: string
  /** Whether buckets keep what was written over. */
  readonly keepsVersions: boolean
  /** Whether the provider tells of what hides a file: Ceph 16 does only in listings. */
  readonly tellsMarkers: boolean
  /** Asks the provider itself: without a key it must refuse the file, and with ours give those bytes. */
  checkStored(t: Test, bucket: string, fileName: string, bytes?: Buffer): Promise<void>
}

const DRIVER = fileURLToPath(new URL('b2_driver.py', import.meta.url))

/** Has Debian's b2sdk, once `ensurePackages` is through. */
export const DEBIAN_PYTHON = '/usr/bin/python3'

/** b2sdk makes a bucket and does all that it can in it. */
export const useSdk = async (
  t: Test,
  { origin, credentials, keepsVersions, checkStored }: B2Bench,
  python: string,
  bucket: string,
): Promise<void> => {
  const { accessKeyId, secretAccessKey } = credentials
  const args = [DRIVER, origin, accessKeyId, secretAccessKey, bucket, keepsVersions ? '' : 'once']
  const results = JSON.parse(await run(python, args)) as Record<string, boolean>
  for (const [name, isRight] of Object.entries(results)) t.ok(isRight, name)
  t.equal(Object.keys(results).length, 20)
  for (const name of ['copy.bin', 'large.bin']) await checkStored(t, bucket, name)
}

/** The `b2` command of the newest release. */
export const useCommand = async (
  t: Test,
  { origin, credentials, folder, checkStored }: B2Bench,
  program: string,
  bucket: string,
): Promise<void> => {
  const env = {
    B2_ENVIRONMENT: origin,
    B2_APPLICATION_KEY_ID: credentials.accessKeyId,
    B2_APPLICATION_KEY: credentials.secretAccessKey,
    B2_ACCOUNT_INFO: join(folder, 'account'),
  }
  const b2 = (...words: string[]): Promise<string> => run(program, words, { env })
  const bytes = randomBytes(12_000_000)
  const [file, back] = [join(folder, 'cli'), join(folder, 'cli-back')]
  await writeFile(file, bytes)
  await b2('account', 'authorize')
  await b2('bucket', 'create', bucket, 'allPrivate')
  await b2('file', 'upload', '--no-progress', bucket, file, 'dir/file.bin')
  await b2('file', 'download', '--no-progress', `b2://${bucket}/dir/file.bin`, back)
  t.ok((await readFile(back)).equals(bytes))
  t.match(await b2('ls', '--recursive', `b2://${bucket}`), 'dir/file.bin')
  t.match(await b2('file', 'info', `b2://${bucket}/dir/file.bin`), /SSE-C/)
  await checkStored(t, bucket, 'dir/file.bin', bytes)
  await b2('rm', '--recursive', '--no-progress', `b2://${bucket}`)
  t.equal(await b2('ls', '--recursive', `b2://${bucket}`), '')
}

/** rclone's `b2` backend, with files in one piece and in parts. */
export const useRclone = async (
  t: Test,
  { origin, credentials, folder, checkStored }: B2Bench,
  bucket: string,
): Promise<void> => {
  await ensurePackages(['rclone'])
  const env = {
    RCLONE_CONFIG: join(folder, 'rclone.conf'),
    RCLONE_CONFIG_B_TYPE: 'b2',
    RCLONE_CONFIG_B_ACCOUNT: credentials.accessKeyId,
    RCLONE_CONFIG_B_KEY: credentials.secretAccessKey,
    RCLONE_CONFIG_B_ENDPOINT: origin,
    RCLONE_CONFIG_B_UPLOAD_CUTOFF: '5M',
    RCLONE_CONFIG_B_CHUNK_SIZE: '5M',
    RCLONE_CONFIG_B_HARD_DELETE: 'true',
  }
  const rclone = (...words: string[]): Promise<string> => run('rclone', words, { env })
  const [small, large] = [randomBytes(1000), randomBytes(12_000_000)]
  for (const [name, bytes] of Object.entries({ small, large })) {
    const [file, back] = [join(folder, name), join(folder, `${name}-back`)]
    await writeFile(file, bytes)
    await rclone('copyto', file, `b:${bucket}/d/${name}`)
    await rclone('copyto', `b:${bucket}/d/${name}`, back)
    t.ok((await readFile(back)).equals(bytes), name)
    await checkStored(t, bucket, `d/${name}`, bytes)
  }
  t.match(await rclone('lsf', `b:${bucket}/d`), /large\nsmall/)
  await rclone('copyto', `b:${bucket}/d/small`, `b:${bucket}/copy`)
  await checkStored(t, bucket, 'copy', small)
  await rclone('delete', `b:${bucket}/d`)
  t.equal(await rclone('lsf', `b:${bucket}/d`), '')
}
