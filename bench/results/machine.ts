import { execFile } from 'node:child_process'
import { cpus, loadavg, release } from 'node:os'
import { promisify } from 'node:util'
import type { Contender } from '../contenders/contender.ts'

/** What figures depend on. */
export interface Machine {
  /** ISO 8601, UTC. */
  readonly date: string
  readonly cpu: string
  readonly cores: number
  readonly kernel: string
  readonly node: string
  readonly openssl: string
  /** Processes that wanted a core before the bench began, averaged over a minute; the bench itself has two. */
  readonly load: number
  /** Version by contender. */
  readonly contenders: Readonly<Record<string, string>>
}

/** @param node path of the node that runs the contenders */
export const describeMachine = async (
  node: string,
  contenders: readonly Contender[],
): Promise<Machine> => {
  const expression = 'process.versions.node + " " + process.versions.openssl'
  const { stdout } = await promisify(execFile)(node, ['--print', expression])
  const [nodeVersion = '', openssl = ''] = stdout.trim().split(' ')
  const versions = await Promise.all(
    contenders.map(async each => [each.name, (await each.version()) ?? ''] as const),
  )
  return {
    date: new Date().toISOString(),
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    kernel: release(),
    node: nodeVersion,
    openssl,
    load: loadavg()[0] ?? 0,
    contenders: Object.fromEntries(versions),
  }
}
