import { existsSync } from 'node:fs'
import { rm, writeFile } from 'node:fs/promises'
import { run } from '../command.ts'

const statusOf = (name: string): Promise<string> => run('dpkg-query', ['--status', name])

const isInstalled = async (name: string): Promise<boolean> =>
  /^Status: install ok installed$/m.test(await statusOf(name).catch(() => ''))

/** Version of an installed package. */
export const packageVersion = async (name: string): Promise<string> =>
  /^Version: (.*)$/m.exec(await statusOf(name))?.[1] ?? 'of unknown version'

const install = (names: readonly string[]): Promise<string> =>
  run('apt-get', ['install', '--yes', '--quiet', '--no-install-recommends', ...names], {
    env: { DEBIAN_FRONTEND: 'noninteractive' },
    timeout: 600_000,
  })

/** Maintainer scripts ask it whether they may start daemons: https://people.debian.org/~hmh/invokerc.d-policyrc.d-specification.txt */
const POLICY = '/usr/sbin/policy-rc.d'

const withoutDaemons = async (action: () => Promise<unknown>): Promise<void> => {
  if (existsSync(POLICY)) {
    await action()
    return
  }
  await writeFile(POLICY, '#!/bin/sh\nexit 101\n', { mode: 0o755 })
  try {
    await action()
  } finally {
    await rm(POLICY)
  }
}

/**
 * Installs those Debian packages that are missing; their daemons are not started.
 *
 * @throws {Error} when the machine is no Debian, or we are not root
 */
export const ensurePackages = async (names: readonly string[]): Promise<void> => {
  const installed = await Promise.all(names.map(isInstalled))
  const missing = names.filter((_, index) => !installed[index])
  if (missing.length === 0) return
  await withoutDaemons(() =>
    install(missing).catch(async () => {
      await run('apt-get', ['update', '--quiet'])
      await install(missing)
    }),
  )
}
