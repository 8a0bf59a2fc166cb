import { randomBytes } from 'node:crypto'
import { Readable } from 'node:stream'
import { pino } from 'pino'
import type { Client } from '../../lib/authenticate/client.ts'
import { compose } from '../../lib/compose.ts'
import type { Config } from '../../lib/config/config.ts'
import { createKeyring, type Keyring } from '../../lib/keys/keyring.ts'
import { openJournal } from '../../lib/observe/log.ts'
import { createMetrics } from '../../lib/observe/metrics.ts'
import type { Rule } from '../../lib/policy/rule.ts'
import type { Journey } from '../../lib/proxy.ts'
import { parseAddress } from '../../lib/s3/address.ts'
import { dialectOf } from '../../lib/s3/dialect.ts'
import { headersFromRaw } from '../../lib/s3/headers.ts'
import { recognise } from '../../lib/s3/operation.ts'
import { parseQuery } from '../../lib/s3/query.ts'
import type { S3Request } from '../../lib/s3/request.ts'
import { Secret } from '../../lib/s3/secret.ts'
import type { SignedRequest } from '../../lib/sign/sign.ts'
import type { Transport, UpstreamAnswer } from '../../lib/transport/transport.ts'
import { CLIENT } from '../ends/client-credentials.ts'
import type { Head } from './heads.ts'

const UPSTREAM = 'bench'

export const clientNamed = (name: string, accessKeyId: string): Client => ({
  name,
  proof: {
    kind: 'signature',
    accessKeyId,
    secretAccessKey: new Secret(CLIENT.secretAccessKey),
  },
  upstream: UPSTREAM,
  upstreamCredentials: { kind: 'upstream' },
})

export const keyringNamed = (name: string): Keyring =>
  createKeyring(name, [{ id: 'v1', createdAt: undefined, master: new Secret(randomBytes(32)) }])

/** A rule that encrypts some buckets of some clients with one keyring. */
export const encrypting = (name: string, match: Rule['match'], keyring: string): Rule => ({
  name,
  match,
  effect: {
    kind: 'encrypt',
    encrypt: { keyring },
    plaintextReads: 'deny',
    clientKeys: 'reject',
    conflicts: 'remove',
    onUnconfirmed: 'delete',
    responseHeaders: 'show',
  },
})

/** What the journey is configured with. */
export interface Tenants {
  readonly clients: readonly Client[]
  readonly keyrings: readonly Keyring[]
  readonly rules: readonly Rule[]
}

const configOf = ({ clients, rules }: Tenants): Config => ({
  listen: [],
  quickstart: false,
  watch: false,
  domains: [],
  limits: {
    headerBytes: 32_768,
    connections: 1000,
    headersTimeout: 10_000,
    bodyIdleTimeout: 10_000,
    idleTimeout: 5000,
    documentBytes: 1_048_576,
    drainTimeout: 1000,
  },
  upstreams: new Map([[UPSTREAM, upstream]]),
  clients,
  keyrings: new Map(),
  rules,
  log: { level: 'info' },
  admin: undefined,
  transport: 'raw',
  front: 'node',
  embedded: new Map(),
})

const upstream = {
  name: UPSTREAM,
  provider: 'generic',
  endpoint: 'http://127.0.0.1:1',
  region: 'us-east-1',
  credentials: {
    accessKeyId: 'BENCHUPSTREAM',
    secretAccessKey: new Secret('je7MtGbClwBF/2Zp9Utk/h3yCo8nvbEXAMPLEKEY'),
    sessionToken: undefined,
  },
  addressing: undefined,
  ca: undefined,
  connections: 16,
  timeouts: { connect: 2000, firstByte: 3000, idle: 3000 },
}

const ECHOED = [
  'x-amz-server-side-encryption-customer-algorithm',
  'x-amz-server-side-encryption-customer-key-md5',
]

const ANSWER = [
  ['x-amz-id-2', '5L0pFJ6y0p1mXk0T7n2bZ6cW9vQ3sR8uH4jK1dG5fA7eY2iO0wE9rT6qV3xC8zB1'],
  ['x-amz-request-id', '4JQ2Z8X6W1R7K9ND'],
  ['date', 'Sat, 21 Nov 2026 09:00:00 GMT'],
  ['last-modified', 'Fri, 20 Nov 2026 09:00:00 GMT'],
  ['etag', '"d41d8cd98f00b204e9800998ecf8427e-1"'],
  ['accept-ranges', 'bytes'],
  ['content-type', 'application/octet-stream'],
  ['content-length', '4096'],
  ['server', 'bench'],
] as const

/** A body that nobody reads: what bodies cost, `npm run bench` tells. */
const UNREAD = new Readable({ read: () => undefined })

const answerTo = ({ headers }: SignedRequest): UpstreamAnswer => {
  const answered = new Map<string, string>(ANSWER)
  for (const name of ECHOED) {
    const value = headers.get(name)
    if (value !== undefined) answered.set(name, value)
  }
  return { status: 200, headers: answered, body: UNREAD }
}

/** Answers at once, as S3 does, out of no network. */
const TRANSPORT: Transport = {
  send: async request => answerTo(request),
  close: async () => undefined,
}

/** The whole journey, composed as the proxy composes it, but for its ends. */
export const journeyFor = (tenants: Tenants): Journey => {
  const keyrings = new Map(tenants.keyrings.map(keyring => [keyring.name, keyring]))
  return compose({
    config: configOf(tenants),
    keyrings: () => keyrings,
    transport: TRANSPORT,
    now: () => new Date(),
  })
}

/** Built as the proxy builds it; what the kernel takes for its lines is not the journey's. */
const LOG = pino(
  { base: null, timestamp: pino.stdTimeFunctions.isoTime },
  pino.destination({ dest: '/dev/null', sync: false, minLength: 16_384, maxWrite: 65_536 }),
)

const PEER = { transport: 'tcp', tls: false, loopback: true, tlsSubject: undefined } as const

/** A request as the listener makes it of what came on the wire. */
const received = (head: Head, journal: S3Request['journal']): S3Request => {
  const { method, rawPath, rawQuery, rawHeaders } = head
  const headers = headersFromRaw(rawHeaders)
  const address = parseAddress(headers.get('host') ?? '', rawPath, [])
  const query = parseQuery(rawQuery)
  const operation = recognise(method, address, query, headers)
  journal.note({ requestId: '0123456789ABCDEF', operation: operation.name })
  return {
    id: '0123456789ABCDEF',
    method,
    rawPath,
    rawQuery,
    headers,
    dialect: dialectOf(headers, rawQuery),
    address,
    query,
    operation,
    peer: PEER,
    wire: UNREAD,
    proceed: () => undefined,
    journal,
  }
}

/** Sends a request on its journey from its head as it came on the wire, and closes its line of the log. */
export const createTravel = (journey: Journey): ((head: Head) => Promise<void>) => {
  const { began, ended } = createMetrics(new Date())
  const { signal } = new AbortController()
  return async head => {
    const journal = openJournal(LOG, { began, ended })
    const { status } = await journey(received(head, journal), signal)
    if (status !== 200) throw new Error(`status ${status}`)
    journal.note({ status, bytesIn: 700, bytesOut: 4600, ms: 1 })
    journal.close()
  }
}
