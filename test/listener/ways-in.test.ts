import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { type RequestOptions, request } from 'node:http'
import { request as requestTls } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import type { Client, ClientProof } from '../../lib/authenticate/client.ts'
import type { ListenAddress } from '../../lib/config/config.ts'
import { startProxy } from '../support/proxy.ts'
import { startUpstream } from '../support/upstream.ts'

const pem = (name: string): string =>
  readFileSync(join(import.meta.dirname, '../fixtures/tls', name), 'utf8')
const TLS = { cert: pem('server.pem'), key: pem('server.key'), clientCa: undefined }
const CLIENT = { ca: pem('ca.pem'), cert: pem('client.pem'), key: pem('client.key') }

const trusted = (proof: ClientProof): Client => ({
  name: `by-${proof.kind}`,
  proof,
  upstream: 'up',
  upstreamCredentials: { kind: 'upstream' },
})

/** One GET of an object, unsigned, by whatever way. */
const get = async (
  options: RequestOptions & { ca?: string },
): Promise<{ status: number; body: string }> => {
  const ask = options.protocol === 'https:' ? requestTls : request
  const outgoing = ask({ path: '/b/k', headers: { host: 'localhost' }, agent: false, ...options })
  outgoing.end()
  const [answer] = await once(outgoing, 'response')
  return { status: answer.statusCode, body: await text(answer) }
}

const start = async (t: Test, listen: ListenAddress, ...clients: readonly Client[]) => {
  const upstream = await startUpstream(t)
  return startProxy(t, { upstream: upstream.origin, listen, clients })
}

t.test('over TLS', async t => {
  const listen = { kind: 'tcp', host: '127.0.0.1', port: 0, tls: TLS } as const
  const proxy = await start(t, listen, trusted({ kind: 'loopback' }))
  const { port, protocol } = new URL(proxy.origin)
  t.equal(protocol, 'https:')
  t.match(await get({ protocol, port, host: '127.0.0.1', ca: CLIENT.ca }), { status: 200 })
})

t.test('with a client certificate, whose subject is the client', async t => {
  const tls = { ...TLS, clientCa: CLIENT.ca }
  const listen = { kind: 'tcp', host: '127.0.0.1', port: 0, tls } as const
  const proxy = await start(t, listen, trusted({ kind: 'tlsSubject', subject: 'sidecar' }))
  const { port, protocol } = new URL(proxy.origin)
  const options = { protocol, port, host: '127.0.0.1', ca: CLIENT.ca }
  t.match(await get({ ...options, ...CLIENT }), { status: 200 })
  t.match(proxy.lines.at(-1), { client: 'by-tlsSubject' })
  await t.rejects(get(options), 'without a certificate there is no connection')
})

t.test('on a unix socket, also where a dead one lies', async t => {
  // Not t.testdir: a socket's path may have 107 bytes at most.
  const folder = mkdtempSync(join(tmpdir(), 'ssec-proxy-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const path = join(folder, 'proxy.sock')
  const listen = { kind: 'unix', path } as const
  const proxy = await start(t, listen, trusted({ kind: 'unix' }))
  t.equal(proxy.origin, `unix:${path}`)
  t.match(await get({ socketPath: path }), { status: 200 })
  t.match(proxy.lines.at(-1), { client: 'by-unix' })
  await t.rejects(start(t, listen, trusted({ kind: 'unix' })), { code: 'EADDRINUSE' })
})

t.test('trust in a way in is never a default', async t => {
  const listen = { kind: 'tcp', host: '127.0.0.1', port: 0, tls: undefined } as const
  const proxy = await start(t, listen, trusted({ kind: 'unix' }))
  const { port } = new URL(proxy.origin)
  t.match(await get({ host: '127.0.0.1', port }), { status: 403, body: /AccessDenied/ })
})

t.test('a stop lets what is under way end, and takes no more', async t => {
  let release: () => void = () => undefined
  const gate = new Promise<void>(resolve => {
    release = resolve
  })
  const upstream = await startUpstream(t, async () => {
    await gate
    return { body: 'late' }
  })
  const clients = [trusted({ kind: 'loopback' })]
  const rules = [{ name: 'all', match: {}, effect: { kind: 'passthrough' } as const }]
  const proxy = await startProxy(t, { upstream: upstream.origin, clients, rules })
  const { port } = new URL(proxy.origin)
  const underWay = get({ host: '127.0.0.1', port })
  while (upstream.seen.length === 0) await sleep(5)
  const closed = proxy.close()
  await sleep(20)
  await t.rejects(get({ host: '127.0.0.1', port }), { code: 'ECONNREFUSED' })
  release()
  t.match(await underWay, { status: 200, body: 'late' })
  await closed
})
