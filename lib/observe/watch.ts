import type { JournalEntry } from '../s3/journal.ts'
import type { Metrics } from './metrics.ts'
import type { Failure } from './page.ts'

/** Told of every request when it begins and when it is over. */
export interface Watch {
  began(): void
  ended(entry: JournalEntry): void
}

export interface KeptWatch extends Watch {
  /** Latest first; requests of status 500 and above. */
  failures(): readonly Failure[]
}

/** As many failures as a person reads. */
export const SHOWN_FAILURES = 25

const isFailure = ({ status }: JournalEntry): boolean => typeof status === 'number' && status >= 500

const word = (value: JournalEntry[keyof JournalEntry]): string => String(value ?? '')

const toFailure = (entry: JournalEntry, at: Date): Failure => ({
  at: at.toISOString(),
  requestId: word(entry.requestId),
  client: word(entry.client),
  operation: word(entry.operation),
  bucket: word(entry.bucket),
  status: word(entry.status),
  error: word(entry.error),
  reason: word(entry.reason),
})

/** Counts requests, and keeps the latest failures for the admin listener's page. */
export const createWatch = (metrics: Metrics, now: () => Date): KeptWatch => {
  let failures: readonly Failure[] = []
  return {
    began: metrics.began,
    ended: entry => {
      metrics.ended(entry)
      if (isFailure(entry))
        failures = [toFailure(entry, now()), ...failures].slice(0, SHOWN_FAILURES)
    },
    failures: () => failures,
  }
}
