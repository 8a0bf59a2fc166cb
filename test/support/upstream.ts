import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Test } from 'tap'

/** A request as the upstream saw it. */
export interface Seen {
  readonly method: string
  readonly target: string
  readonly headers: Readonly<Record<string, string>>
  readonly rawHeaders: readonly string[]
  readonly body: Buffer
}

export interface Answer {
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Buffer
}

export type Answering = (seen: Seen) => Answer | Promise<Answer>

export interface Upstream {
  readonly origin: string
  readonly seen: Seen[]
  /** Requests whose body broke off. */
  readonly broken: number
}

const readBody = async (message: IncomingMessage): Promise<Buffer> => {
  const chunks: Buffer[] = []
  for await (const chunk of message) chunks.push(chunk)
  return Buffer.concat(chunks)
}

const ECHOED = ['algorithm', 'key-md5']

/** The SSE-C echo that a provider owes to a request. */
export const echoOf = (seen: Seen): Record<string, string> =>
  Object.fromEntries(
    ECHOED.map(part => `x-amz-server-side-encryption-customer-${part}`).flatMap(name =>
      seen.headers[name] === undefined ? [] : [[name, seen.headers[name]]],
    ),
  )

/** Answers 200 with the echo, as a provider that took the key does. */
export const obey: Answering = seen => ({ headers: { etag: '"0123"', ...echoOf(seen) } })

/** A recording upstream that answers as it is told. */
export const startUpstream = async (t: Test, answering: Answering = obey): Promise<Upstream> => {
  const seen: Seen[] = []
  const state = { broken: 0 }
  const handle = async (message: IncomingMessage, response: ServerResponse): Promise<void> => {
    const headers = Object.fromEntries(
      Object.entries(message.headers).map(([name, value]) => [name, String(value)]),
    )
    const { method = '', url: target = '', rawHeaders } = message
    const one = { method, target, headers, rawHeaders, body: await readBody(message) }
    seen.push(one)
    const answer = await answering(one)
    response.writeHead(answer.status ?? 200, answer.headers).end(Buffer.from(answer.body ?? ''))
  }
  const server = createServer((message, response) => {
    handle(message, response).catch(() => {
      state.broken += 1
      response.destroy()
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  return {
    origin: `http://127.0.0.1:${port}`,
    seen,
    get broken() {
      return state.broken
    },
  }
}
