import { setTimeout } from 'node:timers/promises'
import type { Config } from '../config/config.ts'
import { createLog, type Logger } from '../observe/log.ts'
import { startWorker } from '../workers/cluster.ts'
import { Supervisor } from '../workers/supervisor.ts'
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

/** What there can be one of only, and would be wrong in each worker: its state is in one process. */
const refuseSingles = ({ embedded, admin }: Config): void => {
  if (embedded.size > 0)
    throw new UsageError('--workers: an embedded upstream runs in one process. Leave it out.')
  if (admin !== undefined)
    throw new UsageError(
      '--workers: admin would show one worker at a time. Leave one of the two out.',
    )
}

/** All workers anew, one by one; a configuration that is faulty leaves those that run. */
const createRoll = (path: string, supervisor: Supervisor, log: Logger): (() => Promise<void>) => {
  const roll = async (): Promise<void> => {
    try {
      refuseSingles((await getReady(path, process.env)).config)
      await supervisor.roll()
      log.info({ config: path }, 'reloaded')
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
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
  const wait = (milliseconds: number): Promise<void> => setTimeout(milliseconds)
  const now = (): number => performance.now()
  const supervisor = new Supervisor({ count, start: startWorker, log, wait, now })
  const stopped = stopSignal()
  await supervisor.start()
  log.info({ workers: count }, 'serving')
  const roll = createRoll(config, supervisor, log)
  process.on('SIGHUP', () => void roll())
  log.info({ signal: await stopped }, 'draining')
  await supervisor.stop()
  log.info('stopped')
}
