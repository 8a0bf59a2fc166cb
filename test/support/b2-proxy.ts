import { Writable } from 'node:stream'
import { pino } from 'pino'
import type { Test } from 'tap'
import { request } from 'undici'
import type { Client } from '../../lib/authenticate/client.ts'
import { createB2Lane } from '../../lib/b2/lane.ts'
import { createB2Front } from '../../lib/b2front/lane.ts'
import { composeWays } from '../../lib/compose.ts'
import { apiOf } from '../../lib/compose-b2.ts'
import type { ListenB2 } from '../../lib/config/config.ts'
import type { Keyring } from '../../lib/keys/keyring.ts'
import { startListener } from '../../lib/listener/listener.ts'
import { createPolicy } from '../../lib/policy/resolve.ts'
import type { Rule } from '../../lib/policy/rule.ts'
import { createTransport } from '../../lib/transport/create.ts'
import { createHostTransport } from '../../lib/transport/undici.ts'
import { APP, APP_CLIENT, configOf, encrypt, FRONT, keyring, LIMITS, rule } from './proxy.ts'

export interface B2ProxyOptions {
  readonly upstream: string
  /** Whose storage is behind it; B2 when left out. */
  readonly provider?: string
  readonly now?: () => Date
  readonly rules?: readonly Rule[]
  readonly keyrings?: readonly Keyring[]
  readonly clients?: readonly Client[]
  readonly listen?: ListenB2
}

export interface B2Answer {
  readonly status: number
  readonly headers: NodeJS.Dict<string | string[]>
  readonly body: Buffer
  /** The body, when it is JSON. */
  json(): Record<string, string>
}

export interface B2Sending {
  readonly method?: 'GET' | 'HEAD' | 'POST' | 'PUT'
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Buffer | string
}

export interface B2Proxy {
  readonly origin: string
  readonly lines: Record<string, unknown>[]
  send(target: string, sending?: B2Sending): Promise<B2Answer>
  /** Authorises the client, and gives a way to call in its name. */
  authorize(version?: string): Promise<B2Client>
}

export interface B2Client {
  readonly account: Record<string, unknown>
  readonly token: string
  call(name: string, fields: object): Promise<B2Answer>
  upload(
    fileName: string,
    body: Buffer,
    headers?: Readonly<Record<string, string>>,
  ): Promise<B2Answer>
  download(target: string, sending?: B2Sending): Promise<B2Answer>
}

export const basic = ({ accessKeyId, secretAccessKey } = APP): string =>
  `Basic ${Buffer.from(`${accessKeyId}:${secretAccessKey}`).toString('base64')}`

const clientOf = (proxy: Pick<B2Proxy, 'send'>, account: Record<string, unknown>): B2Client => {
  const token = String(account['authorizationToken'])
  const authorization = { authorization: token }
  const call: B2Client['call'] = (name, fields) =>
    proxy.send(`/b2api/v2/${name}`, {
      method: 'POST',
      headers: authorization,
      body: JSON.stringify(fields),
    })
  return {
    account,
    token,
    call,
    upload: async (fileName, body, headers) => {
      const url = (await call('b2_get_upload_url', { bucketId: 'b-1' })).json()
      const said = {
        authorization: url['authorizationToken'] ?? '',
        'x-bz-file-name': fileName,
        ...headers,
      }
      return proxy.send(url['uploadUrl'] ?? '', { method: 'POST', headers: said, body })
    },
    download: (target, sending) =>
      proxy.send(target, { ...sending, headers: { ...authorization, ...sending?.headers } }),
  }
}

/** The B2 native lane on a free loopback port. */
export const startB2Proxy = async (t: Test, options: B2ProxyOptions): Promise<B2Proxy> => {
  const { rules = [rule(encrypt())], clients = [APP_CLIENT], listen } = options
  const lines: Record<string, unknown>[] = []
  const sink = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      lines.push(JSON.parse(chunk.toString()))
      done()
    },
  })
  const { provider = 'b2-native', now = () => new Date() } = options
  // A token may be of a client whose upstream is not there any more.
  const known = clients.filter(client => client.upstream === 'up')
  const config = configOf({ upstream: options.upstream, provider, rules, clients: known })
  const { upstreams } = config
  const keyrings = new Map(
    (options.keyrings ?? [keyring('main', 'v1')]).map(each => [each.name, each]),
  )
  const transport = createHostTransport(4)
  const policy = createPolicy(rules)
  const s3 = createTransport(config.transport, upstreams.values())
  const { carry } = composeWays({ config, keyrings: () => keyrings, transport: s3, now })
  const documentBytes = 64 * 1024
  const front = createB2Front({ clients, upstreams, carry, now, documentBytes })
  const lane = createB2Lane({
    clients,
    upstreams,
    keyrings: () => keyrings,
    policy,
    transport,
    documentBytes,
    front,
  })
  const b2 = listen ?? { url: undefined, s3Url: undefined }
  const address = { kind: 'tcp', host: '127.0.0.1', port: 0, tls: undefined, b2 } as const
  const journey = () => Promise.reject(new Error('no S3 here'))
  const api = apiOf(address, lane)
  const log = pino({ base: null }, sink)
  const listener = await startListener({
    front: FRONT,
    address,
    domains: [],
    limits: LIMITS,
    journey,
    api,
    log,
  })
  t.teardown(async () => {
    await listener.close()
    await Promise.all([transport.close(), s3.close()])
  })
  const send: B2Proxy['send'] = async (target, { method = 'GET', headers = {}, body } = {}) => {
    const url = target.startsWith('/') ? `${listener.where}${target}` : target
    const answer = await request(url, { method, headers, body: body ?? null })
    const bytes = Buffer.from(await answer.body.arrayBuffer())
    return {
      status: answer.statusCode,
      headers: answer.headers,
      body: bytes,
      json: () => JSON.parse(bytes.toString()),
    }
  }
  return {
    origin: listener.where,
    lines,
    send,
    authorize: async (version = 'v2') => {
      const answer = await send(`/b2api/${version}/b2_authorize_account`, {
        headers: { authorization: basic() },
      })
      return clientOf({ send }, answer.json())
    },
  }
}
