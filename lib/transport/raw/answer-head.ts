import { type Headers, headersFromRaw } from '../../s3/headers.ts'

/** What an upstream said that is not the HTTP/1.1 we take. Told to the log alone. */
export class AnswerFault extends Error {
  override readonly name = 'AnswerFault'
}

/** Where an answer's body ends. RFC 9112 §6.3 */
export type Framing =
  | { readonly kind: 'length'; readonly length: number }
  | { readonly kind: 'chunked' }
  | { readonly kind: 'until-close' }

export interface AnswerHead {
  readonly status: number
  readonly headers: Headers
  readonly framing: Framing
  /** Milliseconds that the connection may be kept for the next request; 0 when it may not. */
  readonly keepFor: number
}

/** The grammar is RFC 9112 §4's, but for the reason phrase's space, which some leave out with the phrase. */
const STATUS_LINE = /^HTTP\/1\.([01]) ([1-5]\d\d)(?: [\t\x20-\x7e\x80-\xff]*)?$/

/** A token, a colon at once, and no control character but the tab: RFC 9112 §5, RFC 9110 §5.5. */
const FIELD_LINE = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+:[\t\x20-\x7e\x80-\xff]*$/

const isSpace = (text: string, at: number): boolean => text[at] === ' ' || text[at] === '\t'

// String.trim would take U+00A0 too, which in latin1 may be one byte of a UTF-8 character.
const trimSpace = (text: string): string => {
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
 * @throws {AnswerFault}
 */
export const parseField = (line: string): readonly [name: string, value: string] => {
  if (!FIELD_LINE.test(line)) throw new AnswerFault('malformed header line')
  const colon = line.indexOf(':')
  return [line.slice(0, colon), trimSpace(line.slice(colon + 1))]
}

const LENGTH = /^\d{1,16}$/

const parseLength = (text: string): number => {
  const length = LENGTH.test(text) ? Number(text) : Number.NaN
  if (!Number.isSafeInteger(length)) throw new AnswerFault('malformed Content-Length')
  return length
}

/** Two lengths stand joined in `headers`, and so are no length: RFC 9112 §6.3, where it lets us choose, we refuse. */
const framingOf = (headers: Headers, minor: string): Framing => {
  const coding = headers.get('transfer-encoding')
  const length = headers.get('content-length')
  if (coding === undefined) {
    return length === undefined
      ? { kind: 'until-close' }
      : { kind: 'length', length: parseLength(length) }
  }
  if (length !== undefined) throw new AnswerFault('both Transfer-Encoding and Content-Length')
  if (minor === '0') throw new AnswerFault('Transfer-Encoding in HTTP/1.0')
  if (coding.toLowerCase() !== 'chunked') throw new AnswerFault('unknown Transfer-Encoding')
  return { kind: 'chunked' }
}

const NO_BODY: Framing = { kind: 'length', length: 0 }

const bodyFraming = (status: number, method: string, framing: Framing): Framing => {
  if (status < 200) {
    if (framing.kind === 'until-close') return NO_BODY
    throw new AnswerFault('an interim answer with a body')
  }
  if (method === 'HEAD' || status === 204 || status === 304) return NO_BODY
  // Half an error document harms nobody; half an object would be taken for a whole one.
  if (framing.kind === 'until-close' && status < 400)
    throw new AnswerFault('neither Content-Length nor chunks: its end would look like a break')
  return framing
}

/** As undici: Node's own servers, for one, close an idle connection after five seconds. */
const KEPT_UNASKED = 4000
const KEPT_AT_MOST = 60_000
/** An upstream's own timer started before ours. */
const KEPT_LESS = 1000

const keepFor = (headers: Headers): number => {
  const options = headers.get('connection')?.toLowerCase().split(',').map(trimSpace)
  if (options?.includes('close')) return 0
  const keepAlive = headers.get('keep-alive')
  if (keepAlive === undefined) return KEPT_UNASKED
  const [, seconds] = /(?:^|[,; ])timeout=(\d{1,6})\b/i.exec(keepAlive) ?? []
  if (seconds === undefined) return KEPT_UNASKED
  return Math.max(0, Math.min(KEPT_AT_MOST, Number(seconds) * 1000 - KEPT_LESS))
}

/**
 * Parses an answer's head, without the empty line at its end.
 *
 * @param text the head's octets as latin1
 * @throws {AnswerFault}
 */
export const parseAnswerHead = (text: string, method: string): AnswerHead => {
  const [first = '', ...lines] = text.split('\r\n')
  const [, minor, code] = STATUS_LINE.exec(first) ?? []
  if (minor === undefined || code === undefined) throw new AnswerFault('malformed status line')
  const status = Number(code)
  if (status === 101) throw new AnswerFault('switches to a protocol that nobody asked for')
  const raw: string[] = []
  for (const line of lines) raw.push(...parseField(line))
  const headers = headersFromRaw(raw)
  const framing = bodyFraming(status, method, framingOf(headers, minor))
  const isKept = minor === '1' && framing.kind !== 'until-close'
  return { status, headers, framing, keepFor: isKept ? keepFor(headers) : 0 }
}
