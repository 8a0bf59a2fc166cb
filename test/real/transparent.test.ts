import { spawn } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { openSync } from 'node:fs'
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { Agent } from 'node:https'
import { createServer, type LookupFunction } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import {
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3'
import { Upload } from '@aws-sdk/lib-storage'
import t, { type Test } from 'tap'
import { parse } from 'yaml'
import { bytesOf, KIB, MIB } from './bytes.ts'
import { causeOf, run } from './command.ts'
import { ensurePackages } from './servers/debian.ts'
import { findFreePort, untilListening } from './servers/ports.ts'

// The example of examples/transparent as it stands, before the embedded upstream in the provider's place: clients are given
// the provider's own host name, or none, and find the proxy there.

const EXAMPLE = fileURLToPath(new URL('../../examples/transparent', import.meta.url))
const PROGRAM = fileURLToPath(new URL('../../dist/bin/ssec-proxy.js', import.meta.url))
const REGION = 'eu-central-1'
const HOST = `s3.${REGION}.amazonaws.com`
const BUCKET = 'photos'
const SECRET = 'the/secret+that=the-application-has'

/** An address of loopback that no other run has. */
const ADDRESS = `127.${[...randomBytes(3)].map(byte => (byte % 254) + 1).join('.')}`

interface Place {
  readonly folder: string
  readonly accessKeyId: string
  readonly ca: string
  readonly embeddedPort: number
}

/** The example in a folder of its own, with its certificates made, and its two ends where this machine has them. */
const prepare = async (folder: string): Promise<Place> => {
  await cp(EXAMPLE, folder, { recursive: true })
  await run(join(folder, 'make-certificates.sh'), [HOST], { cwd: folder })
  const keyring = { versions: [{ id: 'v1', key: randomBytes(32).toString('base64') }] }
  await run('mkdir', ['keys'], { cwd: folder })
  await writeFile(join(folder, 'keys/main.yaml'), JSON.stringify(keyring), { mode: 0o600 })
  const path = join(folder, 'ssec-proxy.yaml')
  const config = parse(await readFile(path, 'utf8'))
  const embeddedPort = await findFreePort()
  config.listen[0].host = ADDRESS
  config.upstreams.main = {
    provider: 'embedded',
    path: join(folder, 'objects'),
    port: embeddedPort,
  }
  await writeFile(path, JSON.stringify(config))
  const ca = join(folder, 'certs/ca.pem')
  return { folder, accessKeyId: config.clients[0].accessKeyId, ca, embeddedPort }
}

const startProxy = async (t: Test, { folder, embeddedPort }: Place): Promise<void> => {
  const log = join(folder, 'log')
  const args = ['serve', '--config', join(folder, 'ssec-proxy.yaml')]
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', process.execPath, PROGRAM, ...args], {
    stdio: ['ignore', openSync(log, 'a'), openSync(log, 'a')],
    env: { ...process.env, APP_SECRET_ACCESS_KEY: SECRET },
  })
  t.teardown(async () => {
    if (child.exitCode !== null) return
    child.kill('SIGKILL')
    await once(child, 'exit')
  })
  const ended = (): string | undefined =>
    child.exitCode === null ? undefined : `the proxy ended with ${child.exitCode}`
  try {
    await untilListening(embeddedPort, ended)
    await untilListening(443, ended, ADDRESS)
  } catch (error) {
    throw new Error(`${causeOf(error)}:\n${await readFile(log, 'utf8')}`)
  }
}

/** Why this process may not listen where the provider does; undefined when it may. */
const lacksPort = async (): Promise<string | undefined> => {
  const server = createServer().listen(443, ADDRESS)
  try {
    await once(server, 'listening')
  } catch (error) {
    return `cannot listen on ${ADDRESS}:443: ${causeOf(error)}`
  }
  server.close()
  await once(server, 'close')
  return undefined
}

/** What DNS would do for the application. */
const lookup: LookupFunction = (name, { all }, callback) => {
  if (!`.${name}`.endsWith(`.${HOST}`)) callback(new Error(`asked for ${name}`), '', 4)
  else if (all === true) callback(null, [{ address: ADDRESS, family: 4 }])
  else callback(null, ADDRESS, 4)
}

/** An application's client: a region, its key pair, the CA, and no endpoint. */
const sdk = async ({ accessKeyId, ca }: Place): Promise<S3Client> =>
  new S3Client({
    region: REGION,
    credentials: { accessKeyId, secretAccessKey: SECRET },
    requestHandler: { httpsAgent: new Agent({ ca: await readFile(ca), lookup }) },
  })

const testSdk = async (t: Test, place: Place): Promise<void> => {
  const client = await sdk(place)
  t.teardown(() => client.destroy())
  const small = bytesOf(1000, 'small')
  const big = bytesOf(12 * MIB, 'big')
  const stored = { Bucket: BUCKET, Key: 'a b/small' }
  await client.send(new PutObjectCommand({ ...stored, Body: small }))
  await new Upload({ client, params: { Bucket: BUCKET, Key: 'big', Body: big } }).done()
  const { Body } = await client.send(new GetObjectCommand(stored))
  t.ok(small.equals((await Body?.transformToByteArray()) ?? Buffer.alloc(0)), 'reads what it wrote')
  const read = await client.send(new GetObjectCommand({ Bucket: BUCKET, Key: 'big' }))
  t.ok(big.equals((await read.Body?.transformToByteArray()) ?? Buffer.alloc(0)), 'in parts, too')
  const head = await client.send(new HeadObjectCommand(stored))
  t.equal(head.SSECustomerAlgorithm, 'AES256', 'the proxy answered, and not the provider')
  const { Contents } = await client.send(new ListObjectsV2Command({ Bucket: BUCKET }))
  t.strictSame(
    Contents?.map(({ Key }) => Key),
    ['a b/small', 'big'],
  )
}

/** S3 wants the hash in a header, which this curl only signs when it is told it. */
const hashHeader = (bytes: Uint8Array): readonly string[] => [
  '--header',
  `x-amz-content-sha256: ${createHash('sha256').update(bytes).digest('hex')}`,
]

const EMPTY = hashHeader(new Uint8Array())

const curl = ({ accessKeyId, ca }: Place, url: string, ...args: readonly string[]) =>
  run('curl', [
    ...['--silent', '--show-error', '--fail', '--max-time', '30', '--cacert', ca],
    ...['--resolve', `${BUCKET}.${HOST}:443:${ADDRESS}`, '--resolve', `${HOST}:443:${ADDRESS}`],
    ...['--aws-sigv4', `aws:amz:${REGION}:s3`, '--user', `${accessKeyId}:${SECRET}`],
    ...args,
    url,
  ])

const testCurl = async (t: Test, place: Place): Promise<void> => {
  const file = join(place.folder, 'upload')
  await writeFile(file, bytesOf(100 * KIB, 'curl'))
  const url = `https://${BUCKET}.${HOST}/curl`
  await curl(place, url, '--upload-file', file, ...hashHeader(await readFile(file)))
  const copy = join(place.folder, 'downloaded')
  await curl(place, url, '--output', copy, ...EMPTY)
  t.ok((await readFile(copy)).equals(await readFile(file)), 'virtual-hosted style')
  await curl(place, `https://${HOST}/${BUCKET}/curl`, '--output', copy, ...EMPTY)
  t.ok((await readFile(copy)).equals(await readFile(file)), 'path style')
}

/** The certificate is for that host name, and its CA can vouch for no other. */
const testCertificates = async (t: Test, { folder, ca }: Place): Promise<void> => {
  const certs = join(folder, 'certs')
  await t.rejects(
    run('curl', [
      '--silent',
      '--show-error',
      '--max-time',
      '30',
      `https://${HOST}/`,
      '--resolve',
      `${HOST}:443:${ADDRESS}`,
    ]),
    { message: /certificate/ },
    'who has not got the CA does not trust it',
  )
  const forged = ['-subj', '/CN=other', '-addext', 'subjectAltName=DNS:other.example']
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', 'x.key']
  await run(
    'openssl',
    ['req', '-x509', ...key, ...forged, '-CA', ca, '-CAkey', 'ca.key', '-out', 'x.pem'],
    { cwd: certs },
  )
  await t.rejects(
    run('openssl', ['verify', '-CAfile', ca, 'x.pem'], { cwd: certs }),
    { message: /permitted subtree violation/ },
    'nor does anybody what the CA says of other names',
  )
  await run('openssl', ['verify', '-CAfile', ca, 'server.pem'], { cwd: certs })
  t.match(await run('stat', ['-c', '%a', 'ca.key', 'server.key'], { cwd: certs }), /^600\n600$/)
}

await t.test('the provider’s own host name leads to the proxy', async t => {
  await ensurePackages(['openssl', 'curl'])
  const lacks = await lacksPort()
  if (lacks !== undefined) {
    t.ok(true, t.name, { skip: lacks })
    return
  }
  const folder = await mkdtemp(join(tmpdir(), 'ssec-proxy-transparent-'))
  t.teardown(() => rm(folder, { recursive: true, force: true }))
  const place = await prepare(folder)
  await startProxy(t, place)
  await curl(place, `https://${HOST}/${BUCKET}`, '--request', 'PUT', ...EMPTY)
  await t.test('for aws-sdk-js, which has no endpoint', t => testSdk(t, place))
  await t.test('for curl', t => testCurl(t, place))
  await t.test('and nothing else does', t => testCertificates(t, place))
  const direct = await fetch(`http://127.0.0.1:${place.embeddedPort}/${BUCKET}/big`)
  t.equal(direct.status, 400, 'the provider itself wants the key')
})
