import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { CreateKeyCommand, DecryptCommand, KMSClient } from '@aws-sdk/client-kms'
import {
  CreateBucketCommand,
  GetObjectCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3'
import {
  CreateSecretCommand,
  GetSecretValueCommand,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager'
import t, { type Test } from 'tap'
import { parse } from 'yaml'
import { type Moto, startMoto } from './servers/moto.ts'
import { findFreePort, untilListening } from './servers/ports.ts'

const PROGRAM = fileURLToPath(new URL('../../dist/bin/ssec-proxy.js', import.meta.url))
const REGION = 'eu-central-1'
const ENV = {
  PATH: process.env['PATH'] ?? '',
  AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE',
  AWS_SECRET_ACCESS_KEY: 'aws/secret+1',
  AWS_SESSION_TOKEN: 'session-token',
}
const CREDENTIALS = {
  accessKeyId: ENV.AWS_ACCESS_KEY_ID,
  secretAccessKey: ENV.AWS_SECRET_ACCESS_KEY,
}
const APP = { accessKeyId: 'APP', secretAccessKey: 'app/secret' }

/** A version comes into force so many seconds after it was made. */
const TTL = 2

interface Place {
  readonly folder: string
  readonly port: number
  readonly admin: number
}

const configOf = ({ port, admin }: Place, keyrings: string, upstream: number): string => `
listen: [{ port: ${port} }]
admin: { port: ${admin} }
watch: false
upstreams: { up: { provider: embedded, path: objects, port: ${upstream} } }
clients:
  - name: app
    accessKeyId: ${APP.accessKeyId}
    secretAccessKey: { insecureLiteral: ${APP.secretAccessKey} }
    upstream: up
keyrings:
  main: ${keyrings}
rules: [{ name: all, encrypt: { keyring: main } }]
`

const placeFor = async (t: Test, keyring: object): Promise<Place> => {
  const [port, admin, upstream] = await Promise.all([1, 2, 3].map(findFreePort))
  const place = { folder: t.testdir({}), port: port ?? 0, admin: admin ?? 0 }
  const text = configOf(place, JSON.stringify({ ttl: `${TTL}s`, ...keyring }), upstream ?? 0)
  await writeFile(join(place.folder, 'ssec-proxy.yaml'), text)
  return place
}

interface Ended {
  readonly code: number
  readonly out: string
  readonly err: string
}

/** Runs a command of the proxy in a folder. */
const command = (cwd: string, words: readonly string[]): Promise<Ended> =>
  new Promise(resolve => {
    execFile(process.execPath, [PROGRAM, ...words], { cwd, env: ENV }, (error, out, err) =>
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, out, err }),
    )
  })

interface Serving {
  readonly s3: S3Client
  readonly process: ChildProcess
  log(): string
}

const serve = async (t: Test, { folder, port }: Place): Promise<Serving> => {
  const child = spawn(process.execPath, [PROGRAM, 'serve'], {
    cwd: folder,
    env: ENV,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let log = ''
  child.stdout.on('data', chunk => {
    log += chunk
  })
  t.teardown(async () => {
    const exited = once(child, 'exit')
    if (child.exitCode === null && child.kill('SIGTERM')) await exited
  })
  await untilListening(port, () =>
    child.exitCode === null ? undefined : `it ended with ${child.exitCode}: ${log}`,
  )
  const s3 = new S3Client({
    endpoint: `http://127.0.0.1:${port}`,
    region: REGION,
    credentials: APP,
    forcePathStyle: true,
  })
  t.teardown(() => s3.destroy())
  await s3.send(new CreateBucketCommand({ Bucket: 'bucket' }))
  return { s3, process: child, log: () => log }
}

/** The MD5 of the key that an object was written with. */
const put = async ({ s3 }: Serving, Key: string): Promise<string | undefined> =>
  (await s3.send(new PutObjectCommand({ Bucket: 'bucket', Key, Body: Key }))).SSECustomerKeyMD5

const get = async ({ s3 }: Serving, Key: string): Promise<string | undefined> =>
  (await s3.send(new GetObjectCommand({ Bucket: 'bucket', Key }))).Body?.transformToString()

const until = async (what: string, isSo: () => Promise<boolean> | boolean): Promise<void> => {
  const end = Date.now() + 20_000
  while (!(await isSo())) {
    if (Date.now() > end) throw new Error(`never: ${what}`)
    await new Promise(resolve => setTimeout(resolve, 100))
  }
}

const md5Of = (key: Uint8Array): string => createHash('md5').update(key).digest('base64')

const listed = async ({ folder }: Place): Promise<Map<string, string>> => {
  const { out } = await command(folder, ['keys', 'list'])
  const rows = out.split('\n').map(line => line.split(/ +/))
  return new Map(rows.map(([, version = '', , md5 = '']) => [version, md5]))
}

const ageOf = async ({ admin }: Place): Promise<number> => {
  const text = await (await fetch(`http://127.0.0.1:${admin}/metrics`)).text()
  return Number(/^ssec_proxy_keyring_age_seconds\{keyring="main"\} (\S+)$/m.exec(text)?.[1])
}

/** A rotation comes into force by itself at the proxy that runs, and everything before it is still read. */
const testRotation = async (t: Test, place: Place, serving: Serving): Promise<void> => {
  const before = await put(serving, 'before')
  t.match(await command(place.folder, ['keys', 'rotate']), {
    code: 0,
    out: /main\/v2 encrypts in 2 s/,
  })
  await until('a new version', async () => (await put(serving, 'after')) !== before)
  t.equal((await listed(place)).get('v2'), await put(serving, 'after'))
  for (const key of ['before', 'after']) t.equal(await get(serving, key), key)
}

/** The vault goes away: who has the keys serves on and says so, who has them not does not start. */
const testOutage = async (t: Test, place: Place, serving: Serving, moto: Moto): Promise<void> => {
  await moto.stop()
  await until('a line in the log', () => serving.log().includes('keys not fetched'))
  t.match(serving.log(), /"keyring":"main","age":\d+,"reason":"[^"]*AWS [^"]* cannot be reached/)
  for (const key of ['before', 'after']) t.equal(await get(serving, key), key)
  const age = await ageOf(place)
  await until('an age that grows', async () => (await ageOf(place)) > Math.max(age, TTL))
  const other = { ...place, port: await findFreePort() }
  const text = await readFile(join(place.folder, 'ssec-proxy.yaml'), 'utf8')
  const config = text.replace(`port: ${place.port}`, `port: ${other.port}`)
  await writeFile(join(place.folder, 'other.yaml'), config)
  const started = await command(place.folder, ['serve', '--config', 'other.yaml'])
  t.match(started, { code: 2, err: /cannot be reached/ })
  t.notMatch(started.out, 'listening')
}

/** AWS KMS with one key, and a place for a proxy whose keyring it wraps. */
const withKms = async (t: Test) => {
  const moto = await startMoto()
  t.teardown(moto.stop)
  const kms = new KMSClient({ endpoint: moto.endpoint, region: REGION, credentials: CREDENTIALS })
  t.teardown(() => kms.destroy())
  const { KeyMetadata: key } = await kms.send(new CreateKeyCommand({}))
  const keyring = { provider: 'awsKms', path: 'main.yaml', endpoint: moto.endpoint }
  const place = await placeFor(t, { ...keyring, keyId: key?.Arn })
  return { moto, kms, place }
}

t.test('AWS KMS', async t => {
  const { moto, kms, place } = await withKms(t)
  const { folder } = place
  t.equal((await command(folder, ['keys', 'generate', '--keyring', 'main'])).code, 0)
  const serving = await serve(t, place)
  await testRotation(t, place, serving)

  const { versions } = parse(await readFile(join(folder, 'main.yaml'), 'utf8'))
  const decrypt = (n: number, version: string) =>
    kms.send(
      new DecryptCommand({
        CiphertextBlob: Buffer.from(versions[n].wrapped, 'base64'),
        EncryptionContext: { 'ssec-proxy:keyring': 'main', 'ssec-proxy:version': version },
      }),
    )
  t.equal(
    md5Of((await decrypt(0, 'v2')).Plaintext ?? new Uint8Array()),
    (await listed(place)).get('v2'),
    'the SDK unwraps what was wrapped here',
  )
  await t.rejects(decrypt(0, 'v1'), { name: 'InvalidCiphertextException' })

  const swapped = [
    { ...versions[0], id: 'v1' },
    { ...versions[1], id: 'v2' },
  ]
  await writeFile(join(folder, 'swapped.yaml'), JSON.stringify({ versions: swapped }))
  const config = await readFile(join(folder, 'ssec-proxy.yaml'), 'utf8')
  await writeFile(join(folder, 'bad.yaml'), config.replace('main.yaml', 'swapped.yaml'))
  const refused = await command(folder, ['serve', '--config', 'bad.yaml'])
  t.match(refused, { code: 2, err: /Keyring main, version v[12]: .*InvalidCiphertextException/ })

  t.match(await command(folder, ['keys', 'rotate']), { code: 0, out: /main\/v3/ })
  serving.process.kill('SIGHUP')
  await until('a reload', () => serving.log().includes('"reloaded"'))
  await until(
    'the third',
    async () => (await put(serving, 'after')) === (await listed(place)).get('v3'),
  )
  await testOutage(t, place, serving, moto)
})

t.test('keys that others made are wrapped by AWS KMS', async t => {
  const { place } = await withKms(t)
  const { folder } = place
  await command(folder, ['keys', 'generate', '--out', 'plain.yaml'])
  const { versions } = parse(await readFile(join(folder, 'plain.yaml'), 'utf8'))
  const imported = await command(folder, ['keys', 'import', '--keyring', 'main', 'plain.yaml'])
  t.match(imported, { code: 0 }, imported.err)
  t.equal((await listed(place)).get('v1'), md5Of(Buffer.from(versions[0].key, 'base64')))
})

t.test('AWS Secrets Manager', async t => {
  const moto = await startMoto()
  t.teardown(moto.stop)
  const secrets = new SecretsManagerClient({
    endpoint: moto.endpoint,
    region: REGION,
    credentials: CREDENTIALS,
  })
  t.teardown(() => secrets.destroy())
  const keyring = { provider: 'awsSecretsManager', secretId: 'ssec/main', region: REGION }
  const place = await placeFor(t, { ...keyring, endpoint: moto.endpoint })
  const { out } = await command(place.folder, ['keys', 'generate'])
  await secrets.send(new CreateSecretCommand({ Name: 'ssec/main', SecretString: out }))
  const serving = await serve(t, place)
  await testRotation(t, place, serving)
  const { SecretString } = await secrets.send(
    new GetSecretValueCommand({ SecretId: 'ssec/main', VersionStage: 'AWSCURRENT' }),
  )
  const { versions } = JSON.parse(SecretString ?? '')
  t.equal(md5Of(Buffer.from(versions[0].key, 'base64')), (await listed(place)).get('v2'))
  await testOutage(t, place, serving, moto)
})
