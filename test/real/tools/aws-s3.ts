import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { REGION, readStage } from '../stage.ts'
import { createTransfers, type Program } from './commands.ts'
import type { Scene, Tool } from './scene.ts'
import { transferSteps } from './transfer-steps.ts'

const installed = async (): Promise<{ readonly label: string; readonly path: string }> => {
  const { clients } = await readStage()
  if ('lacks' in clients.awscli) throw new Error(clients.awscli.lacks)
  return clients.awscli.is
}

const createProgram = async ({ access, folder }: Scene): Promise<Program> => {
  const config = join(folder, 'aws-config')
  await writeFile(config, '[default]\n')
  const { path } = await installed()
  return {
    path,
    globals: ['--endpoint-url', access.origin, '--ca-bundle', access.ca, 's3'],
    env: {
      AWS_ACCESS_KEY_ID: access.accessKeyId,
      AWS_SECRET_ACCESS_KEY: access.secretAccessKey,
      AWS_DEFAULT_REGION: REGION,
      AWS_CONFIG_FILE: config,
      AWS_MAX_ATTEMPTS: '1',
      LC_ALL: 'C.UTF-8',
    },
  }
}

const QUIET = '--only-show-errors'

/** It compares lengths and times, and a file that was written later is sent again. */
const VERBS = {
  put: ['cp', QUIET],
  get: ['cp', QUIET],
  stream: ['cp', QUIET, '-'],
  copy: ['cp', QUIET],
  move: ['mv', QUIET],
  sync: ['sync', QUIET],
  compares: 'length',
} as const

/** `aws s3` for folders; what it does with single objects is in the matrix. */
export const awsS3: Tool = {
  name: 'aws s3',
  install: async () => `aws s3 of ${(await installed()).label}`,
  steps: async scene =>
    transferSteps(
      createTransfers(await createProgram(scene), VERBS, (bucket, key) => `s3://${bucket}/${key}`),
    ),
}
