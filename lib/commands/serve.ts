import { readConfig } from '../config/load.ts'
import { loadKeyring } from '../keys/providers/load.ts'
import { createLog, type Logger } from '../observe/log.ts'
import { type Ready, type Serving, startServing } from '../serving.ts'
import { faultText } from '../yaml/fault.ts'
import { quickstartLines } from './quickstart.ts'

/** A configuration with its keys, and what there is to say of it. */
interface Found extends Ready {
  readonly warnings: readonly string[]
}

/** Reads a configuration and fetches its keys. */
export const getReady = async (path: string, env: NodeJS.ProcessEnv): Promise<Found> => {
  const { config, warnings } = await readConfig(path, env)
  const keyrings = await Promise.all(
    [...config.keyrings].map(
      async ([name, source]) => [name, await loadKeyring(name, source, env)] as const,
    ),
  )
  return { config, keyrings: new Map(keyrings), warnings: warnings.map(faultText) }
}

const warn = (log: Logger, { warnings }: Found): void => {
  for (const warning of warnings) log.warn({ warning }, 'configuration')
}

/** All or nothing: a faulty new configuration leaves the old one running, and the log says why. */
const reload = async (path: string, serving: Serving, log: Logger): Promise<void> => {
  try {
    const ready = await getReady(path, process.env)
    serving.reload(ready)
    warn(log, ready)
    log.info({ config: path }, 'reloaded')
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    serving.refuseReload()
    log.error({ config: path, reason }, 'not reloaded: the configuration before stays in force')
  }
}

const stopSignal = (): Promise<NodeJS.Signals> =>
  new Promise(resolve => {
    process.once('SIGTERM', resolve)
    process.once('SIGINT', resolve)
  })

/**
 * The command `serve`: runs until SIGTERM or SIGINT, then drains. SIGHUP reads the configuration and the keys anew;
 * only a change of `listen`, `limits` or of an embedded upstream needs a restart.
 */
export const serve = async (options: { readonly config: string }): Promise<void> => {
  const ready = await getReady(options.config, process.env)
  const log = createLog(ready.config.log.level)
  warn(log, ready)
  const serving = await startServing(ready, log)
  process.stdout.write(quickstartLines(ready.config, serving.listeners))
  process.on('SIGHUP', () => void reload(options.config, serving, log))
  log.info({ signal: await stopSignal() }, 'draining')
  await serving.close()
  log.info('stopped')
}
