import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { send, sha256, signedHeaders } from '../support/client.ts'
import { startProxy } from '../support/proxy.ts'
import { startUpstream } from '../support/upstream.ts'

/** A bare connection that collects what it gets. */
const dial = async (t: Test, origin: string): Promise<{ socket: Socket; got: () => string }> => {
  const { hostname, port } = new URL(origin)
  const socket = connect(Number(port), hostname)
  await once(socket, 'connect')
  let text = ''
  socket.on('data', chunk => {
    text += chunk
  })
  socket.on('error', () => undefined)
  t.teardown(() => socket.destroy())
  return { socket, got: () => text }
}

const until = async (condition: () => boolean, ms = 3000): Promise<void> => {
  const end = performance.now() + ms
  while (!condition() && performance.now() < end) await sleep(5)
}

const head = (line: string, headers: Readonly<Record<string, string>>): string =>
  `${line} HTTP/1.1\r\n${Object.entries(headers)
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join('')}\r\n`

t.test('100 Continue comes after authentication and policy, or not at all', async t => {
  const upstream = await startUpstream(t)
  const proxy = await startProxy(t, { upstream: upstream.origin })
  const body = 'hello'
  const put = { method: 'PUT', path: '/b/k', body }
  const expecting = { expect: '100-continue', 'content-length': '5' }

  const good = await dial(t, proxy.origin)
  const headers = await signedHeaders(proxy.origin, put)
  good.socket.write(head('PUT /b/k', { ...headers, ...expecting }))
  await until(() => good.got().includes('100 Continue'))
  t.match(good.got(), /^HTTP\/1\.1 100 Continue\r\n\r\n$/)
  t.equal(upstream.seen.length, 0)
  good.socket.write(body)
  await until(() => good.got().includes('200 OK'))
  t.match(good.got(), /HTTP\/1\.1 200 OK/)
  t.equal(upstream.seen[0]?.body.toString(), body)
  t.equal(upstream.seen[0]?.headers['expect'], undefined)

  const bad = await dial(t, proxy.origin)
  const forged = { ...headers, authorization: `${headers['authorization']}0` }
  bad.socket.write(head('PUT /b/k', { ...forged, ...expecting }))
  await until(() => bad.got().includes('</Error>'))
  t.match(bad.got(), /^HTTP\/1\.1 4\d\d /)
  t.match(bad.got(), /connection: close/i)
  t.notMatch(bad.got(), '100 Continue')
})

t.test('an error is delivered while the client still sends', async t => {
  const upstream = await startUpstream(t)
  const proxy = await startProxy(t, { upstream: upstream.origin, rules: [] })
  const body = Buffer.alloc(512 * 1024, 'x')
  const answer = await send(proxy.origin, { method: 'PUT', path: '/b/k', body })
  t.match(answer, { status: 403, text: /AccessDenied/ })
  t.equal(answer.headers.connection, 'close')
})

t.test('an upstream that answers early is heard', async t => {
  const upstream = await startUpstream(t)
  const early = await startEarlyUpstream(t)
  const proxy = await startProxy(t, { upstream: early })
  const body = Buffer.alloc(4 * 1024 * 1024, 'x')
  const answer = await send(proxy.origin, { method: 'PUT', path: '/b/k', body })
  t.match(answer, { status: 403, text: /Quota/ })
  t.equal(upstream.seen.length, 0)
})

/** Answers as soon as it has the head of a request, and reads no body. */
const startEarlyUpstream = async (t: Test): Promise<string> => {
  const { createServer } = await import('node:net')
  const server = createServer(socket => {
    socket.on('error', () => undefined)
    socket.once('data', () => {
      const document = '<Error><Code>QuotaExceeded</Code><Message>Quota</Message></Error>'
      socket.end(
        `HTTP/1.1 403 Forbidden\r\nContent-Length: ${document.length}\r\nConnection: close\r\n\r\n${document}`,
      )
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  const address = server.address()
  return `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`
}

t.test('a client that goes away takes its upstream request with it', async t => {
  let closed = false
  const upstream = await startUpstream(t, async () => {
    await until(() => closed, 1000)
    return {}
  })
  const proxy = await startProxy(t, { upstream: upstream.origin })
  const headers = await signedHeaders(proxy.origin, { path: '/b/k' })
  const { socket } = await dial(t, proxy.origin)
  socket.write(head('GET /b/k', headers))
  await until(() => upstream.seen.length === 1)
  socket.destroy()
  await until(() => proxy.lines.length === 1)
  closed = true
  t.match(proxy.lines[0], { aborted: true, operation: 'GetObject' })
})

t.test('an upload that breaks off reaches nobody', async t => {
  const upstream = await startUpstream(t)
  const proxy = await startProxy(t, { upstream: upstream.origin })
  const body = Buffer.alloc(100_000, 'x')
  const headers = await signedHeaders(proxy.origin, { method: 'PUT', path: '/b/k', body })
  const { socket } = await dial(t, proxy.origin)
  socket.write(head('PUT /b/k', { ...headers, 'content-length': '100000' }))
  socket.write(body.subarray(0, 50_000))
  await sleep(100)
  socket.destroy()
  await until(() => upstream.broken === 1)
  t.equal(upstream.broken, 1)
  t.equal(upstream.seen.length, 0)
})

t.test('limits', async t => {
  const upstream = await startUpstream(t)
  const limits = {
    headerBytes: 8192,
    headersTimeout: 300,
    documentBytes: 1000,
    bodyIdleTimeout: 400,
  }
  const proxy = await startProxy(t, { upstream: upstream.origin, limits })

  const large = await send(proxy.origin, {
    path: '/b/k',
    headers: { 'x-amz-meta-a': 'x'.repeat(9000) },
  })
  t.match(large, { status: 400, text: /RequestHeaderSectionTooLarge/ })

  const document = await send(proxy.origin, {
    method: 'PUT',
    path: '/b',
    query: { policy: '' },
    body: 'x'.repeat(1001),
  })
  t.match(document, { status: 400, text: /MaxMessageLengthExceeded/ })

  const slow = await dial(t, proxy.origin)
  slow.socket.write('GET /b/k HTTP/1.1\r\nHost: ')
  await once(slow.socket, 'close')
  t.match(slow.got(), /RequestTimeout|^$/)

  const stalled = await dial(t, proxy.origin)
  const headers = await signedHeaders(proxy.origin, {
    method: 'PUT',
    path: '/b/k',
    body: 'x'.repeat(100),
  })
  stalled.socket.write(head('PUT /b/k', { ...headers, 'content-length': '100' }))
  await once(stalled.socket, 'close')
  t.equal(upstream.seen.length, 0)
})

t.test('what is no HTTP gets an S3 error', async t => {
  const upstream = await startUpstream(t)
  const proxy = await startProxy(t, { upstream: upstream.origin })
  const { socket, got } = await dial(t, proxy.origin)
  socket.write('GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n')
  await once(socket, 'close')
  t.match(got(), /^HTTP\/1\.1 400 [\s\S]*<Code>BadRequest<\/Code>/)
})

t.test('virtual-hosted-style requests go to their bucket', async t => {
  const upstream = await startUpstream(t)
  const proxy = await startProxy(t, { upstream: upstream.origin, domains: ['s3.example'] })
  const { port } = new URL(proxy.origin)
  const host = `bucket.s3.example:${port}`
  const headers = await signedHeaders(`http://${host}`, { path: '/a/key' })
  const { socket, got } = await dial(t, proxy.origin)
  socket.write(head('GET /a/key', headers))
  await until(() => got().includes('200 OK'))
  t.equal(upstream.seen[0]?.target, '/bucket/a/key')
})

t.test('a HEAD that fails has no body, and a length', async t => {
  const upstream = await startUpstream(t)
  const proxy = await startProxy(t, { upstream: upstream.origin, rules: [] })
  const answer = await send(proxy.origin, { method: 'HEAD', path: '/b/k' })
  t.match(answer, { status: 403, text: '' })
  t.equal(sha256(answer.body), sha256(''))
})
