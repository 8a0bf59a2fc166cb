import { createCipheriv, createHash } from 'node:crypto'
import { chmodSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import type { Io } from '../../lib/commands/io.ts'
import { runCommand } from '../../lib/commands/program.ts'
import { createFaults, type Faults } from '../../lib/embedded/faults.ts'
import { startEmbedded } from '../../lib/embedded/server.ts'
import { type Received, type Sending, send } from './client.ts'

export const BUCKET = 'data'

const masterOf = (name: string): Buffer => createHash('sha256').update(`bulk ${name}`).digest()

/** The header triple of a key by its name; any name has one. */
export const tripleOf = (name: string): Record<string, string> => ({
  'x-amz-server-side-encryption-customer-algorithm': 'AES256',
  'x-amz-server-side-encryption-customer-key': masterOf(name).toString('base64'),
  'x-amz-server-side-encryption-customer-key-md5': createHash('md5')
    .update(masterOf(name))
    .digest('base64'),
})

/** The key as base64, as a key file has it. */
export const keyText = (name: string): string => masterOf(name).toString('base64')

/** Bytes of which no two stretches are alike. */
export const bytesOf = (length: number, seed: string): Buffer =>
  createCipheriv('aes-256-ctr', masterOf(seed), Buffer.alloc(16)).update(Buffer.alloc(length))

export interface Outcome {
  readonly code: number
  readonly out: string
  readonly err: string
}

/** A bucket at the embedded upstream, and the commands of a configuration before it. */
export interface BulkStage {
  readonly folder: string
  readonly faults: Faults
  readonly origin: string
  /** Asks the provider itself. */
  direct(sending: Sending): Promise<Received>
  /** Stores an object under a key by its name, or in plaintext. */
  store(
    objectKey: string,
    body: string | Buffer,
    key?: string,
    headers?: Record<string, string>,
  ): Promise<void>
  run(...words: readonly string[]): Promise<Outcome>
  /** @param versions newest first */
  writeKeyring(...versions: readonly string[]): void
}

export interface BulkStageOptions {
  /** Whose profile the upstream has; it stays the embedded one. */
  readonly provider?: string
  readonly rules?: readonly object[]
}

const RULES = [
  { name: 'open', buckets: ['open'], passthrough: true },
  { name: 'default', buckets: ['*'], encrypt: { keyring: 'main' } },
]

const configOf = (origin: string, { provider = 'embedded', rules = RULES }: BulkStageOptions) => ({
  upstreams: {
    main:
      provider === 'embedded'
        ? { provider, path: 'objects', port: Number(new URL(origin).port) }
        : {
            provider,
            endpoint: origin,
            region: 'us-east-1',
            addressing: 'path',
            credentials: { env: 'UP' },
          },
  },
  clients: [
    { name: 'app', accessKeyId: 'app', secretAccessKey: { env: 'APP_SECRET' }, upstream: 'main' },
  ],
  keyrings: { main: { provider: 'file', path: 'keyring.yaml' } },
  rules,
})

const ENV = { APP_SECRET: 's', UP_ACCESS_KEY_ID: 'up', UP_SECRET_ACCESS_KEY: 'up' }

export const startBulkStage = async (
  t: Test,
  options: BulkStageOptions = {},
): Promise<BulkStage> => {
  const folder = t.testdir()
  const faults = createFaults()
  const { origin, close } = await startEmbedded({
    path: join(folder, 'objects'),
    host: '127.0.0.1',
    port: 0,
    faults,
  })
  t.teardown(close)
  const direct = (sending: Sending): Promise<Received> => send(origin, sending)
  const writeKeyring = (...versions: readonly string[]): void => {
    const path = join(folder, 'keyring.yaml')
    const keyring = { versions: versions.map(id => ({ id, key: keyText(id) })) }
    writeFileSync(path, JSON.stringify(keyring), { mode: 0o600 })
    chmodSync(path, 0o600)
  }
  writeKeyring('v2', 'v1')
  writeFileSync(join(folder, 'ssec-proxy.yaml'), JSON.stringify(configOf(origin, options)))
  await direct({ method: 'PUT', path: `/${BUCKET}` })
  return {
    folder,
    faults,
    origin,
    direct,
    writeKeyring,
    store: async (objectKey, body, key, headers = {}) => {
      const { status, text } = await direct({
        method: 'PUT',
        path: `/${BUCKET}/${encodeURI(objectKey)}`,
        body,
        headers: { ...headers, ...(key === undefined ? {} : tripleOf(key)) },
      })
      if (status !== 200) throw new Error(text)
    },
    run: async (...words) => {
      const written = { out: '', err: '' }
      const io: Io = {
        stdout: { write: text => (written.out += text) },
        stderr: { write: text => (written.err += text) },
        env: ENV,
        cwd: folder,
        now: () => new Date(),
      }
      return { code: await runCommand(words, io), ...written }
    },
  }
}
