import { z } from 'zod'
import { client } from './schema/client.ts'
import { keyring } from './schema/keyring.ts'
import { rule } from './schema/rule.ts'
import { upstream } from './schema/upstream.ts'
import {
  always,
  duration,
  exactlyOne,
  host,
  name,
  origin,
  path,
  port,
  size,
} from './schema/values.ts'
import { secretsVault } from './schema/vault.ts'

const tls = z
  .strictObject({
    cert: path.describe('PEM file of the certificate and those between it and its root.'),
    key: path.describe('PEM file of the private key.'),
    clientCa: path
      .describe('PEM file of the CAs of client certificates. When given, one is demanded.')
      .optional(),
  })
  .meta({ id: 'Tls', description: 'Certificate of a listener.' })

export type TlsShape = z.output<typeof tls>

/** The address of a listener that does not name one. */
export const DEFAULT_HOST = '127.0.0.1'

/** Options of a listener for B2 native clients. */
const B2_ONLY = ['url', 's3Url'] as const

const checkApi = (
  value: Readonly<Partial<Record<'api' | (typeof B2_ONLY)[number], unknown>>>,
  report: z.RefinementCtx,
): void => {
  if (value.api === 'b2') return
  for (const option of B2_ONLY) {
    if (value[option] === undefined) continue
    const message = 'has a meaning only with api: b2. Remove it.'
    report.addIssue({ code: 'custom', path: [option], message })
  }
}

const checkSocket = (
  value: { readonly socket?: unknown; readonly host?: unknown; readonly tls?: unknown },
  report: z.RefinementCtx,
): void => {
  if (value.socket === undefined) return
  for (const option of ['host', 'tls'] as const) {
    if (value[option] === undefined) continue
    const message = 'has no meaning for a unix socket. Remove it.'
    report.addIssue({ code: 'custom', path: [option], message })
  }
}

export const listenAddress = exactlyOne(
  z.strictObject({
    host: host
      .meta({
        description: 'Address to listen on; `0.0.0.0` or `::` for all.',
        default: DEFAULT_HOST,
      })
      .optional(),
    port: port.describe('Port to listen on; 0 for any free one.').optional(),
    tls: tls.describe('Speaks https. Left out: http.').optional(),
    socket: path.describe('Path of a unix socket to listen on, instead of a port.').optional(),
    api: z
      .enum(['s3', 'b2'])
      .meta({
        description:
          "What is spoken here: S3, or B2's native API, whose clients take this listener for their realm.",
        default: 's3',
      })
      .optional(),
    url: origin
      .describe(
        '`b2` only: the URL that clients reach this listener by, such as `https://b2.example.com`. Left out: the scheme of this listener, and the host that they ask for.',
      )
      .optional(),
    s3Url: origin
      .describe(
        "`b2` only: the URL of the proxy's S3 listener, for clients that use both. Left out: the one of this listener, where S3 finds nothing.",
      )
      .optional(),
  }),
  ['port', 'socket'],
)
  .superRefine(checkSocket, always)
  .superRefine(checkApi, always)
  .meta({ id: 'Listen', description: 'Where clients connect: a TCP port, or a unix socket.' })

export type ListenShape = z.output<typeof listenAddress>

/** Where clients connect when the configuration does not say. */
export const DEFAULT_LISTEN = [{ host: '127.0.0.1', port: 9000 }]

export const adminAddress = z
  .strictObject({
    host: host.describe('Address to listen on.').default(DEFAULT_HOST),
    port: port.describe('Port to listen on; 0 for any free one.'),
  })
  .meta({
    id: 'Admin',
    description:
      'A listener for operators: `/metrics` (Prometheus), `/healthz`, `/readyz`, and a status page at `/`. It asks nobody who they are.',
  })

export type AdminShape = z.output<typeof adminAddress>

const limits = z
  .strictObject({
    headerBytes: size('1KiB', '1MiB').describe('Bytes of one request head.').prefault('32KiB'),
    connections: z
      .int()
      .min(1)
      .max(1_000_000)
      .describe('Open client connections per listener.')
      .default(10_000),
    headersTimeout: duration.describe('For a whole request head to arrive.').prefault('30s'),
    bodyIdleTimeout: duration.describe('Between two bytes of a body, either way.').prefault('60s'),
    idleTimeout: duration
      .describe('For the next request on a connection that is kept open.')
      .prefault('75s'),
    documentBytes: size('1KiB', '1GiB')
      .describe(
        'Bytes of an XML document that the proxy reads whole. The CompleteMultipartUpload of 10,000 parts with checksums has about 2 MiB.',
      )
      .prefault('8MiB'),
    drainTimeout: duration
      .describe('For requests in flight to end after SIGTERM or SIGINT.')
      .prefault('30s'),
  })
  .meta({ id: 'Limits', description: 'What one client may cost.' })

const log = z
  .strictObject({
    level: z
      .enum(['error', 'warn', 'info', 'debug'])
      .describe('Least level that is written. One line per request is `info`.')
      .default('info'),
  })
  .meta({ id: 'Log', description: 'The log: JSON lines on standard output.' })

const domain = z.string().regex(/^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$/, {
  error: 'must be a host name, without scheme and port.',
})

const rules = z.array(rule)

export const configSchema = z
  .strictObject({
    quickstart: z
      .boolean()
      .describe(
        'Whether key files and client secret files that are missing are created at the first use of this configuration, with random content and mode 0600. For trial.',
      )
      .default(false),
    watch: z
      .boolean()
      .describe(
        'Whether a change of this file, or of a file that it names (policy, keyrings, secrets, certificates), is taken within five seconds. `SIGHUP` has them read in any case.',
      )
      .default(true),
    listen: z
      .array(listenAddress)
      .min(1)
      .describe('Where clients connect: one entry per listener.')
      .prefault(DEFAULT_LISTEN),
    admin: adminAddress
      .describe('Where metrics, health checks and the status page are. Left out: nowhere.')
      .optional(),
    domains: z
      .array(domain)
      .describe(
        'Host names under which virtual-hosted-style requests come: with `s3.example.com`, `photos.s3.example.com` is bucket `photos`.',
      )
      .default([]),
    limits: limits.describe('What one client may cost.').prefault({}),
    log: log.describe('The log.').prefault({}),
    front: z
      .enum(['node', 'fast'])
      .describe(
        'What speaks HTTP with clients: `node`, Node’s own server; or `fast`, a front of our own on bare sockets, for less CPU, most of all where clients upload.',
      )
      .default('node'),
    transport: z
      .enum(['raw', 'undici'])
      .describe(
        'What carries requests to the providers: `raw`, sockets of our own, for the least CPU; or `undici`, Node’s HTTP client, as a fallback.',
      )
      .default('raw'),
    vault: secretsVault
      .describe(
        'Where `{vault: ...}` finds secrets. They are read at the start and at each reload.',
      )
      .optional(),
    upstreams: z.record(name, upstream).describe('The providers, by a name of your choice.'),
    clients: z.array(client).min(1).describe('Who may call.'),
    keyrings: z.record(name, keyring).describe('The keys, by a name of your choice.').default({}),
    rules: rules.describe('What happens to requests. The first rule that fits decides.').optional(),
    policy: path
      .describe(
        'YAML file with `rules:`, instead of `rules` here, so that others can own and review them.',
      )
      .optional(),
  })
  .refine(value => value.rules === undefined || value.policy === undefined, {
    error: 'stands beside rules. Keep one of the two.',
    path: ['policy'],
    ...always,
  })
  .meta({
    id: 'Configuration',
    title: 'ssec-proxy configuration',
    not: { required: ['rules', 'policy'] },
  })

/** The configuration as written, defaults filled in. */
export type ConfigShape = z.output<typeof configSchema>

/** The file that `policy` names. */
export const policySchema = z
  .strictObject({
    rules: rules.describe('What happens to requests. The first rule that fits decides.'),
  })
  .meta({ id: 'PolicyFile', description: 'The file that `policy` names.' })
