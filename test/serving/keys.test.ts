import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { KeyProviderError } from '../../lib/keys/providers/provider.ts'
import { startVault } from '../keys/vault-server.ts'
import { send } from '../support/client.ts'
import { APP } from '../support/proxy.ts'
import { freePort, startFrom } from './stage.ts'

const keyOf = (n: number): string => Buffer.alloc(32, n).toString('base64')

const KEY_MD5 = 'x-amz-server-side-encryption-customer-key-md5'

const configOf = (vault: string, port: number, options = ''): string => `
listen: [{ port: 0 }]
admin: { port: 0 }
watch: false
upstreams: { up: { provider: embedded, path: objects, port: ${port} } }
clients:
  - name: app
    accessKeyId: ${APP.accessKeyId}
    secretAccessKey: { insecureLiteral: ${APP.secretAccessKey} }
    upstream: up
keyrings:
  main:
    provider: vault
    address: ${vault}
    path: ssec/main
    auth: { token: { insecureLiteral: root } }
    ttl: 50ms
    timeout: 500ms${options}
rules: [{ name: all, encrypt: { keyring: main } }]
`

const until = async (isSo: () => Promise<boolean>): Promise<void> => {
  for (let i = 0; i < 200; i++) {
    if (await isSo()) return
    await new Promise(resolve => setTimeout(resolve, 20))
  }
  throw new Error('it did not come to that')
}

t.test('a rotation in the vault comes into force with no restart and no reload', async t => {
  const vault = await startVault(t, keyOf(1))
  const folder = t.testdir({})
  await writeFile(join(folder, 'config.yaml'), configOf(vault.address, await freePort()))
  const { proxy, admin } = await startFrom(t, folder)
  await send(proxy, { method: 'PUT', path: '/bucket' })
  const put = (path: string) => send(proxy, { method: 'PUT', path, body: path })
  const before = (await put('/bucket/1')).headers[KEY_MD5]
  vault.keys.push(keyOf(2))
  await until(async () => (await put('/bucket/2')).headers[KEY_MD5] !== before)
  for (const path of ['/bucket/1', '/bucket/2']) t.equal((await send(proxy, { path })).text, path)
  const metrics = await (await fetch(`${admin}/metrics`)).text()
  t.match(metrics, /^ssec_proxy_keyring_age_seconds\{keyring="main"\} [\d.e-]+$/m)
  vault.fault = 0
  await new Promise(resolve => setTimeout(resolve, 200))
  t.equal(
    (await send(proxy, { path: '/bucket/1' })).text,
    '/bucket/1',
    'the vault is away, the keys are not',
  )
})

t.test('when the grace is over, requests are refused', async t => {
  const vault = await startVault(t, keyOf(1))
  const folder = t.testdir({})
  const config = configOf(vault.address, await freePort(), '\n    grace: 1ms')
  await writeFile(join(folder, 'config.yaml'), config)
  const { proxy } = await startFrom(t, folder)
  await send(proxy, { method: 'PUT', path: '/bucket' })
  const put = () => send(proxy, { method: 'PUT', path: '/bucket/1', body: 'x' })
  t.equal((await put()).status, 200)
  vault.fault = 0
  await until(async () => (await put()).status === 503)
  vault.fault = undefined
  await until(async () => (await put()).status === 200)
})

t.test('without its keys it does not start', async t => {
  const vault = await startVault(t, keyOf(1))
  vault.fault = 403
  const folder = t.testdir({})
  await writeFile(join(folder, 'config.yaml'), configOf(vault.address, await freePort()))
  await t.rejects(startFrom(t, folder), KeyProviderError)
})
