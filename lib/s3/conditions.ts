import type { Headers } from './headers.ts'

export type Conditions = Pick<Headers, 'get'>

/** What conditions are judged by. */
export interface Validators {
  /** Without quotes. */
  readonly etag: string
  /** As any date that JavaScript reads. */
  readonly lastModified: string
}

/** Whether a list of ETags names this one. */
export const namesEtag = (list: string, etag: string): boolean =>
  list
    .split(',')
    .map(item => item.trim().replace(/^"(.*)"$/, '$1'))
    .some(item => item === '*' || item === etag)

const SECOND = 1000
const seconds = (time: string): number => Math.floor(Date.parse(time) / SECOND)

/** Whether the object was changed after `date`; undefined when there is no such date. */
const isChangedSince = (date: string | undefined, object: Validators): boolean | undefined => {
  const since = seconds(date ?? '')
  return Number.isNaN(since) ? undefined : seconds(object.lastModified) > since
}

/**
 * Judges the conditions of a read: an ETag's before a date's (RFC 9110 §13.2.2).
 *
 * @returns the name of the first that does not hold
 */
export const failingCondition = (
  conditions: Conditions,
  object: Validators,
): string | undefined => {
  const match = conditions.get('if-match')
  if (match !== undefined && !namesEtag(match, object.etag)) return 'If-Match'
  if (
    match === undefined &&
    isChangedSince(conditions.get('if-unmodified-since'), object) === true
  ) {
    return 'If-Unmodified-Since'
  }
  const noneMatch = conditions.get('if-none-match')
  if (noneMatch !== undefined)
    return namesEtag(noneMatch, object.etag) ? 'If-None-Match' : undefined
  const isUnchanged = isChangedSince(conditions.get('if-modified-since'), object) === false
  return isUnchanged ? 'If-Modified-Since' : undefined
}
