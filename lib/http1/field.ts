import { MessageFault } from './fault.ts'

/** Where a message's body ends. RFC 9112 §6.3 */
export type Framing =
  | { readonly kind: 'length'; readonly length: number }
  | { readonly kind: 'chunked' }
  | { readonly kind: 'until-close' }

/** A token, a colon at once, and no control character but the tab: RFC 9112 §5, RFC 9110 §5.5. */
const FIELD_LINE = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+:[\t\x20-\x7e\x80-\xff]*$/

const isSpace = (text: string, at: number): boolean => text[at] === ' ' || text[at] === '\t'

// String.trim would take U+00A0 too, which in latin1 may be one byte of a UTF-8 character.
export const trimSpace = (text: string): string => {
  let from = 0
  let to = text.length
  while (from < to && isSpace(text, from)) from += 1
  while (to > from && isSpace(text, to - 1)) to -= 1
  return text.slice(from, to)
}

/**
 * Splits a field line in name and value. A folded line, a name with a space, a bare CR or LF and NUL are all refused:
 * readers disagree on them, and smuggling lives off that.
 *
 * @throws {MessageFault}
 */
export const parseField = (line: string): readonly [name: string, value: string] => {
  if (!FIELD_LINE.test(line)) throw new MessageFault('malformed header line')
  const colon = line.indexOf(':')
  return [line.slice(0, colon), trimSpace(line.slice(colon + 1))]
}

const LENGTH = /^\d{1,16}$/

/** @throws {MessageFault} when it is none, or more than a number holds */
export const parseLength = (text: string): number => {
  const length = LENGTH.test(text) ? Number(text) : Number.NaN
  if (!Number.isSafeInteger(length)) throw new MessageFault('malformed Content-Length')
  return length
}
