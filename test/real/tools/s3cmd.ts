import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ensurePackages, packageVersion } from '../servers/debian.ts'
import { REGION } from '../stage.ts'
import { createTransfers, type Program } from './commands.ts'
import type { Scene, Tool } from './scene.ts'
import { transferSteps } from './transfer-steps.ts'

const configOf = ({ access }: Scene): string => {
  const { protocol, host } = new URL(access.origin)
  return `[default]
access_key = ${access.accessKeyId}
secret_key = ${access.secretAccessKey}
host_base = ${host}
host_bucket = ${host}
use_https = ${protocol === 'https:' ? 'True' : 'False'}
ca_certs_file = ${access.ca}
bucket_location = ${REGION}
multipart_chunk_size_mb = 8
max_retries = 1
`
}

const createProgram = async (scene: Scene): Promise<Program> => {
  const config = join(scene.folder, 's3cfg')
  await writeFile(config, configOf(scene))
  return {
    path: 's3cmd',
    globals: ['--config', config, '--no-progress', '--quiet'],
    env: { LC_ALL: 'C.UTF-8', PYTHONWARNINGS: 'ignore' },
  }
}

const VERBS = {
  compares: 'bytes',
  put: ['put'],
  get: ['get'],
  stream: ['put', '-'],
  copy: ['cp'],
  move: ['mv'],
  sync: ['sync'],
} as const

export const s3cmd: Tool = {
  name: 's3cmd',
  install: async () => {
    await ensurePackages(['s3cmd'])
    return `s3cmd ${await packageVersion('s3cmd')}`
  },
  steps: async scene =>
    transferSteps(
      createTransfers(await createProgram(scene), VERBS, (bucket, key) => `s3://${bucket}/${key}`),
    ),
}
