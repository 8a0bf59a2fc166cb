import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { type IncomingHttpHeaders, type IncomingMessage, request } from 'node:http'
import { setTimeout } from 'node:timers/promises'
import type { Test } from 'tap'
import { createFaults, type Faults } from '../../lib/embedded/faults.ts'
import { startEmbedded } from '../../lib/embedded/server.ts'

export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
  readonly text: string
  /** The text of the answer's first element of that name. */
  readonly element: (name: string) => string | undefined
}

type Headers = Readonly<Record<string, string>>

/** A request without a signature: the embedded upstream looks at none. */
export type Ask = (
  method: string,
  target: string,
  headers?: Headers,
  body?: string | Buffer,
) => Promise<Answer>

const toAnswer = (status: number, headers: IncomingHttpHeaders, body: Buffer): Answer => {
  const text = body.toString()
  const element = (name: string) => new RegExp(`<${name}>([^<]*)</${name}>`).exec(text)?.[1]
  return { status, headers, body, text, element }
}

export const createAsk =
  (origin: string): Ask =>
  (method, target, headers = {}, body = '') =>
    new Promise((resolve, reject) => {
      const { hostname, port } = new URL(origin)
      const framed = { 'content-length': String(Buffer.byteLength(body)), ...headers }
      const options = { hostname, port, method, path: target, headers: framed, agent: false }
      const outgoing = request(options, answer => {
        const chunks: Buffer[] = []
        answer.on('data', chunk => chunks.push(chunk))
        answer.on('error', reject)
        answer.on('end', () =>
          resolve(toAnswer(answer.statusCode ?? 0, answer.headers, Buffer.concat(chunks))),
        )
      })
      outgoing.on('error', reject)
      // As bytes: node:http would write the head of a string body in UTF-8.
      outgoing.end(Buffer.from(body))
    })

export interface Running {
  readonly origin: string
  readonly ask: Ask
  readonly faults: Faults
  readonly close: () => Promise<void>
}

/** An embedded upstream on a free port, with a bucket `box`. */
export const start = async (t: Test, path: string = t.testdir()): Promise<Running> => {
  const faults = createFaults()
  const { origin, close } = await startEmbedded({ path, host: '127.0.0.1', port: 0, faults })
  t.teardown(close)
  const ask = createAsk(origin)
  await ask('PUT', '/box')
  return { origin, ask, faults, close }
}

export const keyOf = (name: string): Buffer => createHash('sha256').update(name).digest()

export const base64Md5 = (bytes: Buffer | string): string =>
  createHash('md5').update(bytes).digest('base64')

/** A header triple. @param key its name, or its raw bytes */
export const triple = (
  key: string | Buffer,
  prefix:
    | 'x-amz-server-side-encryption'
    | 'x-amz-copy-source-server-side-encryption' = 'x-amz-server-side-encryption',
) => {
  const bytes = typeof key === 'string' ? keyOf(key) : key
  return {
    [`${prefix}-customer-algorithm`]: 'AES256',
    [`${prefix}-customer-key`]: bytes.toString('base64'),
    [`${prefix}-customer-key-md5`]: base64Md5(bytes),
  }
}

export const sourceTriple = (key: string) => triple(key, 'x-amz-copy-source-server-side-encryption')

/** What an answer with a triple's echo has of it. */
export const echoIn = ({ headers }: Answer): readonly unknown[] => [
  headers['x-amz-server-side-encryption-customer-algorithm'],
  headers['x-amz-server-side-encryption-customer-key-md5'],
]

export const echoOf = (key: string): readonly unknown[] => ['AES256', base64Md5(keyOf(key))]
export const NO_ECHO = [undefined, undefined]

/** What is left in a folder once it has had the time to become empty. */
export const untilEmpty = async (folder: string): Promise<readonly string[]> => {
  for (let tries = 0; readdirSync(folder).length > 0 && tries < 100; tries++) await setTimeout(20)
  return readdirSync(folder)
}

/** A request whose body is sent when the test wants it. */
export interface SlowRequest {
  /** Sends the rest of the body, and gives the answer's status and error code. */
  finish(): Promise<readonly [status: number | undefined, code: string | undefined]>
}

/** Sends a request's head and the first byte of its body, and waits until some of it has been stored. */
export const sendSlowly = async (
  origin: string,
  target: string,
  folder: string,
): Promise<SlowRequest> => {
  const headers = { 'content-length': '2' }
  const outgoing = request(`${origin}${target}`, { method: 'PUT', headers, agent: false })
  outgoing.write('1')
  while (readdirSync(folder).length === 0) await setTimeout(5)
  return {
    finish: async () => {
      outgoing.end('2')
      const [answer] = (await once(outgoing, 'response')) as [IncomingMessage]
      const text = (await answer.toArray()).join('')
      return [answer.statusCode, /<Code>([^<]*)</.exec(text)?.[1]]
    },
  }
}
