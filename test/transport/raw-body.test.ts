import { PassThrough } from 'node:stream'
import t from 'tap'
import { RawBody } from '../../lib/transport/raw/raw-body.ts'
import { SpoilingPool } from './spoiling-pool.ts'
import { textOf } from './stage.ts'

const open = () => {
  const state = { cancelled: 0, resumed: 0 }
  const source = {
    isTls: false,
    resume: () => {
      state.resumed += 1
    },
    cancel: () => {
      state.cancelled += 1
    },
  }
  return { state, body: new RawBody(source, new SpoilingPool()) }
}

t.test('a body that is there already is written in one piece', async t => {
  for (const pieces of [[], ['ab', 'cd']]) {
    const { body, state } = open()
    for (const piece of pieces) body.receive(Buffer.from(piece))
    body.finish()
    const sink = new PassThrough()
    const received = textOf(sink)
    await body.relayTo(sink)
    t.equal(await received, pieces.join(''))
    t.ok(body.destroyed)
    t.equal(state.cancelled, 0)
  }
})

t.test('a body that is read as a stream does not lie in the connection’s buffer', async t => {
  const { body } = open()
  const bytes = Buffer.from('hello')
  body.receive(bytes)
  bytes.fill('x')
  body.finish()
  t.equal(await textOf(body), 'hello')
})

t.test('a stream that nobody reads is stopped, and goes on when somebody does', async t => {
  const { body, state } = open()
  body.receive(Buffer.alloc(40_000))
  t.ok(body.endOfRead())
  body.receive(Buffer.alloc(40_000))
  t.notOk(body.endOfRead())
  body.read()
  t.ok(state.resumed > 0)
  t.ok(body.endOfRead())
})

t.test('a body that is gone, or a client that is, is told at once', async t => {
  const broken = open()
  broken.body.destroy(new Error('broken'))
  await t.rejects(broken.body.relayTo(new PassThrough()), { message: 'broken' })

  const unwanted = open()
  unwanted.body.destroy()
  t.equal(unwanted.state.cancelled, 1)
  await t.rejects(unwanted.body.relayTo(new PassThrough()), { message: /thrown away/ })

  const { body, state } = open()
  const gone = new PassThrough()
  gone.destroy()
  await t.rejects(body.relayTo(gone), { message: /client went away/ })
  t.equal(state.cancelled, 1)
})

t.test('whichever side breaks takes the relay with it', async t => {
  const upstream = open()
  const broken = upstream.body.relayTo(new PassThrough())
  upstream.body.destroy(new Error('broken'))
  await t.rejects(broken, { message: 'broken' })

  const client = open()
  const sink = new PassThrough()
  const gone = client.body.relayTo(sink)
  sink.destroy()
  await t.rejects(gone, { message: /client went away/ })
  t.equal(client.state.cancelled, 1)
})

t.test('what came before the relay is written before what comes later', async t => {
  const { body, state } = open()
  body.receive(Buffer.from('ab'))
  const sink = new PassThrough()
  const received = textOf(sink)
  const relayed = body.relayTo(sink)
  t.ok(state.resumed > 0)
  body.receive(Buffer.from('cd'))
  t.ok(body.endOfRead())
  body.finish()
  await relayed
  t.equal(await received, 'abcd')
})
