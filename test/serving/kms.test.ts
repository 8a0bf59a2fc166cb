import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { loadConfig } from '../../lib/config/load.ts'
import { rotate } from '../../lib/keys/rotate.ts'
import { generateWrapped } from '../../lib/keys/wrap.ts'
import { AWS, type AwsServer, startKms } from '../keys/aws-server.ts'
import { send } from '../support/client.ts'
import { APP } from '../support/proxy.ts'
import { freePort, startFrom } from './stage.ts'

const KEY_MD5 = 'x-amz-server-side-encryption-customer-key-md5'

const configOf = (kms: AwsServer, port: number, times: string): string => `
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
    provider: awsKms
    path: main.yaml
    keyId: one
    region: eu-central-1
    endpoint: ${kms.endpoint}
    credentials:
      accessKeyId: ${AWS.accessKeyId}
      secretAccessKey: { insecureLiteral: ${AWS.secretAccessKey} }
      sessionToken: { insecureLiteral: ${AWS.sessionToken} }
    timeout: 500ms
    ${times}
rules: [{ name: all, encrypt: { keyring: main } }]
`

const LONG_AGO = { env: {}, now: () => new Date(0) }

/** A folder with a configuration and a wrapped key; `rotateNow` puts another on top. */
const stageOf = async (t: Test, kms: AwsServer, times: string) => {
  const folder = t.testdir({})
  const file = join(folder, 'config.yaml')
  await writeFile(file, configOf(kms, await freePort(), times))
  await writeFile(join(folder, 'main.yaml'), 'versions: [{ id: v0, wrapped: YQ== }]')
  const source = (await loadConfig(file, {})).keyrings.get('main')
  if (source?.kind !== 'awsKms') throw new Error('no such keyring')
  await rm(source.path)
  await generateWrapped('main', source, LONG_AGO)
  return { folder, rotateNow: () => rotate('main', source, undefined, LONG_AGO) }
}

const until = async (isSo: () => Promise<boolean> | boolean): Promise<void> => {
  for (let i = 0; i < 200; i++) {
    if (await isSo()) return
    await new Promise(resolve => setTimeout(resolve, 20))
  }
  throw new Error('it did not come to that')
}

t.test('a rotation comes into force within the ttl; keys serve on while KMS is away', async t => {
  const kms = await startKms(t)
  const { folder, rotateNow } = await stageOf(t, kms, 'ttl: 50ms')
  const { proxy, admin, lines } = await startFrom(t, folder)
  await send(proxy, { method: 'PUT', path: '/bucket' })
  const put = (path: string) => send(proxy, { method: 'PUT', path, body: path })
  const before = (await put('/bucket/1')).headers[KEY_MD5]
  await rotateNow()
  await until(async () => (await put('/bucket/2')).headers[KEY_MD5] !== before)
  for (const path of ['/bucket/1', '/bucket/2']) t.equal((await send(proxy, { path })).text, path)
  kms.fault = 0
  await until(() => lines.some(({ msg }) => msg === 'keys not fetched: those before serve on'))
  const line = lines.find(({ msg }) => msg === 'keys not fetched: those before serve on')
  t.match(line, { keyring: 'main', age: Number, reason: /: AWS KMS at .* cannot be reached/ })
  t.equal((await send(proxy, { path: '/bucket/1' })).text, '/bucket/1')
  const ageOf = async (): Promise<number> => {
    const metrics = await (await fetch(`${admin}/metrics`)).text()
    return Number(/^ssec_proxy_keyring_age_seconds\{keyring="main"\} ([\d.]+)$/m.exec(metrics)?.[1])
  }
  const age = await ageOf()
  await until(async () => (await ageOf()) > age)
})

t.test('a reload takes a rotation at once, or leaves all as it was', async t => {
  const kms = await startKms(t)
  const { folder, rotateNow } = await stageOf(t, kms, 'ttl: 1h')
  const { proxy, serving, ready } = await startFrom(t, folder)
  await send(proxy, { method: 'PUT', path: '/bucket' })
  const md5 = async () =>
    (await send(proxy, { method: 'PUT', path: '/bucket/1', body: 'x' })).headers[KEY_MD5]
  const before = await md5()
  await rotateNow()
  t.equal(await md5(), before)
  kms.errors.push('AccessDeniedException', 'AccessDeniedException')
  await t.rejects(ready(), { message: /AccessDeniedException/ })
  serving.reload(await ready())
  t.not(await md5(), before)
})

t.test('when the grace is over, requests are refused', async t => {
  const kms = await startKms(t)
  const { folder } = await stageOf(t, kms, 'ttl: 50ms\n    grace: 1ms')
  const { proxy } = await startFrom(t, folder)
  await send(proxy, { method: 'PUT', path: '/bucket' })
  const put = () => send(proxy, { method: 'PUT', path: '/bucket/1', body: 'x' })
  t.equal((await put()).status, 200)
  kms.fault = 0
  await until(async () => (await put()).status === 503)
  kms.fault = undefined
  await until(async () => (await put()).status === 200)
})

t.test('without KMS, or for another keyring, it does not start', async t => {
  const kms = await startKms(t)
  const { folder } = await stageOf(t, kms, 'ttl: 1h')
  kms.fault = 0
  await t.rejects(startFrom(t, folder), { name: 'KeyProviderError', message: /cannot be reached/ })
  kms.fault = undefined
  const file = join(folder, 'config.yaml')
  await writeFile(
    file,
    configOf(kms, 1, 'ttl: 1h')
      .replaceAll('main:', 'other:')
      .replace('keyring: main', 'keyring: other'),
  )
  await t.rejects(startFrom(t, folder), {
    message: /^Keyring other, version v1: .*It was not wrapped for this keyring/,
  })
})

t.test('without the credentials of an upstream it does not start', async t => {
  const kms = await startKms(t)
  const { folder } = await stageOf(t, kms, 'ttl: 1h')
  const chained = configOf(kms, 1, 'ttl: 1h').replace(
    'provider: embedded, path: objects, port: 1',
    'provider: aws, endpoint: "https://s3.eu-central-1.amazonaws.com", credentials: chain',
  )
  await writeFile(join(folder, 'config.yaml'), chained)
  const before = { ...process.env }
  Object.assign(process.env, {
    AWS_EC2_METADATA_DISABLED: 'true',
    AWS_CONFIG_FILE: join(folder, 'none'),
    AWS_SHARED_CREDENTIALS_FILE: join(folder, 'none'),
  })
  t.teardown(() => {
    process.env = before
  })
  await t.rejects(startFrom(t, folder), { name: 'CredentialsError' })
})
