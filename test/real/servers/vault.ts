import { type ChildProcess, spawn } from 'node:child_process'
import { createHash, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Agent, request } from 'undici'
import { run } from '../command.ts'
import { CACHE, type Certificates, type Endpoint } from '../stage.ts'
import { findGo } from './go.ts'
import { findFreePort, untilListening } from './ports.ts'

const SOURCE = fileURLToPath(new URL('vault', import.meta.url))

/** The program is named by its source, so that a changed one is built anew. */
const programPath = async (): Promise<string> => {
  const hash = createHash('sha256')
  for (const file of ['main.go', 'go.mod', 'go.sum'])
    hash.update(await readFile(join(SOURCE, file)))
  return join(CACHE, 'bin', `vault-${hash.digest('hex').slice(0, 12)}`)
}

/** Builds Vault out of its modules, once: there are no packages of it. Several may do so at the same time. */
const ensureProgram = async (): Promise<string> => {
  const program = await programPath()
  if (existsSync(program)) return program
  await mkdir(join(CACHE, 'bin'), { recursive: true })
  const unfinished = `${program}.${randomUUID()}`
  await run(await findGo(), ['build', '-ldflags=-s -w', '-o', unfinished, '.'], {
    cwd: SOURCE,
    env: { CGO_ENABLED: '0', GOFLAGS: '-trimpath -mod=readonly' },
    timeout: 1_200_000,
  })
  await rename(unfinished, program)
  return program
}

export interface Answer {
  readonly status: number
  readonly value: Readonly<Record<string, unknown>>
}

const recordAt = (value: unknown, ...path: readonly string[]): Readonly<Record<string, unknown>> =>
  path.reduce<Readonly<Record<string, unknown>>>(
    (inner, name) => (inner[name] ?? {}) as Readonly<Record<string, unknown>>,
    value as Readonly<Record<string, unknown>>,
  )

/** A field of an answer, by its path. */
export const fieldOf = ({ value }: Answer, ...path: readonly [string, ...string[]]): unknown =>
  recordAt(value, ...path.slice(0, -1))[path.at(-1) ?? '']

/** A running Vault with a KV engine at `secret`, and its root token. Its storage is in memory. */
export class RealVault {
  readonly endpoint: Endpoint
  readonly #child: ChildProcess
  readonly #dispatcher: Agent
  #rootToken = ''
  #unsealKey = ''

  constructor(endpoint: Endpoint, child: ChildProcess, ca: string) {
    this.endpoint = endpoint
    this.#child = child
    this.#dispatcher = new Agent({ connect: { ca } })
  }

  get rootToken(): string {
    return this.#rootToken
  }

  /** Asks it as root, whatever it may answer. */
  async ask(method: string, path: string, body?: unknown): Promise<Answer> {
    const answer = await request(`${this.endpoint.origin}/v1/${path}`, {
      method,
      dispatcher: this.#dispatcher,
      headers: this.#rootToken === '' ? {} : { 'x-vault-token': this.#rootToken },
      body: body === undefined ? null : JSON.stringify(body),
    })
    const text = await answer.body.text()
    return { status: answer.statusCode, value: text === '' ? {} : JSON.parse(text) }
  }

  /**
   * Asks it as root for what it must grant.
   *
   * @throws {Error} for any other answer
   */
  async demand(method: string, path: string, body?: unknown): Promise<Answer> {
    const answer = await this.ask(method, path, body)
    if (answer.status < 300) return answer
    throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.value)}`)
  }

  async seal(): Promise<void> {
    await this.demand('PUT', 'sys/seal')
  }

  async unseal(): Promise<void> {
    await this.demand('PUT', 'sys/unseal', { key: this.#unsealKey })
  }

  async initialize(): Promise<void> {
    const made = await this.demand('PUT', 'sys/init', { secret_shares: 1, secret_threshold: 1 })
    this.#unsealKey = (made.value['keys_base64'] as readonly string[])[0] ?? ''
    await this.unseal()
    this.#rootToken = String(made.value['root_token'])
    await this.demand('POST', 'sys/mounts/secret', { type: 'kv', options: { version: '2' } })
    await this.#untilMounted()
  }

  // An engine of version 2 prepares its storage first, and answers 400 meanwhile.
  async #untilMounted(): Promise<void> {
    for (let tries = 0; tries < 100; tries++) {
      if ((await this.ask('GET', 'secret/config')).status === 200) return
      await new Promise(resolve => setTimeout(resolve, 50))
    }
    throw new Error('the KV engine does not come up')
  }

  /** A token that may do what a policy grants. */
  async createToken(name: string, policy: string): Promise<string> {
    await this.demand('PUT', `sys/policies/acl/${name}`, { policy })
    const answer = await this.demand('POST', 'auth/token/create', { policies: [name], ttl: '1h' })
    return String(fieldOf(answer, 'auth', 'client_token'))
  }

  async stop(): Promise<void> {
    await this.#dispatcher.close()
    if (this.#child.exitCode !== null) return
    const exited = once(this.#child, 'exit')
    this.#child.kill('SIGKILL')
    await exited
  }
}

/** Starts a Vault with TLS, initialized and unsealed. It ends with this process at the latest. */
export const startVault = async ({ ca, cert, key }: Certificates): Promise<RealVault> => {
  const program = await ensureProgram()
  const port = await findFreePort()
  const args = ['-address', `127.0.0.1:${port}`, '-cert', cert, '-key', key]
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', program, ...args], { stdio: 'ignore' })
  await untilListening(port, () =>
    child.exitCode === null ? undefined : `vault ended with ${child.exitCode}`,
  )
  const endpoint = { origin: `https://127.0.0.1:${port}`, ca }
  const vault = new RealVault(endpoint, child, await readFile(ca, 'utf8'))
  await vault.initialize()
  return vault
}

/** What a keyring's configuration says of the way to a vault; the token is put into a file of `folder`. */
export const vaultAt = async (
  folder: string,
  { endpoint }: RealVault,
  token: string,
): Promise<object> => {
  const file = join(folder, 'token')
  await writeFile(file, token, { mode: 0o600 })
  return { address: endpoint.origin, ca: endpoint.ca, auth: { token: { file } }, timeout: '1s' }
}
