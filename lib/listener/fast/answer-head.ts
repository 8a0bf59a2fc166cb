import { STATUS_CODES } from 'node:http'

/** How a client finds the end of an answer's body. */
export type AnswerFraming = 'length' | 'chunked' | 'close' | 'none'

export interface AnswerHead {
  /** As it goes on the wire, in latin1. */
  readonly text: string
  readonly framing: AnswerFraming
  /** Whether the connection takes no further request. */
  readonly isLast: boolean
}

/** What the answer is to. */
export interface Asked {
  readonly method: string
  readonly isOld: boolean
  readonly isKept: boolean
}

const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/

/** RFC 9110 §6.6.1: to the second, so made once a second. */
const createDate = (): (() => string) => {
  let until = 0
  let text = ''
  return () => {
    const now = performance.timeOrigin + performance.now()
    if (now >= until) {
      until = now - (now % 1000) + 1000
      text = new Date(now).toUTCString()
    }
    return text
  }
}
const date = createDate()

const hasBody = (status: number, { method }: Asked): boolean =>
  method !== 'HEAD' && status !== 204 && status !== 304

const framingOf = (status: number, asked: Asked, hasLength: boolean): AnswerFraming => {
  if (!hasBody(status, asked)) return 'none'
  if (hasLength) return 'length'
  return asked.isOld ? 'close' : 'chunked'
}

interface Fields {
  readonly lines: string
  readonly hasLength: boolean
  readonly hasDate: boolean
  readonly closes: boolean
}

const writeFields = (headers: readonly string[]): Fields => {
  let [lines, values] = ['', '']
  let [hasLength, hasDate, closes] = [false, false, false]
  for (let at = 0; at + 1 < headers.length; at += 2) {
    const name = headers[at] ?? ''
    const value = headers[at + 1] ?? ''
    if (!TOKEN.test(name)) throw new Error('an answer with a malformed header')
    hasLength ||= name === 'content-length'
    hasDate ||= name === 'date'
    values += value
    if (name === 'connection') closes ||= value === 'close'
    else lines += `${name}: ${value}\r\n`
  }
  if (!VALUE.test(values)) throw new Error('an answer with a malformed header value')
  return { lines, hasLength, hasDate, closes }
}

/**
 * Writes an answer's head.
 *
 * @param headers pairs `[name, value, …]`, names in lower case
 * @param idleSeconds how long the connection is kept, which clients like to know
 * @throws {Error} when a line of it would not be one line
 */
export const composeHead = (
  status: number,
  headers: readonly string[],
  asked: Asked,
  idleSeconds: number,
): AnswerHead => {
  const { lines, hasLength, hasDate, closes } = writeFields(headers)
  const framing = framingOf(status, asked, hasLength)
  const isLast = closes || !asked.isKept || framing === 'close'
  const text = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n${lines}`,
    hasDate ? '' : `date: ${date()}\r\n`,
    framing === 'chunked' ? 'transfer-encoding: chunked\r\n' : '',
    isLast
      ? 'connection: close\r\n\r\n'
      : `connection: keep-alive\r\nkeep-alive: timeout=${idleSeconds}\r\n\r\n`,
  ]
  return { text: text.join(''), framing, isLast }
}
