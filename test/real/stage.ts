import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Where servers and clients are built once and kept. */
export const CACHE = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'ssec-proxy')

const CHECKOUT = fileURLToPath(new URL('../..', import.meta.url))

/** Of each checkout its own, so that two may run at the same time. */
const NAME = `ssec-proxy-real-${createHash('sha256').update(CHECKOUT).digest('hex').slice(0, 8)}`

/** Where the servers of a run keep what they store and log. */
export const STAGE = join(tmpdir(), NAME)

/** The same in RAM, where there is some: a Ceph monitor on disk takes ten times as long to start. */
export const STAGE_IN_RAM = existsSync('/dev/shm') ? join('/dev/shm', NAME) : join(STAGE, 'ram')

export const REGION = 'us-east-1'

export interface KeyPair {
  readonly accessKeyId: string
  readonly secretAccessKey: string
}

/** The one user of every server. */
export const PROVIDER_USER: KeyPair = {
  accessKeyId: 'REALPROVIDERUSER',
  secretAccessKey: 'provider+secret/that/only/the/proxy/knows',
}

/** Scheme, host and port, and the file of the CA that vouches for it. */
export interface Endpoint {
  readonly origin: string
  readonly ca: string
}

/** The servers of a run; the proxy itself brings the embedded one. */
export type ServerName = 'rgw-http' | 'rgw-tls' | 'minio'

/** Something that a test needs, or why this machine does not have it. */
export type Available<T> = { readonly is: T } | { readonly lacks: string }

export interface Server {
  /** Product and version. */
  readonly label: string
  readonly endpoint: Endpoint
}

export type ClientName = 'awscli-debian' | 'awscli' | 'boto3' | 'aws-sdk-js' | 'minio-js'

export const CLIENT_NAMES: readonly ClientName[] = [
  'awscli-debian',
  'awscli',
  'boto3',
  'aws-sdk-js',
  'minio-js',
]

export interface ClientProgram {
  /** Name and version. */
  readonly label: string
  /** What runs it: an executable, or a Python with the library. Empty for a package of this project. */
  readonly path: string
}

/** PEM files: a CA of the run, and a certificate of it for `localhost` and 127.0.0.1. */
export interface Certificates {
  readonly ca: string
  readonly cert: string
  readonly key: string
}

/** What stands ready when the tests begin. */
export interface Stage {
  readonly certificates: Certificates
  readonly servers: Readonly<Record<ServerName, Available<Server>>>
  readonly clients: Readonly<Record<ClientName, Available<ClientProgram>>>
}

/** Where `up.ts` writes the stage for the tests. */
export const STAGE_FILE = join(STAGE, 'stage.json')

export const readStage = async (): Promise<Stage> =>
  JSON.parse(await readFile(STAGE_FILE, 'utf8')) as Stage
