import fc from 'fast-check'
import t from 'tap'
import { MessageFault } from '../../lib/http1/fault.ts'
import { AnswerParser } from '../../lib/transport/raw/answer-parser.ts'
import { cut, fractions, oneByOne } from '../support/chunks.ts'

interface Read {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  readonly keepFor: number
  readonly hasEnded: boolean
  /** What came behind the answer. */
  readonly rest: string
}

/** What the parser makes of these chunks, and of a connection that is closed behind them. */
const read = (chunks: readonly Buffer[], method = 'GET', isClosed = false): Read => {
  const told = { status: 0, headers: {}, body: '', keepFor: -1, ends: 0 }
  const parser = new AnswerParser(method, {
    head: ({ status, headers, keepFor }) =>
      Object.assign(told, { status, headers: Object.fromEntries(headers), keepFor }),
    body: bytes => {
      told.body += bytes.toString('latin1')
    },
    end: () => {
      told.ends += 1
    },
  })
  let rest = ''
  for (const chunk of chunks) {
    const length = parser.hasEnded ? 0 : parser.parse(chunk)
    rest += chunk.toString('latin1', length)
  }
  if (isClosed) parser.close()
  const { status, headers, body, keepFor, ends } = told
  return { status, headers, body, keepFor, hasEnded: ends === 1 && parser.hasEnded, rest }
}

const latin1 = (text: string): Buffer => Buffer.from(text, 'latin1')

interface Expected {
  readonly method?: string
  readonly isClosed?: boolean
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  readonly keepFor?: number
  readonly rest?: string
}

const OK = 'HTTP/1.1 200 OK\r\n'
const CHUNKED = `${OK}transfer-encoding: chunked\r\n\r\n`

const ANSWERS: readonly (readonly [name: string, wire: string, expected: Expected])[] = [
  ['a body with a length', `${OK}Content-Length: 5\r\n\r\nhello`, { body: 'hello', keepFor: 4000 }],
  ['an empty body', `${OK}content-length: 0\r\n\r\n`, { headers: { 'content-length': '0' } }],
  ['bytes behind a body', `${OK}content-length: 2\r\n\r\nabHTTP`, { body: 'ab', rest: 'HTTP' }],
  ['chunks', `${CHUNKED}5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n`, { body: 'hello world' }],
  ['a chunk that holds line ends', `${CHUNKED}4\r\n\r\n\r\n\r\n0\r\n\r\n`, { body: '\r\n\r\n' }],
  ['chunk sizes in any case', `${CHUNKED}0A\r\n0123456789\r\n000\r\n\r\n`, { body: '0123456789' }],
  ['chunk extensions', `${CHUNKED}2;a=b;c\r\nab\r\n0;d\r\n\r\n`, { body: 'ab' }],
  ['trailers', `${CHUNKED}2\r\nab\r\n0\r\nx-a: 1\r\nx-b:\r\n\r\n`, { body: 'ab' }],
  ['bytes behind chunks', `${CHUNKED}0\r\n\r\nX`, { rest: 'X' }],
  [
    'HEAD',
    `${OK}content-length: 5\r\n\r\n`,
    { method: 'HEAD', headers: { 'content-length': '5' } },
  ],
  ['HEAD with chunks', CHUNKED, { method: 'HEAD' }],
  ['HEAD without a length', `${OK}\r\n`, { method: 'HEAD', keepFor: 4000 }],
  ['204', 'HTTP/1.1 204 No Content\r\n\r\n', { status: 204, keepFor: 4000 }],
  ['304', 'HTTP/1.1 304 Not Modified\r\ncontent-length: 5\r\n\r\n', { status: 304 }],
  ['no reason', 'HTTP/1.1 200\r\ncontent-length: 1\r\n\r\na', { body: 'a' }],
  ['an empty reason', 'HTTP/1.1 200 \r\ncontent-length: 1\r\n\r\na', { body: 'a' }],
  [
    'interim answers',
    `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n${OK}content-length: 1\r\n\r\na`,
    { headers: { 'content-length': '1' }, body: 'a' },
  ],
  [
    'repeated headers, spaces around values and octets as they are',
    `${OK}a:1\r\nA: \t2 3 \t\r\nb: \xa0\xc3\xa9\xa0\r\nc:\r\ncontent-length:0\r\n\r\n`,
    { headers: { a: '1,2 3', b: '\xa0\xc3\xa9\xa0', c: '', 'content-length': '0' } },
  ],
  ['Connection: close', `${OK}Connection: x, Close\r\ncontent-length: 0\r\n\r\n`, { keepFor: 0 }],
  [
    'Keep-Alive with a time',
    `${OK}keep-alive: timeout=30, max=9\r\ncontent-length: 0\r\n\r\n`,
    { keepFor: 29_000 },
  ],
  [
    'Keep-Alive with a long time',
    `${OK}keep-alive: max=9,timeout=3600\r\ncontent-length: 0\r\n\r\n`,
    { keepFor: 60_000 },
  ],
  [
    'Keep-Alive with a time that is over',
    `${OK}keep-alive: timeout=1\r\ncontent-length: 0\r\n\r\n`,
    { keepFor: 0 },
  ],
  ['HTTP/1.0', 'HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\nab', { body: 'ab', keepFor: 0 }],
  [
    'an error document up to the end of the connection',
    'HTTP/1.0 503 No\r\n\r\n<html>',
    { isClosed: true, status: 503, body: '<html>', keepFor: 0 },
  ],
]

t.test('answers are read the same however they are cut', async t => {
  for (const [name, wire, expected] of ANSWERS) {
    const { method = 'GET', isClosed = false, ...rest } = expected
    const bytes = latin1(wire)
    const whole = read([bytes], method, isClosed)
    t.match(whole, { status: 200, body: '', rest: '', hasEnded: true, ...rest }, name)
    if (expected.headers) t.strictSame(whole.headers, expected.headers, name)
    t.strictSame(read(oneByOne(bytes), method, isClosed), whole, `${name}, byte by byte`)
    fc.assert(
      fc.property(fractions, places => {
        t.strictSame(read(cut(bytes, places), method, isClosed), whole)
      }),
      { numRuns: 20 },
    )
  }
})

t.test('bodies of any bytes come through any chunks', async t => {
  const parts = fc.array(fc.uint8Array({ minLength: 1, maxLength: 300 }), { maxLength: 8 })
  const property = fc.property(parts, fractions, (chunks, places) => {
    const body = chunks.map(chunk => Buffer.from(chunk).toString('latin1'))
    const framed = body.map(chunk => `${chunk.length.toString(16)}\r\n${chunk}\r\n`).join('')
    const chunked = read(cut(latin1(`${CHUNKED}${framed}0\r\n\r\n`), places))
    const long = `${OK}content-length: ${body.join('').length}\r\n\r\n${body.join('')}`
    const counted = read(cut(latin1(long), places))
    for (const each of [chunked, counted]) t.match(each, { hasEnded: true, body: body.join('') })
  })
  fc.assert(property, { numRuns: 200 })
})

const REFUSED: readonly (readonly [name: string, wire: string, method?: string])[] = [
  ['two lengths', `${OK}content-length: 1\r\ncontent-length: 2\r\n\r\nab`],
  ['one length twice', `${OK}content-length: 1\r\ncontent-length: 1\r\n\r\na`],
  ['a list of lengths', `${OK}content-length: 1, 1\r\n\r\na`],
  ['both framings', `${OK}content-length: 1\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`],
  [
    'both framings for HEAD',
    `${OK}transfer-encoding: chunked\r\ncontent-length: 1\r\n\r\n`,
    'HEAD',
  ],
  ['a negative length', `${OK}content-length: -1\r\n\r\n`],
  ['a signed length', `${OK}content-length: +1\r\n\r\na`],
  ['a length in hex', `${OK}content-length: 0x1\r\n\r\na`],
  ['an empty length', `${OK}content-length:\r\n\r\n`],
  ['a length that no number holds', `${OK}content-length: 9007199254740993\r\n\r\n`],
  ['a length that is absurd', `${OK}content-length: 99999999999999999999\r\n\r\n`],
  ['another coding', `${OK}transfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n`],
  ['chunked twice', `${OK}transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\n`],
  ['a coding that looks like chunked', `${OK}transfer-encoding: \x0bchunked\r\n\r\n0\r\n\r\n`],
  ['chunks in HTTP/1.0', 'HTTP/1.0 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n'],
  ['bare LF behind the status line', 'HTTP/1.1 200 OK\ncontent-length: 0\r\n\r\n'],
  ['bare LF behind a header', `${OK}a: b\ncontent-length: 0\r\n\r\n`],
  ['bare LF at the head’s end', `${OK}content-length: 0\r\n\n`],
  ['bare LF everywhere', 'HTTP/1.1 200 OK\ncontent-length: 0\n\n'],
  ['LF before the answer', `\n${OK}content-length: 0\r\n\r\n`],
  ['CRLF before the answer', `\r\n${OK}content-length: 0\r\n\r\n`],
  ['bare CR in a header', `${OK}a: b\rc: d\r\ncontent-length: 0\r\n\r\n`],
  ['a folded line', `${OK}a: b\r\n c: d\r\ncontent-length: 0\r\n\r\n`],
  ['a folded line with a tab', `${OK}a: b\r\n\tc\r\ncontent-length: 0\r\n\r\n`],
  ['a fold before the first header', `${OK} a: b\r\ncontent-length: 0\r\n\r\n`],
  ['a space before the colon', `${OK}content-length : 0\r\n\r\n`],
  ['a space within a name', `${OK}content length: 0\r\n\r\n`],
  ['an empty name', `${OK}: 0\r\ncontent-length: 0\r\n\r\n`],
  ['no colon', `${OK}content-length\r\n\r\n`],
  ['NUL in a value', `${OK}a: b\0\r\ncontent-length: 0\r\n\r\n`],
  ['NUL in a name', `${OK}a\0: b\r\ncontent-length: 0\r\n\r\n`],
  ['DEL in a value', `${OK}a: \x7f\r\ncontent-length: 0\r\n\r\n`],
  ['octets in a name', `${OK}\xe9: b\r\ncontent-length: 0\r\n\r\n`],
  ['HTTP/2', 'HTTP/2.0 200 OK\r\ncontent-length: 0\r\n\r\n'],
  ['HTTP/1.2', 'HTTP/1.2 200 OK\r\ncontent-length: 0\r\n\r\n'],
  ['another protocol', 'ICY 200 OK\r\ncontent-length: 0\r\n\r\n'],
  ['a status of two digits', 'HTTP/1.1 20 OK\r\ncontent-length: 0\r\n\r\n'],
  ['a status of four digits', 'HTTP/1.1 2000 OK\r\ncontent-length: 0\r\n\r\n'],
  ['status 000', 'HTTP/1.1 000 OK\r\ncontent-length: 0\r\n\r\n'],
  ['status 600', 'HTTP/1.1 600 OK\r\ncontent-length: 0\r\n\r\n'],
  ['two spaces', 'HTTP/1.1  200 OK\r\ncontent-length: 0\r\n\r\n'],
  ['switching protocols', 'HTTP/1.1 101 Switching\r\nupgrade: h2c\r\n\r\n'],
  ['an interim answer with a length', 'HTTP/1.1 100 Continue\r\ncontent-length: 1\r\n\r\na'],
  ['an interim answer with chunks', 'HTTP/1.1 103 Hi\r\ntransfer-encoding: chunked\r\n\r\n'],
  ['an object without an end', `${OK}\r\nhalf`],
  ['a head over 64 KiB', `${OK}a: ${'b'.repeat(65_536)}\r\ncontent-length: 0\r\n\r\n`],
  ['interim answers without end', 'HTTP/1.1 100 Continue\r\n\r\n'.repeat(3000)],
  ['no chunk size', `${CHUNKED}\r\n`],
  ['a chunk size with a sign', `${CHUNKED}+1\r\na\r\n0\r\n\r\n`],
  ['a chunk size with 0x', `${CHUNKED}0x1\r\na\r\n0\r\n\r\n`],
  ['a chunk size with a space', `${CHUNKED}1 \r\na\r\n0\r\n\r\n`],
  ['a chunk size with a space before', `${CHUNKED} 1\r\na\r\n0\r\n\r\n`],
  ['a chunk size that is no number', `${CHUNKED}g\r\n`],
  ['a chunk size that no number holds', `${CHUNKED}ffffffffffffff\r\n`],
  ['a chunk size with bare LF', `${CHUNKED}1\na\r\n0\r\n\r\n`],
  ['a chunk size with bare CR', `${CHUNKED}1\ra\r\n`],
  ['a chunk extension without end', `${CHUNKED}1;${'a'.repeat(2000)}`],
  ['NUL in a chunk extension', `${CHUNKED}1;\0\r\na\r\n0\r\n\r\n`],
  ['a chunk that is longer', `${CHUNKED}1\r\nabc\r\n0\r\n\r\n`],
  ['a chunk that ends with bare LF', `${CHUNKED}1\r\na\n0\r\n\r\n`],
  ['a chunk that ends with LF CR', `${CHUNKED}1\r\na\n\r0\r\n\r\n`],
  ['trailers with bare LF', `${CHUNKED}0\r\na: b\n\r\n`],
  ['a malformed trailer', `${CHUNKED}0\r\na b\r\n\r\n`],
  ['trailers without end', `${CHUNKED}0\r\n${'a: b\r\n'.repeat(4000)}`],
]

t.test('what two readers could read in two ways is refused', async t => {
  for (const [name, wire, method] of REFUSED) {
    const bytes = latin1(wire)
    t.throws(() => read([bytes], method), MessageFault, name)
    if (bytes.length < 20_000)
      t.throws(() => read(oneByOne(bytes), method), MessageFault, `${name}, byte by byte`)
  }
})

t.test('a head of 64 KiB is taken, in one piece and in many', async t => {
  const rest = `${OK}content-length: 1\r\na: \r\n\r\n`
  const filled = (length: number): Buffer =>
    latin1(`${rest.replace('a: ', `a: ${'b'.repeat(length - rest.length)}`)}x`)
  const pieces = Array.from({ length: 99 }, (_, i) => i / 99)
  t.match(read([filled(65_536)]), { body: 'x', hasEnded: true })
  t.match(read(cut(filled(65_536), pieces)), { body: 'x', hasEnded: true })
  t.throws(() => read([filled(65_537)]), MessageFault)
  t.throws(() => read(cut(filled(65_537), pieces)), MessageFault)
})

t.test('an answer that breaks off is never complete', async t => {
  for (const [name, wire, { method, isClosed, rest = '' }] of ANSWERS) {
    if (isClosed) continue
    const bytes = latin1(wire)
    for (let length = 0; length < bytes.length - rest.length; length += 1) {
      const before = bytes.subarray(0, length)
      if (!read([before], method).hasEnded)
        t.throws(() => read([before], method, true), MessageFault, `${name}, ${length} bytes`)
      else t.fail(`${name} was complete after ${length} bytes`)
    }
  }
})

t.test('whatever comes, the parser ends, refuses or waits', async t => {
  const piece = fc.oneof(
    fc.constantFrom('\r\n', '\n', '\r', '0', '5', ';', ': ', ' ', '\0', 'hello', 'chunked', ','),
    fc.constantFrom(OK, 'HTTP/1.1 100 Continue\r\n\r\n', 'content-length', 'transfer-encoding'),
    fc.uint8Array({ maxLength: 5 }).map(bytes => Buffer.from(bytes).toString('latin1')),
  )
  const soup = fc.array(piece, { maxLength: 30 }).map(pieces => latin1(pieces.join('')))
  const outcomeOf = (chunks: readonly Buffer[]): unknown => {
    try {
      return read(chunks)
    } catch (fault) {
      return fault instanceof MessageFault ? 'refused' : fault
    }
  }
  const start = fc.constantFrom('', OK, CHUNKED, `${OK}content-length: 5\r\n\r\n`)
  const property = fc.property(start, soup, (first, rest) => {
    const bytes = Buffer.concat([latin1(first), rest])
    t.strictSame(outcomeOf(oneByOne(bytes)), outcomeOf([bytes]))
  })
  fc.assert(property, { numRuns: 3000 })
})
