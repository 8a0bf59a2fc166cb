import { type ChildProcess, spawn } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { openSync } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { causeOf, run } from './command.ts'
import { Provider } from './provider.ts'
import { findFreePort, untilListening } from './servers/ports.ts'
import {
  type Available,
  type Certificates,
  type Endpoint,
  type KeyPair,
  PROVIDER_USER,
  REGION,
  readStage,
  type ServerName,
} from './stage.ts'
import type { Place } from './wire/place.ts'

/** The proxy as it was built. */
export const PROGRAM = fileURLToPath(new URL('../../dist/bin/ssec-proxy.js', import.meta.url))

/** What the proxy under test stands in front of. */
export type UpstreamName = ServerName | 'embedded'

export const UPSTREAM_NAMES: readonly UpstreamName[] = ['rgw-http', 'rgw-tls', 'minio', 'embedded']

/** May do what the rules allow. */
export const APP: KeyPair = { accessKeyId: 'APP', secretAccessKey: 'app/secret+of/the=tests' }

/** May only read. */
export const READER: KeyPair = { accessKeyId: 'READER', secretAccessKey: 'reader/secret+tests' }

const PROVIDERS: Readonly<Record<UpstreamName, string>> = {
  'rgw-http': 'ceph',
  'rgw-tls': 'ceph',
  minio: 'minio',
  embedded: 'embedded',
}

export interface SiteOptions {
  /** Name of the provider's profile, where another than the provider's own is wanted. */
  readonly profile?: string
  /** How the client `app` may sign, where otherwise than with SigV4 alone. */
  readonly signatures?: readonly string[]
  /** Host names for virtual-hosted-style requests. */
  readonly domains?: readonly string[]
}

/** Where one proxy runs, once or several times: its files, its ports, and the provider behind it. */
export interface Site extends SiteOptions {
  readonly upstream: UpstreamName
  /** Product and version of the provider. */
  readonly label: string
  readonly folder: string
  /** A name that no other site uses: one server serves several. */
  readonly bucket: string
  readonly http: Endpoint
  readonly https: Endpoint
  /** The listener of B2's native clients. */
  readonly b2: Endpoint
  readonly provider: Provider
  /** Removes the files. */
  close(): Promise<void>
}

/** A running proxy. */
export interface RunningProxy {
  /** The customer key that the proxy says it uses for an object, as base64. */
  keyOf(place: Place): Promise<string>
  stop(): Promise<void>
}

/** The customer key of a version, for every site. */
export const masterKey = (version: string): string =>
  createHash('sha256').update(`real ${version}`).digest('base64')

/** @param versions newest first */
export const writeKeyring = async (
  { folder }: Site,
  versions: readonly string[],
): Promise<void> => {
  const keyring = { versions: versions.map(id => ({ id, key: masterKey(id) })) }
  // JSON is YAML.
  await writeFile(join(folder, 'keyring.yaml'), JSON.stringify(keyring), { mode: 0o600 })
}

const portOf = ({ origin }: Endpoint): number => Number(new URL(origin).port)

const loopback = async (scheme: 'http' | 'https', ca: string): Promise<Endpoint> => ({
  origin: `${scheme}://127.0.0.1:${await findFreePort()}`,
  ca,
})

/** Makes room for a proxy before `upstream`, with a keyring of one version; or says why there is no such server. */
export const createSite = async (
  upstream: UpstreamName,
  options: SiteOptions = {},
): Promise<Available<Site>> => {
  const { certificates, servers } = await readStage()
  const { ca } = certificates
  const server =
    upstream === 'embedded'
      ? { is: { label: 'embedded upstream', endpoint: await loopback('http', ca) } }
      : servers[upstream]
  if ('lacks' in server) return server
  const folder = await mkdtemp(join(tmpdir(), 'ssec-proxy-site-'))
  const site: Site = {
    ...options,
    upstream,
    label: server.is.label,
    folder,
    bucket: `site-${randomBytes(4).toString('hex')}`,
    http: await loopback('http', ca),
    https: await loopback('https', ca),
    b2: await loopback('http', ca),
    provider: new Provider(server.is.endpoint),
    close: () => rm(folder, { recursive: true, force: true }),
  }
  await writeKeyring(site, ['v1'])
  await writeFile(
    configPath(site),
    JSON.stringify(configOf(site, server.is.endpoint, certificates)),
  )
  return { is: site }
}

const configPath = ({ folder }: Site): string => join(folder, 'config.yaml')

/** Has the one keyring of a site come from elsewhere. */
export const setKeyring = async (site: Site, keyring: object): Promise<void> => {
  const config = JSON.parse(await readFile(configPath(site), 'utf8'))
  config.keyrings.main = keyring
  await writeFile(configPath(site), JSON.stringify(config))
}

const ENVIRONMENT = {
  REAL_APP_SECRET: APP.secretAccessKey,
  REAL_READER_SECRET: READER.secretAccessKey,
  REAL_PROVIDER_ACCESS_KEY_ID: PROVIDER_USER.accessKeyId,
  REAL_PROVIDER_SECRET_ACCESS_KEY: PROVIDER_USER.secretAccessKey,
}

const upstreamConfig = ({ upstream, folder, profile }: Site, endpoint: Endpoint): object =>
  upstream === 'embedded'
    ? { provider: 'embedded', path: join(folder, 'objects'), port: portOf(endpoint) }
    : {
        provider: profile ?? PROVIDERS[upstream],
        endpoint: endpoint.origin,
        region: REGION,
        credentials: { env: 'REAL_PROVIDER' },
        ...(endpoint.origin.startsWith('https:') && { ca: endpoint.ca }),
      }

const clientConfig = (name: string, { accessKeyId }: KeyPair, secret: string): object => ({
  name,
  accessKeyId,
  secretAccessKey: { env: secret },
  upstream: 'main',
})

const configOf = (site: Site, endpoint: Endpoint, { cert, key }: Certificates): object => ({
  listen: [
    { host: '127.0.0.1', port: portOf(site.http) },
    { host: '127.0.0.1', port: portOf(site.https), tls: { cert, key } },
    { host: '127.0.0.1', port: portOf(site.b2), api: 'b2' },
  ],
  upstreams: { main: upstreamConfig(site, endpoint) },
  clients: [
    {
      ...clientConfig('app', APP, 'REAL_APP_SECRET'),
      ...(site.signatures && { signatures: site.signatures }),
    },
    clientConfig('reader', READER, 'REAL_READER_SECRET'),
  ],
  keyrings: { main: { provider: 'file', path: join(site.folder, 'keyring.yaml') } },
  rules: RULES,
  ...(site.domains && { domains: site.domains }),
  ...(process.env['REAL_FRONT'] && { front: process.env['REAL_FRONT'] }),
  ...(process.env['REAL_TRANSPORT'] && { transport: process.env['REAL_TRANSPORT'] }),
})

const ENCRYPT = { encrypt: { keyring: 'main' } }

const RULES = [
  { name: 'readers-read', clients: ['reader'], operations: ['write', 'delete'], deny: true },
  { name: 'plain', buckets: ['plain-*'], passthrough: true },
  { name: 'mixed', buckets: ['mixed-*'], ...ENCRYPT, plaintextReads: 'allow' },
  { name: 'own-keys', buckets: ['own-keys-*'], ...ENCRYPT, clientKeys: 'accept' },
  { name: 'covered', buckets: ['*'], ...ENCRYPT },
]

// Whatever ends the tests ends their proxies: prctl(2), PR_SET_PDEATHSIG.
const spawnProxy = (args: readonly string[], log: number): ChildProcess =>
  spawn('setpriv', ['--pdeathsig', 'KILL', process.execPath, PROGRAM, ...args], {
    stdio: ['ignore', log, log],
    env: { ...process.env, ...ENVIRONMENT },
  })

const stop = async (child: ChildProcess): Promise<void> => {
  if (child.exitCode !== null) return
  const exited = once(child, 'exit')
  child.kill('SIGTERM')
  const forced = setTimeout(() => child.kill('SIGKILL'), 10_000)
  await exited
  clearTimeout(forced)
}

/** Base64 of 32 bytes, wherever it stands. */
const CUSTOMER_KEY = /(?<![A-Za-z0-9+/])[A-Za-z0-9+/]{43}=/

/**
 * Runs a command of the program at a site's configuration, and gives what it printed.
 *
 * @throws {Error} when it fails
 */
export const command = (site: Site, ...words: readonly string[]): Promise<string> =>
  run(process.execPath, [PROGRAM, ...words, '--config', configPath(site)], { env: ENVIRONMENT })

const keyOf = async (site: Site, { bucket, objectKey }: Place): Promise<string> => {
  const output = await command(site, 'keys', 'show', `s3://${bucket}/${objectKey}`)
  const [key] = CUSTOMER_KEY.exec(output) ?? []
  if (key === undefined) throw new Error(`keys show printed no key:\n${output}`)
  return key
}

/**
 * Starts the proxy as it was built, and waits until it listens.
 *
 * @param options more of them for `serve`
 */
export const startProxy = async (
  site: Site,
  options: readonly string[] = [],
): Promise<RunningProxy> => {
  const log = join(site.folder, 'log')
  const args = ['serve', ...options, '--config', configPath(site)]
  const child = spawnProxy(args, openSync(log, 'a'))
  const ended = (): string | undefined =>
    child.exitCode === null ? undefined : `the proxy ended with ${child.exitCode}`
  try {
    for (const each of [site.http, site.https, site.b2]) await untilListening(portOf(each), ended)
  } catch (error) {
    await stop(child)
    throw new Error(`${causeOf(error)}:\n${await readFile(log, 'utf8')}`)
  }
  return { keyOf: place => keyOf(site, place), stop: () => stop(child) }
}

/** What a command of the program, run at a site's configuration, left behind. */
export interface CommandOutcome {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

/** A command under way. */
export interface Commanding {
  readonly child: ChildProcess
  readonly outcome: Promise<CommandOutcome>
}

const collected = async (stream: NodeJS.ReadableStream | null): Promise<string> => {
  let text = ''
  for await (const chunk of stream ?? []) text += chunk
  return text
}

/** Starts a command of the program at a site's configuration, as its client `app`. */
export const startCommand = (site: Site, words: readonly string[]): Commanding => {
  const args = [PROGRAM, ...words, '--client', 'app', '--config', configPath(site)]
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', process.execPath, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...ENVIRONMENT },
    cwd: site.folder,
  })
  const ended = once(child, 'close')
  const outcome = Promise.all([collected(child.stdout), collected(child.stderr), ended]).then(
    ([out, err]) => ({ code: child.exitCode, out, err }),
  )
  return { child, outcome }
}
