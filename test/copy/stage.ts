import { createCipheriv, createHash } from 'node:crypto'
import type { Test } from 'tap'
import { createFaults, type Faults } from '../../lib/embedded/faults.ts'
import { startEmbedded } from '../../lib/embedded/server.ts'
import { type Received, type Sending, send } from '../support/client.ts'
import {
  encrypt,
  keyBytes,
  keyring,
  type ProxyOptions,
  type RunningProxy,
  rule,
  startProxy,
} from '../support/proxy.ts'

/** The versions of the keyrings that the stage's objects were written with. */
export const MAIN_NEW = 'main/v2'
export const MAIN_OLD = 'main/v1'
export const OTHER = 'other/w1'

const KEYRINGS = [keyring('main', 'v2', 'v1'), keyring('other', 'w1')]

/** Buckets and their rules: two keyrings, none at all, and one where plaintext may not be read. */
export const RULES = [
  rule(encrypt({ encrypt: { keyring: 'other' }, plaintextReads: 'allow' }), { buckets: ['other'] }),
  rule({ kind: 'passthrough' }, { buckets: ['plain'] }),
  rule(encrypt({ plaintextReads: 'deny' }), { buckets: ['strict'] }, 'strict'),
  rule(encrypt({ plaintextReads: 'allow' })),
]

export const BUCKETS = ['main', 'other', 'plain', 'strict']

/** The header triple of a key by its bytes or its name, such as `main/v2`; none for plaintext. */
export const tripleOf = (
  name: string | Buffer | undefined,
  prefix = 'x-amz-server-side-encryption',
): Record<string, string> => {
  if (name === undefined) return {}
  const bytes = typeof name === 'string' ? keyBytes(name) : name
  return {
    [`${prefix}-customer-algorithm`]: 'AES256',
    [`${prefix}-customer-key`]: bytes.toString('base64'),
    [`${prefix}-customer-key-md5`]: createHash('md5').update(bytes).digest('base64'),
  }
}

export interface Stage {
  readonly faults: Faults
  /** The provider's own URL. */
  readonly origin: string
  /** Asks the provider itself, behind the proxies' backs. */
  direct(sending: Sending): Promise<Received>
  /** A proxy in front of it. */
  proxy(options?: Omit<ProxyOptions, 'upstream'>): Promise<RunningProxy>
  /** Everything that an upload left behind, and nobody completed. */
  uploads(bucket: string): Promise<readonly string[]>
}

/** The embedded upstream, with the buckets in it. */
export const startStage = async (t: Test): Promise<Stage> => {
  const faults = createFaults()
  const { origin, close } = await startEmbedded({
    path: t.testdir(),
    host: '127.0.0.1',
    port: 0,
    faults,
  })
  t.teardown(close)
  const direct = (sending: Sending): Promise<Received> => send(origin, sending)
  for (const bucket of BUCKETS) await direct({ method: 'PUT', path: `/${bucket}` })
  return {
    faults,
    origin,
    direct,
    proxy: options =>
      startProxy(t, {
        upstream: origin,
        provider: 'embedded',
        rules: RULES,
        keyrings: KEYRINGS,
        ...options,
      }),
    uploads: async bucket => {
      const { text } = await direct({ path: `/${bucket}`, query: { uploads: '' } })
      return [...text.matchAll(/<UploadId>([^<]*)/g)].map(([, id = '']) => id)
    },
  }
}

export const MIB = 1024 * 1024

/** Bytes of which no two stretches are alike. */
export const bytesOf = (length: number, seed = 'copy'): Buffer =>
  createCipheriv('aes-256-ctr', keyBytes(seed), Buffer.alloc(16)).update(Buffer.alloc(length))

/** The text of an element of an answer's document. */
export const textOf = ({ text }: Received, element: string): string | undefined =>
  new RegExp(`<${element}>([^<]*)</${element}>`).exec(text)?.[1]
