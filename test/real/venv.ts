import { existsSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { run } from './command.ts'
import { ensurePackages } from './servers/debian.ts'
import { CACHE } from './stage.ts'

/** Debian's own where there is one: others may come without the parts that a venv needs. */
const findPython = (): string => (existsSync('/usr/bin/python3') ? '/usr/bin/python3' : 'python3')

/** A Python environment with the newest release of each package; gives its folder. */
export const createVenv = async (name: string, packages: readonly string[]): Promise<string> => {
  const folder = join(CACHE, `venv-${name}`)
  if (!existsSync(join(folder, 'ready'))) {
    await ensurePackages(['python3-venv'])
    await rm(folder, { recursive: true, force: true })
    await run(findPython(), ['-m', 'venv', folder])
    await install(folder, packages)
    await run('touch', [join(folder, 'ready')])
  }
  return folder
}

const install = (folder: string, packages: readonly string[]): Promise<string> =>
  run(join(folder, 'bin', 'pip'), ['install', '--quiet', '--upgrade', ...packages], {
    timeout: 600_000,
  })
