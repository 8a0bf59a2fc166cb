import { once } from 'node:events'
import { type AddressInfo, connect, createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { TLSSocket } from 'node:tls'
import t from 'tap'
import { Addresses } from '../../lib/transport/raw/addresses.ts'
import { Connection } from '../../lib/transport/raw/connection.ts'
import { ConnectionPool } from '../../lib/transport/raw/connection-pool.ts'
import { createRawTransport } from '../../lib/transport/raw/raw.ts'
import { createCertificate } from '../support/certificate.ts'
import {
  meet,
  never,
  type Overrides,
  openTransport,
  requestTo,
  startWireUpstream,
  streamBody,
  textOf,
  until,
  upstreamAt,
  type Wire,
} from './stage.ts'

const OK = 'HTTP/1.1 200 OK\r\n'
const empty = `${OK}content-length: 0\r\n\r\n`
const numbered = ({ number }: Wire): string => `${OK}content-length: 1\r\n\r\n${number}`

const unavailable = { name: 'S3Error', code: 'UpstreamUnavailable' }
const timedOut = { name: 'S3Error', code: 'UpstreamTimeout' }

const raw = (
  t: Parameters<typeof meet>[0],
  serve: (wire: Wire) => Promise<void>,
  overrides?: Overrides,
) => meet(t, 'raw', serve, overrides)

/** Answers the first request of a connection as told, and closes nothing. */
const answering =
  (answer: string) =>
  async (wire: Wire): Promise<void> => {
    await wire.head()
    wire.write(answer)
  }

t.test('one connection carries many requests, one after the other', async t => {
  const { upstream, read } = await raw(t, wire => wire.answerAll(numbered(wire)))
  for (let i = 0; i < 5; i += 1) t.equal(await read(), '1')
  t.equal(upstream.wires.length, 1)
})

t.test('the connection used last is used next', async t => {
  const { upstream, read } = await raw(t, wire => wire.answerAll(numbered(wire)))
  const both = await Promise.all([read(), read()])
  t.strictSame(both.sort(), ['1', '2'])
  const next = await read()
  for (let i = 0; i < 3; i += 1) t.equal(await read(), next)
  t.equal(upstream.wires.length, 2)
})

t.test('head and begin of a body leave together', async t => {
  const pieces: string[] = []
  const { read } = await raw(t, async wire => {
    wire.socket.on('data', piece => pieces.push(piece.toString()))
    await wire.answerAll(empty)
  })
  const body = streamBody(['ab', 'cd'], 4)
  await once(body.wire, 'readable')
  await read({ method: 'PUT', body })
  t.equal(pieces.length, 1)
  t.match(pieces[0], /^PUT .*abcd$/s)
})

t.test('bytes on an idle connection are nobody’s answer', async t => {
  const stray = `${OK}content-length: 5\r\n\r\nstray`
  const { upstream, read } = await raw(t, wire => wire.answerAll(numbered(wire)))
  t.equal(await read(), '1')
  upstream.wires[0]?.write(stray)
  await until(() => upstream.open() === 0)
  t.equal(await read(), '2')
})

t.test('bytes behind an answer end its connection', async t => {
  const { upstream, read } = await raw(t, async wire => {
    await wire.request()
    wire.write(`${numbered(wire)}${OK}content-length: 5\r\n\r\nstray`)
  })
  t.equal(await read(), '1')
  t.equal(await read(), '2')
  await until(() => upstream.open() === 0)
})

t.test('an idle connection is kept as long as its upstream says', async t => {
  const kept = `${OK}keep-alive: timeout=2\r\ncontent-length: 0\r\n\r\n`
  const { upstream, read } = await raw(t, wire => wire.answerAll(kept))
  await read()
  await sleep(500)
  await read()
  t.equal(upstream.wires.length, 1)
  await sleep(1300)
  t.equal(upstream.open(), 0)
})

t.test('100 Continue is no answer, even when nobody asked for it', async t => {
  const { read } = await raw(
    t,
    answering(`HTTP/1.1 100 Continue\r\n\r\n${OK}content-length: 1\r\n\r\na`),
  )
  t.equal(await read(), 'a')
})

t.test('the end of a connection ends an error document, but no object', async t => {
  const closing =
    (status: number) =>
    async (wire: Wire): Promise<void> => {
      await wire.request()
      wire.socket.end(`HTTP/1.0 ${status} Something\r\n\r\n<html>`)
    }
  const failed = await raw(t, closing(503))
  t.equal(await failed.read(), '<html>')
  const object = await raw(t, closing(200))
  await t.rejects(object.ask(), unavailable)
  const reset = await raw(t, async wire => {
    await wire.request()
    wire.write('HTTP/1.0 503 Something\r\n\r\n<html>')
    await sleep(50)
    wire.socket.resetAndDestroy()
  })
  await t.rejects(reset.read(), unavailable)
})

t.test(
  'an answer that could be read in two ways is refused, and its connection closed',
  async t => {
    for (const answer of [
      `${OK}content-length: 1\r\ncontent-length: 2\r\n\r\nab`,
      `${OK}content-length: 3\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`,
      'HTTP/1.1 200 OK\ncontent-length: 0\n\n',
      `${OK}a: b\r\n c\r\ncontent-length: 0\r\n\r\n`,
      `${OK}a: ${'b'.repeat(70_000)}\r\n\r\n`,
    ]) {
      const { upstream, ask } = await raw(t, answering(answer))
      await t.rejects(ask(), unavailable, answer.slice(0, 80))
      await until(() => upstream.open() === 0)
    }
    const { upstream, read } = await raw(
      t,
      answering(`${OK}transfer-encoding: chunked\r\n\r\n1\r\na\r\n-1\r\n`),
    )
    await t.rejects(read(), unavailable)
    await until(() => upstream.open() === 0)
  },
)

t.test('a success before the body was sent is not believed', async t => {
  const { upstream, ask } = await raw(t, answering(empty))
  const slow = async function* () {
    yield 'ab'
    await sleep(500)
    yield 'cd'
  }
  await t.rejects(ask({ method: 'PUT', body: streamBody(slow(), 4) }), unavailable)
  await until(() => upstream.open() === 0)
})

t.test('an upstream that takes no body is given up in time', async t => {
  const timeouts = { idle: 200 }
  const { ask } = await raw(t, async wire => void wire.socket.pause(), { timeouts })
  const much = Array.from({ length: 200 }, () => Buffer.alloc(100_000))
  const sent = ask({ method: 'PUT', body: streamBody(much, 20_000_000) })
  await t.rejects(sent, timedOut)
})

t.test('a document is sent again over a live connection', async t => {
  const { upstream, read } = await raw(t, async wire => {
    const first = await wire.request()
    wire.write(`${OK}content-length: ${first?.length}\r\n\r\n${first}`)
    await wire.head()
    wire.socket.resetAndDestroy()
  })
  const body = { kind: 'bytes', bytes: Buffer.from('<Delete/>') } as const
  await read()
  t.match(await read({ method: 'POST', body }), /<Delete\/>$/)
  t.equal(upstream.wires.length, 2)
})

t.test('a dead pooled connection takes the other idle ones with it', async t => {
  const { upstream, read } = await raw(t, async wire => {
    await wire.request()
    wire.write(empty)
    await wire.head()
    wire.socket.resetAndDestroy()
  })
  await Promise.all([read(), read(), read()])
  t.equal(upstream.wires.length, 3)
  await read()
  t.equal(upstream.wires.length, 4)
  await until(() => upstream.open() === 1)
})

t.test('who waits for a connection may go away, or gets the place of one that closed', async t => {
  const { upstream, ask, read } = await raw(t, async wire => wire.answerAll(numbered(wire)), {
    connections: 1,
  })
  const { body } = await ask()
  const gone = new AbortController()
  const first = ask({}, gone.signal)
  const second = read()
  t.rejects(ask({}, AbortSignal.abort(new Error('gone'))), unavailable)
  gone.abort(new Error('gone'))
  await t.rejects(first, unavailable)
  upstream.wires[0]?.socket.destroy()
  t.equal(await textOf(body), '1')
  t.match(await second, /^[12]$/)
})

t.test('connections spread over all addresses, and go round the dead ones', async t => {
  const reached: string[] = []
  const listen = async (host: string, port: number): Promise<number> => {
    const server = createServer(socket => {
      reached.push(host)
      socket.on('error', () => socket.destroy())
      socket.on('data', () => socket.end(`${OK}connection: close\r\ncontent-length: 0\r\n\r\n`))
    })
    server.listen(port, host)
    await once(server, 'listening')
    t.teardown(() => server.close())
    return (server.address() as AddressInfo).port
  }
  const port = await listen('127.0.0.2', 0)
  await listen('127.0.0.3', port)
  const at = upstreamAt(`http://storage.example:${port}`)
  const lookup = async (): Promise<readonly string[]> => ['127.0.0.2', '127.0.0.3', '127.0.0.4']
  const transport = createRawTransport([at], { lookup })
  t.teardown(() => transport.close())
  for (let i = 0; i < 12; i += 1) await textOf((await transport.send(requestTo(at), never())).body)
  const count = (host: string): number => reached.filter(each => each === host).length
  t.equal(reached.length, 12)
  t.ok(count('127.0.0.2') >= 4 && count('127.0.0.3') >= 4, reached.join())
})

t.test('an address that is gone is forgotten, and one that failed is asked last', async t => {
  let found = ['127.0.0.2', '127.0.0.3']
  const addresses = new Addresses('storage.example', async () => found)
  addresses.failed('127.0.0.2')
  for (let i = 0; i < 3; i += 1) t.strictSame(await addresses.inTurn(), ['127.0.0.3', '127.0.0.2'])
  found = ['127.0.0.3']
  await addresses.inTurn()
  found = ['127.0.0.2', '127.0.0.3']
  t.strictSame(await addresses.inTurn(), ['127.0.0.2', '127.0.0.3'])
})

t.test('a name without an address, or an answer, is unavailable', async t => {
  const at = upstreamAt('http://storage.example', { timeouts: { connect: 100 } })
  const cases: readonly (readonly [() => Promise<readonly string[]>, typeof unavailable])[] = [
    [async () => [], unavailable],
    [() => Promise.reject(new Error('ENOTFOUND')), unavailable],
    [() => new Promise(() => undefined), timedOut],
  ]
  for (const [lookup, fault] of cases) {
    const transport = createRawTransport([at], { lookup })
    t.teardown(() => transport.close())
    await t.rejects(transport.send(requestTo(at), never()), fault)
  }
})

t.test('an endpoint that is an address is not looked up', async t => {
  const lookup = (): Promise<never> => Promise.reject(new Error('looked up'))
  for (const endpoint of ['http://127.0.0.1:1', 'http://[::1]:1']) {
    const at = upstreamAt(endpoint)
    const transport = createRawTransport([at], { lookup })
    t.teardown(() => transport.close())
    const sent = transport.send(requestTo(at), never())
    await t.rejects(sent, { ...unavailable, cause: { syscall: 'connect' } }, endpoint)
  }
})

t.test('who goes away while the connection is opened leaves nothing behind', async t => {
  const silent = await startWireUpstream(t, async () => undefined)
  const at = upstreamAt(`https://127.0.0.1:${silent.port}`)
  const gone = new AbortController()
  const sent = openTransport(t, 'raw', at).send(requestTo(at), gone.signal)
  await until(() => silent.open() === 1)
  gone.abort(new Error('gone'))
  await t.rejects(sent, unavailable)
  await until(() => silent.open() === 0)
})

t.test('a connection that closes while it is handed over leaves its place', async t => {
  const silent = await startWireUpstream(t, async () => undefined)
  const dial = async (): Promise<Connection> => {
    const connection = new Connection(() => connect(silent.port, '127.0.0.1'), false)
    connection.destroy()
    await once(connection.socket, 'close')
    return connection
  }
  const pool = new ConnectionPool(dial, 1)
  await t.rejects(pool.acquire(never()), unavailable)
  await t.rejects(pool.acquire(never()), unavailable)
  await pool.close()
})

t.test('TLS sessions are resumed', async t => {
  const certificate = createCertificate('localhost', '127.0.0.1')
  const resumed: boolean[] = []
  const serve = async (wire: Wire): Promise<void> => {
    if (wire.socket instanceof TLSSocket) resumed.push(wire.socket.isSessionReused())
    await wire.answerAll(`${OK}connection: close\r\ncontent-length: 0\r\n\r\n`)
  }
  const upstream = await startWireUpstream(t, serve, certificate)
  for (const endpoint of [upstream.endpoint, `https://localhost:${upstream.port}`]) {
    const at = upstreamAt(endpoint, { ca: certificate.cert })
    const transport = openTransport(t, 'raw', at)
    for (let i = 0; i < 3; i += 1) {
      await textOf((await transport.send(requestTo(at), never())).body)
      await sleep(20)
    }
  }
  t.strictSame(resumed, [false, true, true, false, true, true])
})

t.test('a transport that closes lets exchanges under way end', async t => {
  let answer = (): void => undefined
  const upstream = await startWireUpstream(t, async wire => {
    await wire.request()
    answer = () => wire.write(numbered(wire))
  })
  const at = upstreamAt(upstream.endpoint)
  const transport = createRawTransport([at])
  const sent = transport.send(requestTo(at), never())
  await until(() => upstream.open() === 1)
  let isClosed = false
  const closed = transport.close().then(() => {
    isClosed = true
  })
  await sleep(50)
  t.notOk(isClosed)
  answer()
  t.equal(await textOf((await sent).body), '1')
  await closed
  await until(() => upstream.open() === 0)
})
