import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { S3Error } from '../../lib/s3/error.ts'
import {
  meet,
  never,
  onEach,
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
const half = `${OK}content-length: 10\r\n\r\nhalf`
const empty = `${OK}content-length: 0\r\n\r\n`

const unavailable = { name: 'S3Error', code: 'UpstreamUnavailable' }
const timedOut = { name: 'S3Error', code: 'UpstreamTimeout' }

/** Reads requests, and never answers. */
const mute = async (wire: Wire): Promise<void> => {
  await wire.request()
}

onEach(t, 'an answer before the body was sent is passed on', async (t, kind) => {
  const { upstream, ask } = await meet(t, kind, async wire => {
    await wire.head()
    wire.write('HTTP/1.1 413 Too Large\r\ncontent-length: 3\r\n\r\nbig')
  })
  const endless = async function* () {
    for (;;) {
      yield Buffer.alloc(1000)
      await sleep(1)
    }
  }
  const body = streamBody(endless(), 1_000_000_000)
  const answer = await ask({ method: 'PUT', body })
  t.equal(answer.status, 413)
  t.equal(await textOf(answer.body), 'big')
  await until(() => upstream.wires[0]?.socket.destroyed ?? false)
  t.notOk(body.wire.destroyed, 'the client must still get its answer')
  body.wire.destroy()
})

onEach(t, 'a refused body is cut before its last byte', async (t, kind) => {
  const { upstream, ask } = await meet(t, kind, mute)
  const refusal = new S3Error('BadDigest')
  const refuse = (): Buffer[] => {
    throw refusal
  }
  const keep = (chunk: Buffer): Buffer[] => [chunk]
  for (const filter of [
    { push: keep, end: refuse },
    { push: refuse, end: refuse },
  ]) {
    const body = { ...streamBody(['ab', 'cd'], 5), filter }
    await t.rejects(ask({ method: 'PUT', body }), refusal)
  }
  for (const wire of upstream.wires) t.notMatch(wire.received, /\r\n\r\n.{5}/s)
})

onEach(t, 'a client that breaks off, or sends too little or too much, is told', async (t, kind) => {
  const { upstream, ask } = await meet(t, kind, mute)
  const broken = async function* () {
    yield 'ab'
    throw new Error('ECONNRESET')
  }
  const gone = streamBody(['ab', 'cde'], 5)
  gone.wire.destroy()
  for (const body of [
    streamBody(broken(), 5),
    streamBody(['ab'], 5),
    streamBody(['ab', 'cdef'], 5),
    gone,
  ]) {
    const incomplete = { name: 'S3Error', code: 'IncompleteBody' }
    await t.rejects(ask({ method: 'PUT', body }), incomplete)
  }
  for (const wire of upstream.wires) t.notMatch(wire.received, /\r\n\r\n.{5}/s)
})

onEach(t, 'an upstream that is silent is given up in time', async (t, kind) => {
  const silent = await startWireUpstream(t, async () => undefined)
  const timeouts = { connect: 300, firstByte: 300, idle: 300 }
  const noTls = upstreamAt(`https://127.0.0.1:${silent.port}`, { timeouts })
  const noAnswer = upstreamAt(silent.endpoint, { timeouts })
  for (const at of [noTls, noAnswer])
    await t.rejects(openTransport(t, kind, at).send(requestTo(at), never()), timedOut)
  const serveHalf = async (wire: Wire): Promise<void> => {
    await wire.request()
    wire.write(half)
  }
  const { upstream, ask } = await meet(t, kind, serveHalf, { timeouts })
  const answer = await ask()
  await t.rejects(textOf(answer.body), timedOut)
  await until(() => upstream.wires[0]?.socket.destroyed ?? false)
})

onEach(t, 'a slow client is not the upstream’s fault', async (t, kind) => {
  const timeouts = { idle: 300 }
  const serve = async (wire: Wire): Promise<void> => {
    await wire.request()
    wire.write(`${OK}content-length: 1000000\r\n\r\n${'x'.repeat(1_000_000)}`)
  }
  const { ask } = await meet(t, kind, serve, { timeouts })
  const slowly = async function* () {
    yield 'ab'
    await sleep(700)
    yield 'cd'
  }
  const answer = await ask({ method: 'PUT', body: streamBody(slowly(), 4) })
  await sleep(700)
  t.equal((await textOf(answer.body)).length, 1_000_000)
})

onEach(t, 'an upstream that is not there, or breaks off, is unavailable', async (t, kind) => {
  const script: Record<string, (wire: Wire) => void> = {
    '/nothing': wire => wire.socket.destroy(),
    '/reset': wire => wire.socket.resetAndDestroy(),
    '/head': wire => wire.socket.end(OK),
    '/garbage': wire => wire.write('SSH-2.0-OpenSSH_9.2\r\n\r\n'),
  }
  const { ask } = await meet(t, kind, async wire => {
    const request = await wire.request()
    script[request?.split(' ')[1] ?? '']?.(wire)
  })
  for (const target of Object.keys(script)) await t.rejects(ask({ target }), unavailable, target)
  const nowhere = upstreamAt('http://127.0.0.1:1')
  await t.rejects(openTransport(t, kind, nowhere).send(requestTo(nowhere), never()), unavailable)
})

onEach(t, 'an upstream that nobody configured is a fault of ours', async (t, kind) => {
  const here = upstreamAt('http://127.0.0.1:1')
  const elsewhere = upstreamAt('http://127.0.0.1:1', { name: 'other' })
  const sent = openTransport(t, kind, here).send(requestTo(elsewhere), never())
  await t.rejects(sent, { message: 'no pool for upstream other' })
})

onEach(t, 'whoever reads a body that breaks off is told, and nobody else', async (t, kind) => {
  const { ask } = await meet(t, kind, async wire => {
    await wire.request()
    wire.socket.end(half)
  })
  await t.rejects(textOf((await ask()).body), unavailable)
  const late = await ask()
  await until(() => late.body.destroyed)
  await t.rejects(textOf(late.body), unavailable)
})

onEach(t, 'what may be repeated survives a dead pooled connection', async (t, kind) => {
  const { upstream, read } = await meet(t, kind, async wire => {
    await wire.request()
    wire.write(empty)
    await wire.head()
    wire.socket.resetAndDestroy()
  })
  for (let i = 0; i < 4; i += 1) {
    t.equal(await read(), '')
    await sleep(5)
  }
  t.equal(upstream.wires.length, 4)
  await t.rejects(read({ repeatable: false }), unavailable)
  t.equal(upstream.wires.length, 4)
})

onEach(t, 'a body of which a byte is gone is not sent twice', async (t, kind) => {
  const { upstream, read } = await meet(t, kind, async wire => {
    await wire.request()
    wire.write(empty)
    await wire.head()
    wire.socket.resetAndDestroy()
  })
  await read()
  await sleep(5)
  const body = streamBody(['ab', 'cd'], 4)
  await t.rejects(read({ method: 'PUT', body }), { name: 'S3Error' })
  t.equal(upstream.wires.length, 1)
})

onEach(t, 'whoever goes away lets go of the connection, at any stage', async (t, kind) => {
  const served: Wire[] = []
  const { ask } = await meet(t, kind, async wire => {
    const request = await wire.request()
    if (request === undefined) return
    served.push(wire)
    if (request.includes('/half')) wire.write(half)
  })
  const letGo = (count: number): Promise<void> =>
    until(() => served.length === count && served.every(({ socket }) => socket.destroyed))
  await t.rejects(ask({}, AbortSignal.abort(new Error('gone'))), unavailable)
  t.equal(served.length, 0)

  const waiting = new AbortController()
  const sent = ask({}, waiting.signal)
  await until(() => served.length === 1)
  waiting.abort(new Error('gone'))
  await t.rejects(sent, unavailable)
  await letGo(1)

  const reading = new AbortController()
  const { body } = await ask({ target: '/half' }, reading.signal)
  reading.abort(new Error('gone'))
  await t.rejects(textOf(body), unavailable)
  await letGo(2)

  const unwanted = await ask({ target: '/half' })
  unwanted.body.destroy()
  await letGo(3)
})
