import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { openSync } from 'node:fs'
import { access as canReach, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { bytesOf } from '../bytes.ts'
import { run } from '../command.ts'
import { ensurePackages, packageVersion } from '../servers/debian.ts'
import { REGION } from '../stage.ts'
import { BIG } from './files.ts'
import { type Mount, mountSteps } from './mount-steps.ts'
import type { Scene, Tool } from './scene.ts'

/** @param more options that this mount is about */
const argumentsOf = (
  { access, bucket }: Scene,
  folder: string,
  passwords: string,
  more: readonly string[],
): readonly string[] => {
  const options = [
    `url=${access.origin}`,
    `passwd_file=${passwords}`,
    `endpoint=${REGION}`,
    'use_path_request_style',
    // Its curl takes CAs from the system's store alone, which is not ours to change.
    'no_check_certificate',
    // Parts, and copies by parts, from a size that a test can afford; no second chance.
    ...['multipart_size=8', 'singlepart_copy_limit=8', 'retries=1'],
    ...more,
  ]
  return [bucket, folder, '-f', ...options.flatMap(option => ['-o', option])]
}

const isMounted = (folder: string): Promise<boolean> =>
  run('mountpoint', ['--quiet', folder]).then(
    () => true,
    () => false,
  )

const untilMounted = async (child: ChildProcess, folder: string): Promise<void> => {
  for (let tries = 0; tries < 200; tries++) {
    if (child.exitCode !== null) throw new Error(`s3fs ended with ${child.exitCode}`)
    if (await isMounted(folder)) return
    await setTimeout(100)
  }
  throw new Error('s3fs does not mount')
}

const unmount = async (child: ChildProcess, folder: string): Promise<void> => {
  const exited = child.exitCode === null ? once(child, 'exit') : undefined
  await run('fusermount', ['-u', '-z', folder])
  await exited
}

// Whatever ends the tests ends it: prctl(2), PR_SET_PDEATHSIG.
const mount = async (scene: Scene, folder: string, more: readonly string[]): Promise<Mount> => {
  const { access } = scene
  const passwords = join(scene.folder, 'passwd-s3fs')
  await writeFile(passwords, `${access.accessKeyId}:${access.secretAccessKey}\n`, { mode: 0o600 })
  await mkdir(folder, { recursive: true })
  const log = openSync(join(scene.folder, 's3fs.log'), 'a')
  const args = argumentsOf(scene, folder, passwords, more)
  const child = spawn('setpriv', ['--pdeathsig', 'TERM', 's3fs', ...args], {
    stdio: ['ignore', log, log],
  })
  await untilMounted(child, folder)
  return { folder, unmount: () => unmount(child, folder) }
}

const install = async (): Promise<string> => {
  await canReach('/dev/fuse').catch(() => {
    throw new Error('this machine has no /dev/fuse')
  })
  await ensurePackages(['s3fs'])
  return `s3fs ${await packageVersion('s3fs')}`
}

const stepsWith = async (scene: Scene, more: readonly string[]) => {
  const folder = join(scene.folder, 'mount')
  return mountSteps(() => mount(scene, folder, more))
}

/** As anybody mounts a bucket. */
export const s3fs: Tool = {
  name: 's3fs',
  install,
  steps: scene => stepsWith(scene, []),
}

/** It then takes ETags for MD5s, of parts too, unless it believes in KMS; the proxy takes the header off. */
export const s3fsWithMd5: Tool = {
  name: 's3fs, enable_content_md5, use_sse=kmsid:any',
  install: async () => `${await install()}, enable_content_md5, use_sse=kmsid:any`,
  steps: scene => stepsWith(scene, ['enable_content_md5', 'use_sse=kmsid:any']),
}

const BIG_FILE = 'big'

const writeBig = async (scene: Scene, more: readonly string[]): Promise<void> => {
  const { folder, unmount: leave } = await mount(scene, join(scene.folder, 'mount'), more)
  const bytes = bytesOf(BIG, scene.bucket)
  try {
    await writeFile(join(folder, BIG_FILE), bytes)
    scene.stored.set(BIG_FILE, bytes)
  } finally {
    await leave()
  }
}

const abortUploads = async ({ provider, bucket }: Scene): Promise<number> => {
  const uploadIds = await provider.listUploads(bucket)
  for (const uploadId of uploadIds) {
    const query = { uploadId }
    await provider.demand({ method: 'DELETE', bucket, objectKey: BIG_FILE, query })
  }
  return uploadIds.length
}

/** What docs/etags.md says cannot be satisfied, and what is stored without it. */
export const s3fsPartCheck: Tool = {
  name: 's3fs, its check of parts',
  install: async () => `${await install()}, its check of parts`,
  steps: async () => [
    [
      'holds where ETags are MD5s, and nowhere else',
      async (t, scene) => {
        const writing = writeBig(scene, ['enable_content_md5'])
        if (scene.site.upstream.startsWith('rgw')) {
          await t.resolves(writing)
          return
        }
        await t.rejects(writing, { code: 'EIO' })
        t.equal(await abortUploads(scene), 1, 'it leaves its upload behind')
      },
    ],
    ['can be left out', (_, scene) => writeBig(scene, [])],
  ],
}
