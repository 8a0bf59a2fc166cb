import { METHODS } from 'node:http'
import { MessageFault } from '../../http1/fault.ts'
import { type Framing, parseField, parseLength } from '../../http1/field.ts'

/** Where a request's body ends: always known, RFC 9112 §6.3. */
export type RequestFraming = Exclude<Framing, { kind: 'until-close' }>

export interface RequestHead {
  readonly method: string
  readonly target: string
  /** Pairs `[name, value, name, value, …]` as received. */
  readonly rawHeaders: readonly string[]
  readonly framing: RequestFraming
  /** Whether the client speaks HTTP/1.0, which has no chunks and keeps no connection. */
  readonly isOld: boolean
  /** Whether the client takes further answers on the connection. */
  readonly isKept: boolean
  /** Whether the client waits to be asked for its body. */
  readonly expectsContinue: boolean
}

/** A space on each side and no more, and a target that no reader could end elsewhere: RFC 9112 §3. */
const REQUEST_LINE =
  /^([A-Z-]+) ((?:\/|[Hh][Tt][Tt][Pp][Ss]?:\/\/[\w.-]+(?::\d+)?(?:\/|(?= )))[\x21-\x7e]*|\*) HTTP\/1\.([01])$/

/** What node:http's parser knows, less what turns a connection into something else. */
const KNOWN: ReadonlySet<string> = new Set(METHODS.filter(method => method !== 'CONNECT'))

/** More fields than any client has; node:http drops what comes behind its two thousandth, we refuse it. */
const MOST_FIELDS = 1000

/** What decides where the request ends, or whom it is for: said twice, two readers could take one each. */
interface Deciding {
  length: string | undefined
  coding: string | undefined
  host: string | undefined
  expect: string | undefined
  connection: string
}

const only = (before: string | undefined, value: string): string => {
  if (before !== undefined) throw new MessageFault('a header that may stand once stands twice')
  return value
}

const note = (deciding: Deciding, name: string, value: string): void => {
  switch (name.toLowerCase()) {
    case 'content-length':
      deciding.length = only(deciding.length, value)
      break
    case 'transfer-encoding':
      deciding.coding = only(deciding.coding, value)
      break
    case 'host':
      deciding.host = only(deciding.host, value)
      break
    case 'expect':
      deciding.expect = only(deciding.expect, value)
      break
    case 'connection':
      deciding.connection += `,${value}`
      break
  }
}

const framingOf = ({ length, coding }: Deciding, isOld: boolean): RequestFraming => {
  if (coding === undefined)
    return { kind: 'length', length: length === undefined ? 0 : parseLength(length) }
  if (length !== undefined) throw new MessageFault('both Transfer-Encoding and Content-Length')
  if (isOld) throw new MessageFault('Transfer-Encoding in HTTP/1.0')
  if (coding.toLowerCase() !== 'chunked') throw new MessageFault('unknown Transfer-Encoding')
  return { kind: 'chunked' }
}

const expectsContinue = ({ expect }: Deciding): boolean => {
  if (expect === undefined) return false
  if (expect.toLowerCase() !== '100-continue') throw new MessageFault('unknown expectation')
  return true
}

const isClosing = ({ connection }: Deciding): boolean =>
  connection !== '' && /(?:^|,)[ \t]*close[ \t]*(?:,|$)/i.test(connection)

interface RequestLine {
  readonly method: string
  readonly target: string
  readonly isOld: boolean
}

const parseRequestLine = (line: string): RequestLine => {
  const [, method, target, minor] = REQUEST_LINE.exec(line) ?? []
  if (method === undefined || target === undefined) throw new MessageFault('malformed request line')
  if (!KNOWN.has(method)) throw new MessageFault('unknown method')
  return { method, target, isOld: minor === '0' }
}

const isFraming = (name: string): boolean => /^(?:content-length|transfer-encoding)$/i.test(name)

const parseFields = (lines: readonly string[], deciding: Deciding): string[] => {
  if (lines.length > MOST_FIELDS) throw new MessageFault('too many headers')
  const rawHeaders: string[] = []
  for (let at = 1; at < lines.length; at += 1) {
    const line = lines[at] ?? ''
    const [name, value] = parseField(line)
    rawHeaders.push(name, value)
    note(deciding, name, value)
    if (isFraming(name) && /[\t ]$/.test(line)) throw new MessageFault('space behind a framing')
  }
  return rawHeaders
}

/**
 * Parses a request's head, without the empty line at its end. Where two readers could understand different things, it
 * is refused: what smuggles requests lives off that.
 *
 * @param text the head's octets as latin1
 * @throws {MessageFault}
 */
export const parseRequestHead = (text: string): RequestHead => {
  // RFC 9112 §2.2: some clients send a line end behind the body before.
  const lines = (text.startsWith('\r\n') ? text.slice(2) : text).split('\r\n')
  const line = parseRequestLine(lines[0] ?? '')
  const deciding: Deciding = {
    length: undefined,
    coding: undefined,
    host: undefined,
    expect: undefined,
    connection: '',
  }
  const rawHeaders = parseFields(lines, deciding)
  if (deciding.host === undefined && !line.isOld) throw new MessageFault('no Host')
  return {
    ...line,
    rawHeaders,
    framing: framingOf(deciding, line.isOld),
    isKept: !line.isOld && !isClosing(deciding),
    expectsContinue: expectsContinue(deciding) && !line.isOld,
  }
}
