import { type Logger, pino } from 'pino'
import type { LogLevel } from '../config/config.ts'
import type { Journal, JournalEntry } from '../s3/journal.ts'
import type { Watch } from './watch.ts'

export type { Logger } from 'pino'

/** Bytes of lines that are written at once: handing them to the kernel wakes a thread each time. */
const GATHERED = 64 * 1024

/** What a pipe takes in one piece (pipe(7), PIPE_BUF), so that the lines of several processes do not mix. */
const PIECE = 4096

/** Milliseconds that a line waits at most for others to be written with. */
const LATEST = 100

/**
 * JSON lines on stdout, with ISO times; a request's line has the fields of `JOURNAL_FIELDS` and no other.
 *
 * @param worker name of the process, where there are several
 */
export const createLog = (level: LogLevel, worker?: string): Logger =>
  pino(
    {
      level,
      base: worker === undefined ? null : { worker },
      timestamp: pino.stdTimeFunctions.isoTime,
    },
    // Not in the way of requests: a write for each line would cost more than the request itself. What is left is
    // written at the end of the process.
    pino.destination({
      dest: 1,
      sync: false,
      periodicFlush: LATEST,
      ...(worker === undefined
        ? { minLength: GATHERED, maxWrite: 2 * GATHERED }
        : { minLength: PIECE / 2, maxWrite: PIECE }),
    }),
  )

/** A journal that becomes one log line when the request is over, and that `watch` is told of. */
export interface OpenJournal extends Journal {
  /** Writes the line: as an error when the proxy failed (status 500 and above), as information otherwise. */
  close(): void
}

export const openJournal = (log: Logger, watch: Watch | undefined): OpenJournal => {
  const entry: JournalEntry = {}
  watch?.began()
  return {
    note: more => {
      Object.assign(entry, more)
    },
    close: () => {
      const isFailure = typeof entry.status === 'number' && entry.status >= 500
      log[isFailure ? 'error' : 'info'](entry, 'request')
      watch?.ended(entry)
    },
  }
}
