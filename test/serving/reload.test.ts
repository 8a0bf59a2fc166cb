import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { connect, type PeerCertificate } from 'node:tls'
import t from 'tap'
import { createCertificate } from '../support/certificate.ts'
import { send } from '../support/client.ts'
import { APP } from '../support/proxy.ts'
import { freePort, startFrom } from './stage.ts'

interface Settings {
  readonly listen?: string
  readonly rule?: string
  readonly more?: string
}

const configOf = (
  upstreamPort: number,
  { listen = '{ port: 0 }', rule = 'encrypt: { keyring: main }', more = '' }: Settings,
): string => `
quickstart: true
listen: [${listen}]
${more}
upstreams:
  main: { provider: embedded, path: data, port: ${upstreamPort} }
clients:
  - { name: app, accessKeyId: ${APP.accessKeyId}, secretAccessKey: { insecureLiteral: ${APP.secretAccessKey} }, upstream: main }
keyrings:
  main: { provider: file, path: main.yaml }
rules:
  - { name: only, ${rule} }
`

const certificateAt = (origin: string): Promise<PeerCertificate> =>
  new Promise((resolve, reject) => {
    const { port } = new URL(origin)
    // The test looks at which certificate it is; nobody vouches for it.
    const socket = connect({ port: Number(port), host: '127.0.0.1', rejectUnauthorized: false })
    socket.on('error', reject)
    socket.on('secureConnect', () => {
      resolve(socket.getPeerCertificate())
      socket.destroy()
    })
  })

t.test('new rules come into force with the next request', async t => {
  const port = await freePort()
  const folder = t.testdir({ 'config.yaml': configOf(port, {}) })
  const { serving, proxy, ready } = await startFrom(t, folder)
  t.equal((await send(proxy, { method: 'PUT', path: '/demo' })).status, 200)
  await writeFile(join(folder, 'config.yaml'), configOf(port, { rule: 'deny: true' }))
  t.strictSame(serving.reload(await ready()), [])
  t.equal((await send(proxy, { path: '/demo' })).status, 403)
})

t.test('new connections get the new certificate', async t => {
  const [before, after] = [createCertificate('before'), createCertificate('after')]
  const listen = '{ port: 0, tls: { cert: cert.pem, key: key.pem } }'
  const folder = t.testdir({
    'config.yaml': configOf(await freePort(), { listen }),
    'cert.pem': before.cert,
    'key.pem': before.key,
  })
  const { serving, proxy, ready } = await startFrom(t, folder)
  t.equal((await certificateAt(proxy)).subject.CN, 'before')
  await writeFile(join(folder, 'cert.pem'), after.cert)
  await writeFile(join(folder, 'key.pem'), after.key)
  t.strictSame(serving.reload(await ready()), [])
  t.equal((await certificateAt(proxy)).subject.CN, 'after')
})

t.test('what takes a restart is told', async t => {
  const port = await freePort()
  const folder = t.testdir({ 'config.yaml': configOf(port, {}) })
  const { serving, ready } = await startFrom(t, folder)
  const more = 'limits: { connections: 5 }\nlog: { level: debug }'
  const changed = { listen: `{ port: ${await freePort()} }`, more }
  await writeFile(join(folder, 'config.yaml'), configOf(port, changed))
  t.strictSame(serving.reload(await ready()), ['listen', 'limits', 'log'])
})
