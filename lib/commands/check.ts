import type { Config } from '../config/config.ts'
import { readConfig } from '../config/load.ts'
import { fromPath, type Io, toPath } from './io.ts'
import { EXIT, shownFault } from './run.ts'

const counted = (count: number, one: string, many = `${one}s`): string =>
  `${count} ${count === 1 ? one : many}`

const summary = (config: Config, warnings: number): string =>
  [
    counted(config.listen.length, 'listener'),
    counted(config.upstreams.size, 'upstream'),
    counted(config.clients.length, 'client'),
    counted(config.keyrings.size, 'keyring'),
    counted(config.rules.length, 'rule'),
    counted(warnings, 'warning'),
  ].join(', ')

/**
 * The command `check`: whether a configuration can be served.
 *
 * @throws {ConfigError} with every fault
 */
export const check = async (options: { readonly config: string }, io: Io): Promise<number> => {
  const file = toPath(io, options.config)
  const { config, warnings, created } = await readConfig(file, io.env, { now: io.now() })
  for (const file of created) io.stdout.write(`created: ${fromPath(io, file)}\n`)
  for (const warning of warnings) io.stdout.write(`warning: ${shownFault(io, warning)}\n`)
  io.stdout.write(`ok: ${summary(config, warnings.length)}\n`)
  return EXIT.ok
}
