import type { Config } from '../config/config.ts'
import { readConfig } from '../config/load.ts'
import { type FileWatch, watchFiles } from '../config/watch.ts'
import { fetchKeyrings } from '../keys/live.ts'
import { fetchingOf } from '../keys/providers/load.ts'
import { createLog, type Logger } from '../observe/log.ts'
import { type CredentialsSource, credentialsNow } from '../s3/credentials.ts'
import { type Ready, type Serving, startServing } from '../serving.ts'
import { isWorker, leave, tellServing, workerName } from '../workers/cluster.ts'
import { faultText } from '../yaml/fault.ts'
import { watchDebugging } from './debugging.ts'
import { quickstartLines } from './quickstart.ts'

/** A configuration with its keys, and what there is to say of it. */
interface Found extends Ready {
  readonly warnings: readonly string[]
  readonly files: readonly string[]
}

/**
 * Reads a configuration and fetches its keys.
 *
 * @throws {ConfigError | KeyProviderError}
 */
export const getReady = async (path: string, env: NodeJS.ProcessEnv): Promise<Found> => {
  const { config, warnings, files } = await readConfig(path, env)
  const now = (): Date => new Date()
  const fetchings = [...config.keyrings].map(
    ([name, source]) => [name, fetchingOf(name, source, { env, now })] as const,
  )
  const live = await fetchKeyrings(new Map(fetchings), now)
  return {
    config,
    live,
    get keyrings() {
      return live.current()
    },
    warnings: warnings.map(faultText),
    files,
  }
}

/** The credentials of each upstream, and of each client that has its own for it. */
const credentialsIn = ({ upstreams, clients }: Config): readonly CredentialsSource[] => [
  ...[...upstreams.values()].flatMap(({ credentials }) => credentials ?? []),
  ...clients.flatMap(({ upstreamCredentials: kind }) =>
    kind.kind === 'own' ? kind.credentials : [],
  ),
]

/**
 * The same as {@link getReady}, with all that it takes to answer requests: credentials that change can be had, too.
 *
 * @throws {ConfigError | KeyProviderError | CredentialsError}
 */
export const getServable = async (path: string, env: NodeJS.ProcessEnv): Promise<Found> => {
  const found = await getReady(path, env)
  await Promise.all(credentialsIn(found.config).map(credentialsNow))
  return found
}

const warn = (log: Logger, { warnings }: Found): void => {
  for (const warning of warnings) log.warn({ warning }, 'configuration')
}

/** Milliseconds between two looks at the files of a configuration. */
const LOOK_INTERVAL = 5000

/** Takes a new configuration, all of it or nothing: a faulty one leaves the old one running, and the log says why. */
const createReload = (path: string, serving: Serving, log: Logger) => {
  const take = async (): Promise<readonly string[] | undefined> => {
    try {
      const ready = await getServable(path, process.env)
      const needRestart = serving.reload(ready)
      serving.observation.reloaded(true)
      warn(log, ready)
      if (needRestart.length > 0) log.warn({ options: needRestart }, 'changed, but needs a restart')
      log.info({ config: path }, 'reloaded')
      return ready.files
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      serving.observation.reloaded(false)
      log.error({ config: path, reason }, 'not reloaded: the configuration before stays in force')
      return undefined
    }
  }
  let last: Promise<readonly string[] | undefined> = Promise.resolve(undefined)
  // One after the other, so that the configuration that was read last is the one in force.
  return (): Promise<readonly string[] | undefined> => {
    last = last.then(take)
    return last
  }
}

/** Has a change of the configuration's files taken without being told. */
const followFiles = async (
  found: Found,
  reload: ReturnType<typeof createReload>,
): Promise<FileWatch> => {
  const watch: FileWatch = watchFiles(LOOK_INTERVAL, async () => {
    const files = await reload()
    if (files !== undefined) await watch.follow(files)
  })
  await watch.follow(found.files)
  return watch
}

/** Resolves with the signal that tells this process to end. */
export const stopSignal = (): Promise<NodeJS.Signals> =>
  new Promise(resolve => {
    process.once('SIGTERM', resolve)
    process.once('SIGINT', resolve)
  })

/**
 * The command `serve`: runs until SIGTERM or SIGINT, then drains. SIGHUP, or a change of its files, has the configuration
 * and the keys read anew.
 */
export const serve = async (options: { readonly config: string }): Promise<void> => {
  const ready = await getServable(options.config, process.env)
  const log = createLog(ready.config.log.level, workerName())
  watchDebugging(log)
  warn(log, ready)
  const serving = await startServing(ready, log, { isWorker: isWorker() })
  process.stdout.write(quickstartLines(ready.config, serving.listeners))
  const reload = createReload(options.config, serving, log)
  // A worker is replaced instead: see serve-workers.ts.
  process.on('SIGHUP', () => void (isWorker() || reload()))
  const watch = ready.config.watch ? await followFiles(ready, reload) : undefined
  const stopped = stopSignal()
  tellServing(
    serving.listeners.map(({ where }) => where),
    serving.report,
  )
  log.info({ signal: await stopped }, 'draining')
  watch?.stop()
  await serving.close()
  log.info('stopped')
  leave()
}
