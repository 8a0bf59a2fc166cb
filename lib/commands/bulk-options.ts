import { setMaxListeners } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import type { Exchange } from '../exchange.ts'
import { type Asker, createAsker } from '../walk/asker.ts'
import { USUAL_BACKOFF } from '../walk/backoff.ts'
import { fileLedger, type LedgerStore, NO_LEDGER } from '../walk/ledger.ts'
import { createRate } from '../walk/rate.ts'
import { type Io, toPath, UsageError } from './io.ts'

/** What every bulk command is told. */
export interface BulkOptions {
  readonly concurrency: string
  readonly rate?: string
  readonly ledger?: string
}

/** @throws {UsageError} */
export const parseCount = (name: string, text: string, most: number): number => {
  const value = /^\d{1,7}$/.test(text) ? Number(text) : 0
  if (value >= 1 && value <= most) return value
  throw new UsageError(`--${name} wants a number between 1 and ${most}.`)
}

/** Requests at once that any provider takes from one machine. */
const MOST_AT_ONCE = 1000

export const concurrencyOf = ({ concurrency }: BulkOptions): number =>
  parseCount('concurrency', concurrency, MOST_AT_ONCE)

const MOST_PER_SECOND = 1_000_000

/** Speaks to the upstream as the options say. */
export const askerOf = (exchange: Exchange, { rate }: BulkOptions, signal: AbortSignal): Asker =>
  createAsker(exchange, {
    backoff: USUAL_BACKOFF,
    signal,
    turn: createRate(rate === undefined ? undefined : parseCount('rate', rate, MOST_PER_SECOND), {
      now: () => performance.now(),
      sleep: async ms => void (await delay(ms)),
    }),
  })

/** Aborts all requests of a command, which may be many more at once than Node takes for a leak. */
export const createAbort = (): AbortController => {
  const abort = new AbortController()
  setMaxListeners(0, abort.signal)
  return abort
}

export const ledgerOf = ({ ledger }: BulkOptions, io: Io): LedgerStore =>
  ledger === undefined ? NO_LEDGER : fileLedger(toPath(io, ledger))

/** Whether somebody asked the command to stop. */
export interface Stopping {
  readonly isOver: () => boolean
  dispose(): void
}

/** The first SIGINT or SIGTERM ends the command once what is under way is done; the second one ends it at once. */
export const untilSignal = (): Stopping => {
  let isOver = false
  const stop = (): void => {
    isOver = true
  }
  process.once('SIGINT', stop)
  process.once('SIGTERM', stop)
  return {
    isOver: () => isOver,
    dispose: () => {
      process.off('SIGINT', stop)
      process.off('SIGTERM', stop)
    },
  }
}
