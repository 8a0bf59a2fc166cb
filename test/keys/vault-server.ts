import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Test } from 'tap'
import { createTransitEngine } from './transit-engine.ts'

/** What a test does to the vault, and what it saw. */
export interface VaultServer {
  readonly address: string
  /** Every call, as `METHOD path`. */
  readonly calls: string[]
  /** Answers this to every call, when set; 0 breaks the connection. */
  fault: number | undefined
  /** The keys of the secret, oldest first: version 1 is the first; undefined for one that was deleted. */
  readonly keys: (string | undefined)[]
  /** Those of versions that were deleted through the API, by their number. */
  readonly deleted: Map<number, string>
  maxVersions: number
  /** When each version was made, by its number. */
  readonly created: Map<number, string>
  /** Seconds that tokens are given for. */
  lease: number
  /** Tokens that it knows. */
  readonly tokens: Set<string>
  /** The fields of the secret's newest version, whichever they are. */
  field: Readonly<Record<string, string>> | undefined
  readonly transit: ReturnType<typeof createTransitEngine>
}

const bodyOf = async (request: IncomingMessage): Promise<Record<string, unknown>> => {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk)
  return chunks.length === 0 ? {} : JSON.parse(Buffer.concat(chunks).toString())
}

type Reply = readonly [status: number, body: unknown]

const DENIED: Reply = [403, { errors: ['permission denied'] }]
const NOTHING: Reply = [404, { errors: [] }]
const CREATED = '2020-11-21T05:48:13.123456789Z'

const metadata = ({ keys, maxVersions, created }: VaultServer): Reply => [
  200,
  {
    data: {
      current_version: keys.length,
      max_versions: maxVersions,
      versions: Object.fromEntries(
        keys.map((key, i) => [
          String(i + 1),
          {
            created_time: created.get(i + 1) ?? CREATED,
            deletion_time: key === undefined ? CREATED : '',
            destroyed: false,
          },
        ]),
      ),
    },
  },
]

const read = ({ keys }: VaultServer, version: number): Reply => {
  const key = keys[version - 1]
  return key === undefined ? NOTHING : [200, { data: { data: { key }, metadata: { version } } }]
}

const write = ({ keys }: VaultServer, body: Record<string, unknown>): Reply => {
  const { options, data } = body as { options: { cas: number }; data: { key: string } }
  if (options.cas !== keys.length) {
    return [400, { errors: ['check-and-set parameter did not match the current version'] }]
  }
  keys.push(data.key)
  return [200, { data: { version: keys.length } }]
}

const numbersIn = (body: Record<string, unknown>): readonly number[] =>
  body['versions'] as readonly number[]

/** A deleted version keeps its key. */
const remove: Handler = ({ keys, deleted }, body) => {
  for (const version of numbersIn(body)) {
    deleted.set(version, keys[version - 1] ?? deleted.get(version) ?? '')
    keys[version - 1] = undefined
  }
  return [204, undefined]
}

const bringBack: Handler = ({ keys, deleted }, body) => {
  for (const version of numbersIn(body)) keys[version - 1] = deleted.get(version)
  return [204, undefined]
}

type Handler = (vault: VaultServer, body: Record<string, unknown>, token: string) => Reply

const logIn = (vault: VaultServer, isRight: boolean): Reply => {
  if (!isRight) return [400, { errors: ['invalid role or secret ID'] }]
  const token = `s.${vault.tokens.size + 1}`
  vault.tokens.add(token)
  return [200, { auth: { client_token: token, lease_duration: vault.lease, renewable: true } }]
}

const LOGINS: Readonly<Record<string, Handler>> = {
  'POST /v1/auth/approle/login': (vault, body) =>
    logIn(vault, body['role_id'] === 'role' && body['secret_id'] === 'secret-id'),
  'POST /v1/auth/kubernetes/login': (vault, body) =>
    logIn(vault, body['role'] === 'ssec' && body['jwt'] === 'jwt'),
}

const CALLS: Readonly<Record<string, Handler>> = {
  'GET /v1/auth/token/lookup-self': ({ lease }) => [200, { data: { ttl: lease, renewable: true } }],
  'POST /v1/auth/token/renew-self': ({ lease }, _body, token) => [
    200,
    { auth: { client_token: token, lease_duration: lease, renewable: true } },
  ],
  'GET /v1/secret/metadata/ssec/main': metadata,
  'GET /v1/secret/data/ssec/main': ({ field }) =>
    field === undefined ? NOTHING : [200, { data: { data: field } }],
  'POST /v1/secret/data/ssec/main': write,
  'POST /v1/secret/delete/ssec/main': remove,
  'POST /v1/secret/undelete/ssec/main': bringBack,
}

const answer = (
  vault: VaultServer,
  call: string,
  token: string,
  body: Record<string, unknown>,
): Reply => {
  const login = LOGINS[call]
  if (login !== undefined) return login(vault, body, token)
  if (!vault.tokens.has(token)) return DENIED
  const [, version] = /^GET \/v1\/secret\/data\/ssec\/main\?version=(\d+)$/.exec(call) ?? []
  if (version !== undefined) return read(vault, Number(version))
  return CALLS[call]?.(vault, body, token) ?? vault.transit(call, body) ?? NOTHING
}

/**
 * A stub of a Vault or OpenBao, for what the proxy asks of one. It is written after the API's documentation
 * (https://developer.hashicorp.com/vault/api-docs/secret/kv/kv-v2, `auth/approle`, `auth/kubernetes`, `auth/token`); the
 * server itself is asked in test/real/vault.test.ts.
 */
export const startVault = async (t: Test, ...keys: readonly string[]): Promise<VaultServer> => {
  const vault: VaultServer = {
    address: '',
    calls: [],
    fault: undefined,
    keys: [...keys],
    deleted: new Map(),
    maxVersions: 0,
    created: new Map(),
    lease: 3600,
    tokens: new Set(['root']),
    field: undefined,
    transit: createTransitEngine(),
  }
  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const call = `${request.method} ${request.url}`
    vault.calls.push(call)
    const token = String(request.headers['x-vault-token'] ?? '')
    const body = await bodyOf(request)
    if (vault.fault === 0) return void request.socket.destroy()
    const [status, value] =
      vault.fault === undefined ? answer(vault, call, token, body) : [vault.fault, { errors: [] }]
    response
      .writeHead(status, { 'content-type': 'application/json' })
      .end(value === undefined ? '' : JSON.stringify(value))
  }
  const server = createServer((request, response) => void serve(request, response))
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  return Object.assign(vault, { address: `http://127.0.0.1:${port}` })
}
