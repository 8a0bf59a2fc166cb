import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { Readable } from 'node:stream'
import { createServer as createTlsServer } from 'node:tls'
import type { Test } from 'tap'
import type { SignedRequest } from '../../lib/sign/sign.ts'
import { createTransport } from '../../lib/transport/create.ts'
import type { Transport, UpstreamAnswer } from '../../lib/transport/transport.ts'
import type { TransportKind, Upstream, UpstreamTimeouts } from '../../lib/transport/upstream.ts'
import type { Certificate } from '../support/certificate.ts'

export const KINDS: readonly TransportKind[] = ['raw', 'undici']

/** One connection, seen from the upstream's end. */
export class Wire {
  readonly socket: Socket
  /** Counted from 1. */
  readonly number: number
  #received = ''
  #wake: () => void = () => undefined

  constructor(socket: Socket, number: number) {
    this.socket = socket
    this.number = number
    socket.on('error', () => socket.destroy())
    socket.on('close', () => this.#wake())
    socket.on('data', (bytes: Buffer) => {
      this.#received += bytes.toString('latin1')
      this.#wake()
    })
  }

  /** What came and was not taken. */
  get received(): string {
    return this.#received
  }

  /** Takes the next whole request, as latin1; undefined when the connection is closed. */
  async request(): Promise<string | undefined> {
    const head = await this.head()
    if (head === undefined) return undefined
    const length = Number(/^content-length: (\d+)/im.exec(head)?.[1] ?? 0)
    const body = await this.#take(() => (this.#received.length < length ? -1 : length))
    return body === undefined ? undefined : head + body
  }

  /** Takes the next head alone. */
  head(): Promise<string | undefined> {
    return this.#take(() => {
      const end = this.#received.indexOf('\r\n\r\n')
      return end < 0 ? -1 : end + 4
    })
  }

  async #take(find: () => number): Promise<string | undefined> {
    for (let length = find(); ; length = find()) {
      if (length >= 0) {
        const taken = this.#received.slice(0, length)
        this.#received = this.#received.slice(length)
        return taken
      }
      if (this.socket.destroyed) return undefined
      await new Promise<void>(resolve => {
        this.#wake = resolve
      })
    }
  }

  write(text: string): void {
    this.socket.write(text, 'latin1')
  }

  /** Answers every request with the same. */
  async answerAll(text: string): Promise<void> {
    while ((await this.request()) !== undefined) this.write(text)
  }
}

export interface WireUpstream {
  readonly endpoint: string
  readonly port: number
  readonly wires: readonly Wire[]
  /** Connections that are open. */
  open(): number
}

/** An upstream of bytes: `serve` writes on each connection what it likes. */
export const startWireUpstream = async (
  t: Test,
  serve: (wire: Wire) => Promise<void>,
  certificate?: Certificate,
): Promise<WireUpstream> => {
  const wires: Wire[] = []
  const onConnection = (socket: Socket): void => {
    const wire = new Wire(socket, wires.length + 1)
    wires.push(wire)
    void serve(wire)
  }
  const server = certificate
    ? createTlsServer(certificate, onConnection)
    : createServer(onConnection)
  server.on('tlsClientError', () => undefined)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    for (const { socket } of wires) socket.destroy()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  return {
    endpoint: `${certificate ? 'https' : 'http'}://127.0.0.1:${port}`,
    port,
    wires,
    open: () => wires.filter(({ socket }) => !socket.destroyed).length,
  }
}

export type Overrides = Partial<Omit<Upstream, 'timeouts'>> & {
  readonly timeouts?: Partial<UpstreamTimeouts>
}

export const upstreamAt = (endpoint: string, { timeouts, ...rest }: Overrides = {}): Upstream => ({
  name: 'up',
  provider: 'generic',
  endpoint,
  region: 'us-east-1',
  credentials: undefined,
  addressing: undefined,
  ca: undefined,
  connections: 4,
  timeouts: { connect: 5000, firstByte: 5000, idle: 5000, ...timeouts },
  ...rest,
})

/** A transport to one upstream, closed with the test. */
export const openTransport = (t: Test, kind: TransportKind, upstream: Upstream): Transport => {
  const transport = createTransport(kind, [upstream])
  t.teardown(() => transport.close())
  return transport
}

export interface Asking {
  readonly method?: string
  readonly target?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: SignedRequest['body']
  readonly repeatable?: boolean
}

export const requestTo = (upstream: Upstream, asking: Asking = {}): SignedRequest => {
  const body = asking.body ?? { kind: 'none' }
  const length =
    body.kind === 'stream' ? body.length : body.kind === 'bytes' ? body.bytes.length : undefined
  const framing = length === undefined ? {} : { 'content-length': String(length) }
  const headers = { host: new URL(upstream.endpoint).host, ...framing, ...asking.headers }
  return {
    upstream,
    method: asking.method ?? 'GET',
    target: asking.target ?? '/b/k',
    headers: new Map(Object.entries(headers)),
    body,
    repeatable: asking.repeatable ?? true,
  } as unknown as SignedRequest
}

/** A body that comes in these pieces. */
export const streamBody = (
  pieces: Iterable<string | Buffer> | AsyncIterable<string | Buffer>,
  length: number,
): Extract<SignedRequest['body'], { kind: 'stream' }> => ({
  kind: 'stream',
  wire: Readable.from(pieces, { objectMode: false }),
  filter: undefined,
  length,
})

/** A signal that never fires. */
export const never = (): AbortSignal => new AbortController().signal

export interface Meeting {
  readonly upstream: WireUpstream
  /** Sends a request, and gives its answer. */
  ask(asking?: Asking, signal?: AbortSignal): Promise<UpstreamAnswer>
  /** Sends a request, and reads its answer to the end. */
  read(asking?: Asking): Promise<string>
}

/** A transport of one kind, and an upstream that serves it. */
export const meet = async (
  t: Test,
  kind: TransportKind,
  serve: (wire: Wire) => Promise<void>,
  overrides: Overrides = {},
): Promise<Meeting> => {
  const upstream = await startWireUpstream(t, serve)
  const at = upstreamAt(upstream.endpoint, overrides)
  const transport = openTransport(t, kind, at)
  const ask: Meeting['ask'] = (asking, signal = never()) =>
    transport.send(requestTo(at, asking), signal)
  return { upstream, ask, read: async asking => textOf((await ask(asking)).body) }
}

/** The same is true of every kind of transport. */
export const onEach = (
  t: Test,
  name: string,
  run: (t: Test, kind: TransportKind) => Promise<void>,
): void => {
  for (const kind of KINDS) void t.test(`${kind}: ${name}`, t => run(t, kind))
}

export const textOf = async (body: Readable): Promise<string> => {
  const chunks: Buffer[] = []
  for await (const chunk of body) chunks.push(chunk)
  return Buffer.concat(chunks).toString('latin1')
}

/** Waits until something is so, and fails when it does not come to be. */
export const until = async (isSo: () => boolean): Promise<void> => {
  for (let tries = 0; !isSo(); tries += 1) {
    if (tries > 400) throw new Error(`it never came to be: ${isSo}`)
    await new Promise(resolve => setTimeout(resolve, 10))
  }
}
