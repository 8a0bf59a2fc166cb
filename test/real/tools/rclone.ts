import { join } from 'node:path'
import { bytesOf } from '../bytes.ts'
import type { Access } from '../clients/client.ts'
import type { UpstreamName } from '../proxy.ts'
import { ensurePackages, packageVersion } from '../servers/debian.ts'
import { REGION } from '../stage.ts'
import { createTransfers, type Program, runProgram } from './commands.ts'
import { BIG, writeTree } from './files.ts'
import type { Scene, Tool } from './scene.ts'
import { type Transfers, transferSteps } from './transfer-steps.ts'

/** How people set a remote up by the environment: https://rclone.org/docs/#environment-variables */
const createProgram = ({ origin, ca, accessKeyId, secretAccessKey }: Access): Program => ({
  path: 'rclone',
  // A retry would hide that a first attempt failed.
  globals: ['--ca-cert', ca, '--retries', '1', '--low-level-retries', '1'],
  env: {
    RCLONE_CONFIG: '/dev/null',
    RCLONE_CONFIG_PROXY_TYPE: 's3',
    RCLONE_CONFIG_PROXY_PROVIDER: 'Other',
    RCLONE_CONFIG_PROXY_ENDPOINT: origin,
    RCLONE_CONFIG_PROXY_REGION: REGION,
    RCLONE_CONFIG_PROXY_ACCESS_KEY_ID: accessKeyId,
    RCLONE_CONFIG_PROXY_SECRET_ACCESS_KEY: secretAccessKey,
    // Parts from a size that a test can afford; UploadPartCopy likewise.
    RCLONE_S3_UPLOAD_CUTOFF: '8Mi',
    RCLONE_S3_COPY_CUTOFF: '8Mi',
    // Taken by its AWS library, which then finds another transport than its own.
    AWS_CA_BUNDLE: '',
    LC_ALL: 'C.UTF-8',
  },
})

const VERBS = {
  put: ['copyto'],
  get: ['copyto'],
  stream: ['rcat'],
  copy: ['copyto'],
  move: ['moveto'],
  sync: ['sync', '--checksum'],
  check: ['check'],
} as const

/** Where the ETag is marked, rclone knows no MD5 of what it put in one piece, and compares lengths. */
const comparesOf = (upstream: UpstreamName): Transfers['compares'] =>
  upstream.startsWith('rgw') ? 'bytes' : 'length'

const install = async (): Promise<string> => {
  await ensurePackages(['rclone'])
  return `rclone ${await packageVersion('rclone')}`
}

const toUrl: Transfers['url'] = (bucket, objectKey) => `proxy:${bucket}/${objectKey}`

/** As anybody sets it up who knows no more than an endpoint and a key pair. */
export const rclone: Tool = {
  name: 'rclone',
  install,
  steps: async ({ access, site }) => {
    const verbs = { ...VERBS, compares: comparesOf(site.upstream) }
    return transferSteps(createTransfers(createProgram(access), verbs, toUrl))
  },
}

/** At which rclone holds the ETag of an upload in parts against its own MD5 of MD5s. */
const CHECKED = { RCLONE_CONFIG_PROXY_PROVIDER: 'Minio' }

/** Takes no ETag for an MD5, and writes the MD5 into the metadata instead; the proxy takes the header off. */
const KMS = { RCLONE_CONFIG_PROXY_SERVER_SIDE_ENCRYPTION: 'aws:kms' }

/** With the one line of docs/clients.md, and as a provider at which rclone checks the ETags of uploads in parts. */
export const rcloneWithSums: Tool = {
  name: 'rclone, server_side_encryption = aws:kms',
  install: async () => `${await install()}, server_side_encryption = aws:kms`,
  steps: async ({ access }) => {
    const program = createProgram(access)
    const env = { ...program.env, ...KMS, ...CHECKED }
    const verbs = { ...VERBS, compares: 'bytes' } as const
    return transferSteps(createTransfers({ ...program, env }, verbs, toUrl))
  },
}

const storeInParts = async ({ access, bucket, folder, stored }: Scene, more: Program['env']) => {
  const program = createProgram(access)
  const bytes = bytesOf(BIG, bucket)
  await writeTree(folder, new Map([['big', bytes]]))
  const args = ['copyto', join(folder, 'big'), toUrl(bucket, 'big')]
  await runProgram({ ...program, env: { ...program.env, ...more } }, args)
  stored.set('big', bytes)
}

const DIFFERS = /multipart upload corrupted: Etag differ/

/** What docs/etags.md says cannot be satisfied, and the line that turns it off. */
export const rcloneMultipartCheck: Tool = {
  name: 'rclone, its check of uploads in parts',
  install: async () => `${await install()}, its check of uploads in parts`,
  steps: async () => [
    [
      'holds where ETags are MD5s, and nowhere else',
      async (t, scene) => {
        const storing = storeInParts(scene, CHECKED)
        if (comparesOf(scene.site.upstream) === 'bytes') await t.resolves(storing)
        else await t.rejects(storing, DIFFERS)
      },
    ],
    [
      'can be left out',
      (_, scene) => storeInParts(scene, { ...CHECKED, RCLONE_S3_USE_MULTIPART_ETAG: 'false' }),
    ],
  ],
}
