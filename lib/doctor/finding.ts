/**
 * - `ok`: as it should be;
 * - `note`: a difference of the provider that the proxy deals with;
 * - `fault`: something that must change first, with a remedy;
 * - `skipped`: could not be tried, and why.
 */
export type Outcome = 'ok' | 'note' | 'fault' | 'skipped'

/** What the doctor found out about one thing. */
export interface Finding {
  /** Stable, for scripts: `copy-plain-to-key`. */
  readonly check: string
  readonly outcome: Outcome
  /** What was seen, in a few words. */
  readonly seen: string
  /** What to do about it; only with a fault, or where a note can be acted on. */
  readonly remedy?: string
}

/** What was measured of a provider, as its settings would say it. */
export interface Settings {
  readonly copy?: 'full' | 'same-key-parts' | 'none'
  readonly etag?: 'as-is' | 'mark'
}

export const ok = (check: string, seen: string): Finding => ({ check, outcome: 'ok', seen })

export const note = (check: string, seen: string, remedy?: string): Finding => ({
  check,
  outcome: 'note',
  seen,
  ...(remedy !== undefined && { remedy }),
})

export const fault = (check: string, seen: string, remedy: string): Finding => ({
  check,
  outcome: 'fault',
  seen,
  remedy,
})

export const skipped = (check: string, seen: string): Finding => ({
  check,
  outcome: 'skipped',
  seen,
})
