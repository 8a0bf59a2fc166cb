import { join } from 'node:path'
import { ensurePackages, packageVersion } from '../servers/debian.ts'
import { REGION } from '../stage.ts'
import { type Backups, backupSteps } from './backup-steps.ts'
import { type Program, runProgram } from './commands.ts'
import type { Scene, Tool } from './scene.ts'

const createProgram = ({ access, folder }: Scene): Program => ({
  path: 'duplicity',
  globals: [],
  env: {
    AWS_ACCESS_KEY_ID: access.accessKeyId,
    AWS_SECRET_ACCESS_KEY: access.secretAccessKey,
    AWS_DEFAULT_REGION: REGION,
    AWS_CA_BUNDLE: access.ca,
    // GnuPG wants a home, even where it is not asked to encrypt.
    HOME: folder,
    PYTHONWARNINGS: 'ignore',
  },
})

const createBackups = (scene: Scene): Backups => {
  const { access, bucket, folder } = scene
  const program = createProgram(scene)
  const url = `boto3+s3://${bucket}/backup`
  const options = [
    ...['--s3-endpoint-url', access.origin, '--archive-dir', join(folder, 'archive')],
    ...[
      '--no-encryption',
      '--num-retries',
      '1',
      '--volsize',
      '12',
      '--s3-multipart-chunk-size',
      '5',
    ],
  ]
  const duplicity = async (...args: readonly string[]): Promise<void> => {
    await runProgram(program, [...args.slice(0, 1), ...options, ...args.slice(1)])
  }
  let backups = 0
  return {
    backUp: source => duplicity(backups++ === 0 ? 'full' : 'incremental', source, url),
    verify: source => duplicity('verify', '--compare-data', url, source),
    restore: target => duplicity('restore', '--force', url, target),
    prune: async () => {
      await duplicity('full', join(folder, 'tree'), url)
      await duplicity('remove-all-but-n-full', '1', '--force', url)
    },
  }
}

/** Its own encryption is off: what is refused at the provider is so by the proxy's. */
export const duplicity: Tool = {
  name: 'duplicity',
  install: async () => {
    await ensurePackages(['duplicity', 'python3-boto3'])
    return `duplicity ${await packageVersion('duplicity')}`
  },
  steps: async scene => backupSteps(createBackups(scene)),
}
