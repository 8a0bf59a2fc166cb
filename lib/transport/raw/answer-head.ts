import { MessageFault } from '../../http1/fault.ts'
import { type Framing, parseField, parseLength, trimSpace } from '../../http1/field.ts'
import { type Headers, headersFromRaw } from '../../s3/headers.ts'

export interface AnswerHead {
  readonly status: number
  readonly headers: Headers
  readonly framing: Framing
  /** Milliseconds that the connection may be kept for the next request; 0 when it may not. */
  readonly keepFor: number
}

/** The grammar is RFC 9112 §4's, but for the reason phrase's space, which some leave out with the phrase. */
const STATUS_LINE = /^HTTP\/1\.([01]) ([1-5]\d\d)(?: [\t\x20-\x7e\x80-\xff]*)?$/

/** Two lengths stand joined in `headers`, and so are no length: RFC 9112 §6.3, where it lets us choose, we refuse. */
const framingOf = (headers: Headers, minor: string): Framing => {
  const coding = headers.get('transfer-encoding')
  const length = headers.get('content-length')
  if (coding === undefined) {
    return length === undefined
      ? { kind: 'until-close' }
      : { kind: 'length', length: parseLength(length) }
  }
  if (length !== undefined) throw new MessageFault('both Transfer-Encoding and Content-Length')
  if (minor === '0') throw new MessageFault('Transfer-Encoding in HTTP/1.0')
  if (coding.toLowerCase() !== 'chunked') throw new MessageFault('unknown Transfer-Encoding')
  return { kind: 'chunked' }
}

const NO_BODY: Framing = { kind: 'length', length: 0 }

const bodyFraming = (status: number, method: string, framing: Framing): Framing => {
  if (status < 200) {
    if (framing.kind === 'until-close') return NO_BODY
    throw new MessageFault('an interim answer with a body')
  }
  if (method === 'HEAD' || status === 204 || status === 304) return NO_BODY
  // Half an error document harms nobody; half an object would be taken for a whole one.
  if (framing.kind === 'until-close' && status < 400)
    throw new MessageFault('neither Content-Length nor chunks: its end would look like a break')
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
 * @throws {MessageFault}
 */
export const parseAnswerHead = (text: string, method: string): AnswerHead => {
  const [first = '', ...lines] = text.split('\r\n')
  const [, minor, code] = STATUS_LINE.exec(first) ?? []
  if (minor === undefined || code === undefined) throw new MessageFault('malformed status line')
  const status = Number(code)
  if (status === 101) throw new MessageFault('switches to a protocol that nobody asked for')
  const raw: string[] = []
  for (const line of lines) raw.push(...parseField(line))
  const headers = headersFromRaw(raw)
  const framing = bodyFraming(status, method, framingOf(headers, minor))
  const isKept = minor === '1' && framing.kind !== 'until-close'
  return { status, headers, framing, keepFor: isKept ? keepFor(headers) : 0 }
}
