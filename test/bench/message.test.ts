import t from 'tap'
import { createMessageReader, type Head } from '../../bench/ends/message.ts'

interface Seen {
  readonly startLine: string
  readonly host: string | undefined
  readonly body: string
}

const readAll = (pieces: readonly Buffer[]): readonly Seen[] => {
  const seen: Seen[] = []
  let body = ''
  const read = createMessageReader({
    head: () => {
      body = ''
    },
    body: chunk => {
      body += chunk.toString()
    },
    end: ({ startLine, headers }: Head) => {
      seen.push({ startLine, host: headers.get('host'), body })
    },
  })
  for (const piece of pieces) read(piece)
  return seen
}

const TWO = Buffer.from(
  'PUT /a HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhelloGET /b HTTP/1.1\r\nhost:y\r\n\r\n',
)
const SEEN: readonly Seen[] = [
  { startLine: 'PUT /a HTTP/1.1', host: 'x', body: 'hello' },
  { startLine: 'GET /b HTTP/1.1', host: 'y', body: '' },
]

t.test('messages are cut at their lengths, wherever the pieces end', async t => {
  t.strictSame(readAll([TWO]), SEEN)
  for (let at = 1; at < TWO.length; at++) {
    t.strictSame(readAll([TWO.subarray(0, at), TWO.subarray(at)]), SEEN, `cut at ${at}`)
  }
  t.strictSame(readAll([...TWO].map(byte => Buffer.from([byte]))), SEEN, 'byte by byte')
})

t.test('an unfinished head survives that its memory is read into again', async t => {
  const seen: string[] = []
  const read = createMessageReader({
    head: ({ startLine }) => seen.push(startLine),
    body: () => {},
    end: () => {},
  })
  const memory = Buffer.from('GET /a HT')
  read(memory)
  memory.fill('x')
  read(Buffer.from('TP/1.1\r\n\r\n'))
  t.strictSame(seen, ['GET /a HTTP/1.1'])
})

t.test('a chunked message is a fault of the proxy', async t => {
  const chunked = Buffer.from('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n')
  t.throws(() => readAll([chunked]), { message: /no Content-Length/ })
})
