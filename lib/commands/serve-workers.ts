import { setTimeout } from 'node:timers/promises'
import type { Config } from '../config/config.ts'
import { createLog, type Logger } from '../observe/log.ts'
import { type Observation, observe, startOperators } from '../operators.ts'
import { startWorker } from '../workers/cluster.ts'
import { Supervisor } from '../workers/supervisor.ts'
import { watchDebugging } from './debugging.ts'
import { UsageError } from './io.ts'
import { getReady, stopSignal } from './serve.ts'

/** As many as there is a point in: a machine has no more cores. */
const MOST = 1024

/** @throws {UsageError} */
export const parseWorkers = (text: string): number => {
  const count = /^[1-9]\d{0,3}$/.test(text) ? Number(text) : Number.NaN
  if (count <= MOST) return count
  throw new UsageError(`--workers ${text}: must be a count from 1 to ${MOST}.`)
}

/** The supervisor serves nothing, so its keys are not used, and have no age. */
const NO_AGES: ReadonlyMap<string, number> = new Map()

/** What there can be one of only: its state is in one process. */
const refuseSingles = ({ embedded }: Config): void => {
  if (embedded.size > 0)
    throw new UsageError('--workers: an embedded upstream runs in one process. Leave it out.')
}

/** All workers anew, one by one; a configuration that is faulty leaves those that run. */
const createRoll = (
  path: string,
  supervisor: Supervisor,
  own: Observation,
  log: Logger,
): (() => Promise<void>) => {
  const roll = async (): Promise<void> => {
    try {
      refuseSingles((await getReady(path, process.env)).config)
      await supervisor.roll()
      own.reloaded(true)
      log.info({ config: path }, 'reloaded')
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      own.reloaded(false)
      log.error({ config: path, reason }, 'not reloaded: the configuration before stays in force')
    }
  }
  let last = Promise.resolve()
  return () => {
    last = last.then(roll)
    return last
  }
}

/**
 * The command `serve --workers n`: so many processes that share the listening sockets, each with a journey and keys of
 * its own. One that crashes is replaced. SIGHUP replaces all, one by one: each leaves when its successor takes requests,
 * so that no connection is refused, and every option may change.
 */
export const serveWorkers = async (config: string, count: number): Promise<void> => {
  const ready = await getReady(config, process.env)
  refuseSingles(ready.config)
  const log = createLog(ready.config.log.level)
  watchDebugging(log)
  const wait = (milliseconds: number): Promise<void> => setTimeout(milliseconds)
  const now = (): number => performance.now()
  const supervisor = new Supervisor({ count, start: startWorker, log, wait, now })
  const stopped = stopSignal()
  const own = observe(ready.config)
  let isReady = false
  const admin = await startOperators(
    ready.config,
    () => ({ ...ready, isReady, listeners: supervisor.where() }),
    async () => [await own.report(NO_AGES), ...(await supervisor.reports())],
    log,
  )
  await supervisor.start()
  isReady = true
  log.info({ workers: count }, 'serving')
  const roll = createRoll(config, supervisor, own, log)
  process.on('SIGHUP', () => void roll())
  log.info({ signal: await stopped }, 'draining')
  isReady = false
  await supervisor.stop()
  await admin?.close()
  log.info('stopped')
}
