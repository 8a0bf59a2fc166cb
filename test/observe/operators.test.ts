import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { freePort, type Started, startFrom } from '../serving/stage.ts'
import { send, signedHeaders } from '../support/client.ts'
import { APP } from '../support/proxy.ts'

const SECRET_NAME = 'very-secret-plans'

const configAt = (upstreamPort: number): string => `
quickstart: true
listen: [{ port: 0 }]
admin: { port: 0 }
upstreams:
  main: { provider: embedded, path: data, port: ${upstreamPort} }
clients:
  - { name: app, accessKeyId: ${APP.accessKeyId}, secretAccessKey: { insecureLiteral: ${APP.secretAccessKey} }, upstream: main }
keyrings:
  main: { provider: file, path: main.yaml }
rules:
  - { name: closed, buckets: [closed], deny: true }
  - { name: default, encrypt: { keyring: main } }
`

/** An upload whose body does not come to its end. */
const openUpload = async (t: Test, proxy: string): Promise<Socket> => {
  const body = 'x'.repeat(1000)
  const headers = await signedHeaders(proxy, { method: 'PUT', path: '/demo/slow', body })
  const { hostname, port } = new URL(proxy)
  const socket = connect(Number(port), hostname)
  t.teardown(() => socket.destroy())
  socket.on('error', () => undefined)
  await once(socket, 'connect')
  const lines = Object.entries({ ...headers, 'content-length': '1000' }).map(
    ([name, value]) => `${name}: ${value}\r\n`,
  )
  socket.write(`PUT /demo/slow HTTP/1.1\r\n${lines.join('')}\r\n${body.slice(1)}`)
  await sleep(100)
  return socket
}

const start = async (t: Test): Promise<Started> =>
  startFrom(t, t.testdir({ 'config.yaml': configAt(await freePort()) }))

const page = async (url: string): Promise<{ status: number; text: string }> => {
  const answer = await fetch(url)
  return { status: answer.status, text: await answer.text() }
}

const use = async (proxy: string): Promise<void> => {
  await send(proxy, { method: 'PUT', path: '/demo' })
  await send(proxy, { method: 'PUT', path: `/demo/${SECRET_NAME}`, body: 'attack at dawn' })
  await send(proxy, { path: `/demo/${SECRET_NAME}` })
  await send(proxy, { path: '/closed/x' })
}

t.test('metrics count what was done', async t => {
  const { serving, proxy, admin } = await start(t)
  await use(proxy)
  serving.observation.reloaded(false)
  const { status, text } = await page(`${admin}/metrics`)
  t.equal(status, 200)
  for (const line of [
    'ssec_proxy_requests_total{client="app",operation="PutObject",status="200"} 1',
    'ssec_proxy_requests_total{client="app",operation="GetObject",status="200"} 1',
    'ssec_proxy_requests_total{client="app",operation="GetObject",status="403"} 1',
    'ssec_proxy_errors_total{code="AccessDenied"} 1',
    'ssec_proxy_rule_requests_total{rule="default"} 3',
    'ssec_proxy_key_version_requests_total{key_version="main/v1"} 2',
    'ssec_proxy_rule_requests_total{rule="closed"} 1',
    'ssec_proxy_upstream_requests_total{upstream="main"} 3',
    'ssec_proxy_requests_in_flight 0',
    'ssec_proxy_reloads_total{result="refused"} 1',
  ]) {
    t.ok(text.includes(`${line}\n`), line)
  }
  t.notMatch(text, 'key_version="none"', 'a bucket that is made is no object in plaintext')
  t.match(text, /ssec_proxy_received_bytes_total\{client="app"\} [1-9]/)
  t.match(text, /ssec_proxy_request_seconds_count\{operation="PutObject"\} 1/)
})

t.test('the page shows the same to people', async t => {
  const { proxy, admin } = await start(t)
  await use(proxy)
  const { status, text } = await page(`${admin}/`)
  t.equal(status, 200)
  t.match(text, /<td>app<\/td><td>main<\/td><td class="n">4<\/td>/)
  t.match(text, /<td>default<\/td><td>encrypt<\/td><td class="n">3<\/td>/)
  t.match(text, /<td>main\/v1<\/td><td>writes and reads<\/td><td class="n">2<\/td>/)
  t.match(text, 'ready')
})

t.test('neither shows a secret or an object key', async t => {
  const { proxy, admin } = await start(t)
  await use(proxy)
  for (const path of ['/', '/metrics']) {
    const { text } = await page(`${admin}${path}`)
    t.notMatch(text, SECRET_NAME)
    t.notMatch(text, APP.secretAccessKey)
    t.notMatch(text, 'attack at dawn')
  }
})

t.test('health, and nothing else', async t => {
  const { admin } = await start(t)
  t.strictSame(await page(`${admin}/healthz`), { status: 200, text: 'alive\n' })
  t.strictSame(await page(`${admin}/readyz?verbose`), { status: 200, text: 'ready\n' })
  t.equal((await page(`${admin}/secrets`)).status, 404)
  t.equal((await page(`${admin}/__proto__`)).status, 404)
  t.equal((await fetch(`${admin}/metrics`, { method: 'POST' })).status, 405)
})

t.test('a proxy that drains is not ready, and says so until its last request is over', async t => {
  const { serving, proxy, admin } = await start(t)
  await send(proxy, { method: 'PUT', path: '/demo' })
  const socket = await openUpload(t, proxy)
  const closing = serving.close()
  t.strictSame(await page(`${admin}/readyz`), { status: 503, text: 'draining\n' })
  t.equal((await page(`${admin}/healthz`)).status, 200)
  socket.destroy()
  await closing
  await t.rejects(fetch(`${admin}/healthz`))
})
