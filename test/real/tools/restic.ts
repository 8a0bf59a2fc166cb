import { ensurePackages, packageVersion } from '../servers/debian.ts'
import { REGION } from '../stage.ts'
import type { Backups } from './backup-steps.ts'
import { backupSteps } from './backup-steps.ts'
import { type Program, runProgram } from './commands.ts'
import type { Scene, Tool } from './scene.ts'

const createProgram = ({ access, bucket }: Scene): Program => ({
  path: 'restic',
  globals: ['--cacert', access.ca, '--no-cache', '--quiet'],
  env: {
    RESTIC_REPOSITORY: `s3:${access.origin}/${bucket}/repository`,
    RESTIC_PASSWORD: 'of the tests',
    AWS_ACCESS_KEY_ID: access.accessKeyId,
    AWS_SECRET_ACCESS_KEY: access.secretAccessKey,
    AWS_DEFAULT_REGION: REGION,
  },
})

const createBackups = async (scene: Scene): Promise<Backups> => {
  const program = createProgram(scene)
  const restic = async (args: readonly string[], cwd = scene.folder): Promise<void> => {
    await runProgram(program, args, { cwd })
  }
  await restic(['init'])
  return {
    backUp: folder => restic(['backup', '.'], folder),
    verify: () => restic(['check', '--read-data']),
    restore: folder => restic(['restore', 'latest', '--target', folder]),
    prune: () => restic(['forget', '--keep-last', '1', '--prune']),
  }
}

export const restic: Tool = {
  name: 'restic',
  install: async () => {
    await ensurePackages(['restic'])
    return `restic ${await packageVersion('restic')}`
  },
  steps: async scene => backupSteps(await createBackups(scene)),
}
