import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { createCertificate } from '../support/certificate.ts'
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
} from './stage.ts'

const OK = 'HTTP/1.1 200 OK\r\n'
const hello = `${OK}content-length: 5\r\n\r\nhello`
const empty = `${OK}content-length: 0\r\n\r\n`

interface Expected {
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}

const ANSWERS: readonly (readonly [
  name: string,
  method: string,
  wire: string,
  expected: Expected,
])[] = [
  ['a length', 'GET', hello, { status: 200, body: 'hello' }],
  ['no body', 'GET', empty, { body: '' }],
  [
    'chunks and trailers',
    'GET',
    `${OK}transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n3;x\r\n wo\r\n0\r\nx-a: b\r\n\r\n`,
    { body: 'hello wo' },
  ],
  [
    'HEAD',
    'HEAD',
    `${OK}content-length: 5\r\n\r\n`,
    { headers: { 'content-length': '5' }, body: '' },
  ],
  ['204', 'DELETE', 'HTTP/1.1 204 No Content\r\n\r\n', { status: 204, body: '' }],
  ['304', 'GET', 'HTTP/1.1 304 Not Modified\r\netag: "a"\r\n\r\n', { status: 304, body: '' }],
  [
    'an interim answer',
    'GET',
    `HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n${hello}`,
    { status: 200, body: 'hello' },
  ],
  [
    'headers as they are',
    'GET',
    `${OK}x-amz-meta-a: \xc3\xa9\r\nX-Amz-Meta-B: 1\r\nx-amz-meta-b: 2\r\ncontent-length: 0\r\n\r\n`,
    { headers: { 'x-amz-meta-a': '\xc3\xa9', 'x-amz-meta-b': '1,2' } },
  ],
  [
    'an error',
    'GET',
    'HTTP/1.1 404 Not Found\r\ncontent-length: 2\r\n\r\nno',
    { status: 404, body: 'no' },
  ],
]

onEach(t, 'answers come as they were sent', async (t, kind) => {
  const { ask } = await meet(t, kind, async wire => {
    for (let got = await wire.request(); got !== undefined; got = await wire.request())
      wire.write(ANSWERS[Number(/ \/(\d+) /.exec(got)?.[1])]?.[2] ?? '')
  })
  for (const [index, [name, method, , expected]] of ANSWERS.entries()) {
    const { status, headers, body } = await ask({ method, target: `/${index}` })
    const answer = { status, headers: Object.fromEntries(headers), body: await textOf(body) }
    t.match(answer, expected, name)
  }
})

onEach(t, 'requests go as they were signed', async (t, kind) => {
  const seen: string[] = []
  const { read } = await meet(t, kind, async wire => {
    for (let got = await wire.request(); got !== undefined; got = await wire.request()) {
      seen.push(got)
      wire.write(empty)
    }
  })
  const wireOf = async (asking: Parameters<typeof read>[0]): Promise<string> => {
    await read(asking)
    return seen.at(-1) ?? ''
  }
  const headers = { 'x-amz-meta-a': '\xc3\xa9 \xff' }
  const get = await wireOf({ target: '/b/..//k%2F?a=b%20c', headers })
  t.match(get, /^GET \/b\/\.\.\/\/k%2F\?a=b%20c HTTP\/1\.1\r\n/)
  t.match(get, '\r\nx-amz-meta-a: \xc3\xa9 \xff\r\n')
  t.notMatch(get, /^content-length/im)
  t.match(await wireOf({ method: 'PUT' }), /\r\ncontent-length: 0\r\n/)
  t.match(await wireOf({ method: 'DELETE' }), /^DELETE/)
  const bytes = Buffer.from([0, 255, 10, 13])
  t.match(await wireOf({ method: 'POST', body: { kind: 'bytes', bytes } }), '\r\n\r\n\0\xff\n\r')
  const streamed = await wireOf({ method: 'PUT', body: streamBody(['ab', 'cd'], 4) })
  t.match(streamed, /\r\ncontent-length: 4\r\n(?:.*\r\n)?\r\nabcd$/s)
})

onEach(t, 'a filter decides what goes upstream', async (t, kind) => {
  const { read } = await meet(t, kind, async wire => {
    const body = (await wire.request())?.split('\r\n\r\n')[1] ?? ''
    wire.write(`${OK}content-length: ${body.length}\r\n\r\n${body}`)
  })
  const filter = {
    push: (chunk: Buffer) => [...chunk].map(byte => Buffer.from([byte, 45])),
    end: () => [Buffer.from('end')],
  }
  const body = { ...streamBody(['ab', 'c'], 9), filter }
  t.equal(await read({ method: 'PUT', body }), 'a-b-c-end')
})

onEach(t, 'a connection is used until its upstream says that it closes', async (t, kind) => {
  const after: (string | undefined)[] = []
  const { upstream, read } = await meet(t, kind, async wire => {
    await wire.request()
    wire.write(hello)
    await wire.request()
    wire.write(`${OK}connection: close\r\ncontent-length: 0\r\n\r\n`)
    after.push(await wire.request())
  })
  for (let i = 0; i < 8; i += 1) {
    await read()
    await sleep(5)
  }
  t.equal(upstream.wires.length, 4)
  await until(() => after.length === 4)
  t.strictSame(after, [undefined, undefined, undefined, undefined])
})

onEach(t, 'no more connections than allowed; who asks first is served first', async (t, kind) => {
  const order: string[] = []
  const held: (() => void)[] = []
  const serve: Parameters<typeof meet>[2] = async wire => {
    for (let got = await wire.request(); got !== undefined; got = await wire.request()) {
      order.push(got.split(' ')[1] ?? '')
      await new Promise<void>(resolve => held.push(resolve))
      wire.write(empty)
    }
  }
  const { upstream, read } = await meet(t, kind, serve, { connections: 2 })
  const targets = ['/0', '/1', '/2', '/3', '/4', '/5']
  const done = targets.map(target => read({ target }))
  for (let served = 0; served < targets.length; served += 1) {
    await until(() => held.length > 0)
    t.ok(order.length <= served + 2)
    held.shift()?.()
  }
  await Promise.all(done)
  t.strictSame(order.slice(2), targets.slice(2))
  t.equal(upstream.wires.length, 2)
})

onEach(t, 'TLS upstreams are verified', async (t, kind) => {
  const good = createCertificate('localhost', '127.0.0.1')
  const other = createCertificate('elsewhere.example')
  const trusted = await startWireUpstream(t, wire => wire.answerAll(hello), good)
  const misnamed = await startWireUpstream(t, wire => wire.answerAll(hello), other)
  const cases: readonly (readonly [string, string, string | undefined, boolean])[] = [
    ['by address', trusted.endpoint, good.cert, true],
    ['by name', `https://localhost:${trusted.port}`, good.cert, true],
    ['by a CA that nobody named', trusted.endpoint, undefined, false],
    ['by another CA', trusted.endpoint, other.cert, false],
    ['under another name', misnamed.endpoint, other.cert, false],
  ]
  for (const [name, endpoint, ca, isTrusted] of cases) {
    const at = upstreamAt(endpoint, { ca })
    const transport = openTransport(t, kind, at)
    const sent = transport.send(requestTo(at), never()).then(({ body }) => textOf(body))
    if (isTrusted) t.equal(await sent, 'hello', name)
    else await t.rejects(sent, { name: 'S3Error', code: 'UpstreamUnavailable' }, name)
  }
})

onEach(t, 'no header, target or method may begin another line', async (t, kind) => {
  const { upstream, ask } = await meet(t, kind, wire => wire.answerAll(empty))
  const cases: readonly Parameters<typeof ask>[0][] = [
    { headers: { 'x-amz-meta-a': 'b\r\nx-amz-acl: public-read' } },
    { headers: { 'x-amz-meta-a': 'b\nc: d' } },
    { headers: { 'x-amz-meta-a': 'b\0' } },
    { headers: { 'x-amz-meta-a': '\u{100}' } },
    { headers: { 'x-amz-meta-a\r\nb': 'c' } },
    { headers: { 'x-amz meta': 'c' } },
    { target: '/a b' },
    { target: '/a\r\nx: y' },
    { target: 'http://elsewhere.example/' },
    { method: 'GET /evil HTTP/1.1\r\n\r\nGET' },
  ]
  for (const asking of cases) {
    const refused = { name: 'S3Error', code: 'InvalidRequest' }
    await t.rejects(ask(asking), refused, JSON.stringify(asking))
  }
  t.equal(upstream.wires.length, 0)
})
