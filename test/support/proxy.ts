import { createHash } from 'node:crypto'
import { Writable } from 'node:stream'
import { pino } from 'pino'
import type { Test } from 'tap'
import type { Client } from '../../lib/authenticate/client.ts'
import { compose } from '../../lib/compose.ts'
import type { Config, FrontKind, Limits, ListenAddress } from '../../lib/config/config.ts'
import type { CopyLimits } from '../../lib/copy/rooms.ts'
import type { CopyAbility, Signature } from '../../lib/dialect/profiles.ts'
import type { Derive } from '../../lib/keys/derive.ts'
import { createKeyring, type Keyring } from '../../lib/keys/keyring.ts'
import { startListener } from '../../lib/listener/listener.ts'
import type { Rule, RuleEffect } from '../../lib/policy/rule.ts'
import type { Patience } from '../../lib/response/keep-alive.ts'
import { Secret } from '../../lib/s3/secret.ts'
import { createTransport } from '../../lib/transport/create.ts'
import type { TransportKind } from '../../lib/transport/upstream.ts'

export const APP = { accessKeyId: 'APP', secretAccessKey: 'app-secret-0123456789' }
export const UPSTREAM = { accessKeyId: 'UP', secretAccessKey: 'upstream-secret-0123456789' }

/** 32 bytes that are always the same for one text. */
export const keyBytes = (text: string): Buffer => createHash('sha256').update(text).digest()

/** A keyring of versions named as given, newest first. */
export const keyring = (name: string, ...versions: readonly string[]): Keyring =>
  derivingKeyring('none', name, ...versions)

/** The same, with customer keys that are derived. */
export const derivingKeyring = (
  derive: Derive,
  name: string,
  ...versions: readonly string[]
): Keyring =>
  createKeyring(
    name,
    versions.map(id => ({
      id,
      createdAt: undefined,
      master: new Secret(keyBytes(`${name}/${id}`)),
    })),
    derive,
  )

export const encrypt = (
  effect: Partial<Extract<RuleEffect, { kind: 'encrypt' }>> = {},
): Extract<RuleEffect, { kind: 'encrypt' }> => ({
  kind: 'encrypt',
  encrypt: { keyring: 'main' },
  plaintextReads: 'deny',
  clientKeys: 'reject',
  conflicts: 'remove',
  onUnconfirmed: 'delete',
  responseHeaders: 'show',
  ...effect,
})

export const rule = (effect: RuleEffect, match: Rule['match'] = {}, name = 'test'): Rule => ({
  name,
  match,
  effect,
})

export const LIMITS: Limits = {
  headerBytes: 32 * 1024,
  connections: 100,
  headersTimeout: 10_000,
  bodyIdleTimeout: 10_000,
  idleTimeout: 5_000,
  documentBytes: 1024 * 1024,
  drainTimeout: 1_000,
}

export const APP_CLIENT: Client = {
  name: 'app',
  proof: {
    kind: 'signature',
    accessKeyId: APP.accessKeyId,
    secretAccessKey: new Secret(APP.secretAccessKey),
  },
  upstream: 'up',
  upstreamCredentials: { kind: 'upstream' },
}

export interface ProxyOptions {
  readonly upstream: string
  readonly provider?: string
  /** Instead of the provider's own. */
  readonly signature?: Signature
  readonly rules?: readonly Rule[]
  readonly keyrings?: readonly Keyring[]
  readonly clients?: readonly Client[]
  readonly limits?: Partial<Limits>
  readonly domains?: readonly string[]
  readonly now?: () => Date
  readonly listen?: ListenAddress
  /** Instead of what the provider's profile says. */
  readonly copy?: CopyAbility
  readonly copyLimits?: CopyLimits
  readonly patience?: Patience
}

/** The transport that the whole suite runs over: `TRANSPORT=undici npm test` tries the fallback. */
const kindOf = (name: string | undefined): TransportKind => (name === 'undici' ? name : 'raw')

/** The front that the whole suite runs behind: `FRONT=fast npm test` tries the other. */
export const FRONT: FrontKind = process.env['FRONT'] === 'fast' ? 'fast' : 'node'

export const configOf = (options: ProxyOptions): Config => ({
  listen: [options.listen ?? { kind: 'tcp', host: '127.0.0.1', port: 0, tls: undefined }],
  quickstart: false,
  watch: false,
  domains: options.domains ?? [],
  limits: { ...LIMITS, ...options.limits },
  upstreams: new Map([
    [
      'up',
      {
        name: 'up',
        provider: options.provider ?? 'generic',
        endpoint: options.upstream,
        region: 'us-east-1',
        credentials: {
          accessKeyId: UPSTREAM.accessKeyId,
          secretAccessKey: new Secret(UPSTREAM.secretAccessKey),
          sessionToken: undefined,
        },
        addressing: undefined,
        signature: options.signature,
        copy: options.copy,
        ca: undefined,
        connections: 16,
        timeouts: { connect: 2_000, firstByte: 3_000, idle: 3_000 },
      },
    ],
  ]),
  clients: options.clients ?? [APP_CLIENT],
  keyrings: new Map(),
  rules: options.rules ?? [rule(encrypt())],
  log: { level: 'info' },
  admin: undefined,
  front: FRONT,
  transport: kindOf(process.env['TRANSPORT']),
  embedded: new Map(),
})

export interface RunningProxy {
  readonly origin: string
  /** The log's lines, parsed. */
  readonly lines: Record<string, unknown>[]
  /** The log as written. */
  logText(): string
  /** Drains and stops; done at the test's end in any case. */
  close(): Promise<void>
}

/** The whole proxy on a free loopback port, in front of `upstream`. */
export const startProxy = async (t: Test, options: ProxyOptions): Promise<RunningProxy> => {
  const config = configOf(options)
  const texts: string[] = []
  const lines: Record<string, unknown>[] = []
  const sink = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      texts.push(chunk.toString())
      lines.push(JSON.parse(chunk.toString()))
      done()
    },
  })
  const transport = createTransport(config.transport, config.upstreams.values())
  const keyrings = new Map(
    (options.keyrings ?? [keyring('main', 'v1')]).map(each => [each.name, each]),
  )
  const now = options.now ?? (() => new Date())
  const { copyLimits, patience } = options
  const journey = compose({
    config,
    keyrings: () => keyrings,
    transport,
    now,
    ...(copyLimits && { copyLimits }),
    ...(patience && { patience }),
  })
  const [address] = config.listen
  if (address === undefined) throw new Error('no address')
  const { domains, limits } = config
  const log = pino({ base: null }, sink)
  const listener = await startListener({
    address,
    domains,
    limits,
    front: config.front,
    journey,
    log,
  })
  const stop = async (): Promise<void> => {
    await listener.close()
    await transport.close()
  }
  let stopping: Promise<void> | undefined
  const close = (): Promise<void> => {
    stopping ??= stop()
    return stopping
  }
  t.teardown(close)
  return { origin: listener.where, lines, logText: () => texts.join(''), close }
}
