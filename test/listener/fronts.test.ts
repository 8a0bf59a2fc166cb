import { once } from 'node:events'
import { type AddressInfo, connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { createFastFront } from '../../lib/listener/fast/fast-front.ts'
import { never } from '../../lib/listener/fast/read-into.ts'
import type { Front, FrontExchange, FrontOptions } from '../../lib/listener/front.ts'
import { createNodeFront } from '../../lib/listener/node-front.ts'
import { LIMITS } from '../support/proxy.ts'

/** Every front keeps the same rules, also on a Node that lacks what the fast one looks for. */
const FRONTS: Readonly<Record<string, (options: FrontOptions) => Front>> = {
  node: createNodeFront,
  fast: options => createFastFront(options),
  'fast, told of data by events': options => createFastFront(options, never),
}

interface Stage {
  /** Sends bytes, and gives what came until the connection was closed, or nothing more comes. */
  talk(...pieces: readonly string[]): Promise<string>
  /** Requests that the front let in: method, target and body. */
  readonly seen: string[]
}

/** Answers with what it got, or refuses it unread under `/refused`. */
const answerTo =
  (seen: string[]) =>
  async ({ request, answer, isContinueAsked }: FrontExchange): Promise<void> => {
    let body = ''
    try {
      if (isContinueAsked) answer.writeContinue()
      for await (const chunk of request.wire) body += String(chunk)
    } catch {
      seen.push(`${request.method} ${request.target} broken`)
      request.socket.destroy()
      return
    }
    seen.push(`${request.method} ${request.target} ${body}`)
    const length = request.target === '/chunks' ? [] : ['content-length', String(body.length)]
    answer.begin(200, ['content-type', 'text/plain', ...length])
    await answer.end(Buffer.from(body)).catch(() => undefined)
  }

const QUIET = 150

const openStage = async (t: Test, create: (options: FrontOptions) => Front): Promise<Stage> => {
  const seen: string[] = []
  const address = { kind: 'tcp', host: '127.0.0.1', port: 0, tls: undefined } as const
  const front = create({ address, limits: LIMITS, onExchange: answerTo(seen) })
  front.server.listen(0, '127.0.0.1')
  await once(front.server, 'listening')
  t.teardown(() => {
    front.server.close()
    front.closeAllConnections()
  })
  const { port } = front.server.address() as AddressInfo
  const talk = async (...pieces: readonly string[]): Promise<string> => {
    const socket = connect(port, '127.0.0.1')
    let text = ''
    socket.on('error', () => undefined)
    socket.on('data', chunk => {
      text += chunk.toString('latin1')
    })
    for (const piece of pieces) {
      socket.write(piece, 'latin1')
      await sleep(5)
    }
    const closed = once(socket, 'close')
    for (let before = -1; before !== text.length; ) {
      before = text.length
      await Promise.race([closed, sleep(QUIET)])
    }
    socket.destroy()
    return text
  }
  return { talk, seen }
}

const HOST = 'Host: h\r\n'

/** A request hidden where one reader finds it and another does not. */
const HIDDEN = `GET /hidden HTTP/1.1\r\n${HOST}\r\n`
const CHUNKED_HIDDEN = `0\r\n\r\n${HIDDEN}`

/** What smuggles requests past readers that disagree: all of it is refused, and the hidden request is never seen. */
const SMUGGLED: Readonly<Record<string, string>> = {
  'a length and chunks': `POST / HTTP/1.1\r\n${HOST}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n${CHUNKED_HIDDEN}`,
  'chunks and a length': `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n${CHUNKED_HIDDEN}`,
  'two lengths': `POST / HTTP/1.1\r\n${HOST}Content-Length: 0\r\nContent-Length: 44\r\n\r\n${HIDDEN}`,
  'one length twice': `POST / HTTP/1.1\r\n${HOST}Content-Length: 0\r\nContent-Length: 0\r\n\r\n${HIDDEN}`,
  'two lengths in one': `POST / HTTP/1.1\r\n${HOST}Content-Length: 0, 44\r\n\r\n${HIDDEN}`,
  'a signed length': `POST / HTTP/1.1\r\n${HOST}Content-Length: +0\r\n\r\n${HIDDEN}`,
  'a hexadecimal length': `POST / HTTP/1.1\r\n${HOST}Content-Length: 0x0\r\n\r\n${HIDDEN}`,
  'an empty length': `POST / HTTP/1.1\r\n${HOST}Content-Length:\r\n\r\n${HIDDEN}`,
  'a coding behind chunked': `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked, gzip\r\n\r\n${CHUNKED_HIDDEN}`,
  'a coding that only looks like chunked': `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: xchunked\r\n\r\n${CHUNKED_HIDDEN}`,
  'chunked behind a vertical tab': `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: \x0bchunked\r\n\r\n${CHUNKED_HIDDEN}`,
  'a space before the colon': `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding : chunked\r\n\r\n${CHUNKED_HIDDEN}`,
  'a name that begins with a space': `POST / HTTP/1.1\r\n Transfer-Encoding: chunked\r\n${HOST}\r\n${CHUNKED_HIDDEN}`,
  'NUL in a value': `GET / HTTP/1.1\r\n${HOST}X: a\0b\r\n\r\n${HIDDEN}`,
  'a bare carriage return in a value': `GET / HTTP/1.1\r\n${HOST}X: a\rContent-Length: 5\r\n\r\n${HIDDEN}`,
  'no Host': `GET / HTTP/1.1\r\nX: y\r\n\r\n${HIDDEN}`,
  'a size of chunk that is none': `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n0x0\r\n\r\n${HIDDEN}`,
  'a chunk that is longer than it says': `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n${CHUNKED_HIDDEN}`,
  'a length in a trailer': `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n0\r\nContent-Length: 5\r\n\r\n${HIDDEN}`,
  'another version': `GET / HTTP/3.1\r\n${HOST}\r\n${HIDDEN}`,
}

/** What our own front refuses beyond that. */
const STRICTLY_REFUSED: Readonly<Record<string, string>> = {
  'a folded line': `GET / HTTP/1.1\r\n${HOST}X: a\r\n b\r\n\r\n${HIDDEN}`,
  'bare line feeds': `GET / HTTP/1.1\nHost: h\n\n`,
  'two hosts': `GET / HTTP/1.1\r\n${HOST}${HOST}\r\n${HIDDEN}`,
  'chunks in HTTP/1.0': `POST / HTTP/1.0\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n${CHUNKED_HIDDEN}`,
  'a coding before chunked': `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: gzip, chunked\r\n\r\n${CHUNKED_HIDDEN}`,
}

const isRefused = (text: string): boolean => /^HTTP\/1\.1 400 /.test(text) || text === ''

for (const [name, create] of Object.entries(FRONTS)) {
  t.test(`${name}: what could be read in two ways is refused`, async t => {
    const { talk, seen } = await openStage(t, create)
    const wires = name === 'node' ? SMUGGLED : { ...SMUGGLED, ...STRICTLY_REFUSED }
    await Promise.all(
      Object.entries(wires).map(async ([what, wire]) => t.ok(isRefused(await talk(wire)), what)),
    )
    // Behind a request without a Host node:http reads on, though it answered that the connection is closed.
    const hidden = seen.filter(each => each.includes('hidden')).length
    t.ok(hidden <= (name === 'node' ? 1 : 0), 'what was hidden is not found')
  })

  t.test(`${name}: requests that come at once are answered one after the other`, async t => {
    const { talk, seen } = await openStage(t, create)
    const put = `PUT /a HTTP/1.1\r\n${HOST}Content-Length: 3\r\n\r\nabc`
    const get = `GET /b HTTP/1.1\r\n${HOST}\r\n`
    const chunks = `PUT /chunks HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n2\r\nde\r\n1;x=y\r\nf\r\n0\r\nX: y\r\n\r\n`
    const text = await talk(`${put}${get}\r\n${chunks}${get}`)
    const asked = ['PUT /a abc', 'GET /b ', 'PUT /chunks def', 'GET /b ']
    // node:http lets them all in at once, and keeps only the answers in order.
    if (name === 'node') t.strictSame(seen.sort(), asked.sort())
    else t.strictSame(seen, asked)
    t.equal(text.split('HTTP/1.1 200 OK').length, 5)
    t.match(text, /transfer-encoding: chunked[\s\S]*3\r\ndef\r\n0\r\n\r\n/i)
  })

  t.test(`${name}: a request comes in pieces of any size`, async t => {
    const { talk, seen } = await openStage(t, create)
    await talk(...`PUT /a HTTP/1.1\r\n${HOST}Content-Length: 3\r\n\r\nabc`)
    t.strictSame(seen, ['PUT /a abc'])
  })

  t.test(`${name}: a body is asked for when its client waits, and a HEAD has none`, async t => {
    const { talk, seen } = await openStage(t, create)
    const head = `PUT /a HTTP/1.1\r\n${HOST}Expect: 100-continue\r\nContent-Length: 3\r\n\r\n`
    t.match(await talk(head, 'abc'), /^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 OK/)
    t.strictSame(seen, ['PUT /a abc'])
    t.match(await talk(`HEAD /chunks HTTP/1.1\r\n${HOST}\r\n`), /\r\n\r\n$/)
  })

  t.test(`${name}: a connection ends where its client says so, and with HTTP/1.0`, async t => {
    const { talk, seen } = await openStage(t, create)
    const closing = `GET /a HTTP/1.1\r\n${HOST}Connection: close\r\n\r\n`
    t.match(await talk(closing + HIDDEN), /connection: close/i)
    t.match(await talk(`GET /chunks HTTP/1.0\r\n${HOST}\r\n${HIDDEN}`), /connection: close/i)
    t.strictSame(seen, ['GET /a ', 'GET /chunks '])
  })

  t.test(`${name}: a body that breaks off, or is malformed, is told to who reads it`, async t => {
    const { talk, seen } = await openStage(t, create)
    await talk(`PUT /a HTTP/1.1\r\n${HOST}Content-Length: 9\r\n\r\nabc`)
    await talk(`PUT /b HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n`, 'zz\r\n')
    await sleep(QUIET)
    t.strictSame(seen.sort(), ['PUT /a broken', 'PUT /b broken'])
  })
}
