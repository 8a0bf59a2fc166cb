import { chmod, rm } from 'node:fs/promises'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as createTlsServer, Server as TlsServer } from 'node:https'
import { connect, type Socket } from 'node:net'
import type { Limits, ListenAddress, ListenTls } from '../config/config.ts'
import { type Logger, type OpenJournal, openJournal } from '../observe/log.ts'
import type { Watch } from '../observe/watch.ts'
import type { Journey } from '../proxy.ts'
import type { S3Response } from '../s3/response.ts'
import { refuseUnreadable } from './client-error.ts'
import { type Receiving, receive } from './receive.ts'
import { type HttpExchange, type Refuse, reply, replyError } from './reply.ts'
import { createRequestIds } from './request-ids.ts'

/** Another API than S3. */
export interface Api {
  answer(
    message: IncomingMessage,
    receiving: Pick<Receiving, 'proceed' | 'journal'>,
    signal: AbortSignal,
  ): Promise<S3Response>
  readonly refuse: Refuse
}

export interface ListenerOptions {
  readonly address: ListenAddress
  readonly domains: readonly string[]
  readonly limits: Limits
  readonly journey: Journey
  /** Spoken here instead of S3. */
  readonly api?: Api | undefined
  readonly log: Logger
  /** Told of every request. */
  readonly watch?: Watch | undefined
}

export interface Listener {
  /** Where it listens, as a URL or `unix:<path>`. */
  readonly where: string
  /** New connections get this certificate; nothing happens where there is none. */
  renew(tls: ListenTls | undefined): void
  /** Takes no new connection, lets requests in flight end for `drainTimeout`, then cuts what is left. */
  close(): Promise<void>
}

/** How often half-sent request heads are looked for, in milliseconds. */
const HEAD_CHECK = 1000

const createServerFor = (address: ListenAddress, limits: Limits): Server => {
  const options = {
    maxHeaderSize: limits.headerBytes,
    headersTimeout: limits.headersTimeout,
    keepAliveTimeout: limits.idleTimeout,
    // Bodies may take as long as they like, as long as they move: see onTimeout.
    requestTimeout: 0,
    connectionsCheckingInterval: HEAD_CHECK,
    insecureHTTPParser: false,
  }
  if (address.kind === 'unix' || address.tls === undefined) return createServer(options)
  const clientAuth =
    address.tls.clientCa === undefined ? {} : { requestCert: true, rejectUnauthorized: true }
  return createTlsServer({ ...options, ...secureContext(address.tls), ...clientAuth })
}

const secureContext = ({ cert, key, clientCa }: ListenTls) => ({
  cert,
  key,
  minVersion: 'TLSv1.2' as const,
  ...(clientCa === undefined ? {} : { ca: clientCa }),
})

// While the provider thinks, the client's connection is silent through no fault of its own.
const awaitsUpstream = ({ message, response }: HttpExchange): boolean =>
  message.complete && !response.headersSent

/** Bytes that a connection had moved when its request before was over. */
interface Mark {
  readonly read: number
  readonly written: number
}

const openExchange = (
  id: string,
  message: IncomingMessage,
  response: ServerResponse,
  journal: OpenJournal,
  isClosing: () => boolean,
  writeContinue: (() => void) | undefined,
): HttpExchange & { readonly proceed: () => void } => {
  journal.note({ requestId: id })
  let isBodyAsked = writeContinue === undefined
  const proceed = (): void => {
    if (!isBodyAsked) writeContinue?.()
    isBodyAsked = true
  }
  return { id, message, response, journal, proceed, isClosing, isBodyAsked: () => isBodyAsked }
}

/** Fires when the client goes away before its answer is complete. */
const goneSignal = (response: ServerResponse): AbortSignal => {
  const gone = new AbortController()
  response.once('close', () => {
    if (!response.writableFinished) gone.abort(new Error('the client went away'))
  })
  return gone.signal
}

type Take = (exchange: ReturnType<typeof openExchange>) => Promise<void>

const createTake = ({ domains, journey, api, log }: ListenerOptions): Take => {
  return async exchange => {
    const { id, message, response, journal, proceed } = exchange
    try {
      const receiving = { id, domains, proceed, journal }
      const signal = goneSignal(response)
      const answer = api
        ? await api.answer(message, receiving, signal)
        : await journey(receive(message, receiving), signal)
      await reply(exchange, answer)
    } catch (error) {
      // The stack alone: a fault's own fields are on no allow-list.
      const onFault = (fault: unknown): void =>
        log.error({ requestId: id, stack: fault instanceof Error ? fault.stack : '' }, 'fault')
      await replyError(error, exchange, onFault, api?.refuse)
    }
  }
}

/** Measures what an exchange moved, and closes its journal. */
const createMeter = () => {
  const marks = new WeakMap<Socket, Mark>()
  return async (socket: Socket, journal: OpenJournal, run: () => Promise<void>): Promise<void> => {
    const started = performance.now()
    try {
      await run()
    } catch {
      journal.note({ aborted: true })
    }
    const mark = marks.get(socket) ?? { read: 0, written: 0 }
    const now = { read: socket.bytesRead, written: socket.bytesWritten }
    marks.set(socket, now)
    journal.note({
      bytesIn: now.read - mark.read,
      bytesOut: now.written - mark.written,
      ms: Math.round(performance.now() - started),
    })
    journal.close()
  }
}

const listen = async (server: Server, address: ListenAddress): Promise<void> => {
  if (address.kind === 'unix') await removeStale(address.path)
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    const onListening = (): void => {
      server.off('error', reject)
      resolve()
    }
    if (address.kind === 'unix') server.listen(address.path, onListening)
    else server.listen(address.port, address.host, onListening)
  })
  if (address.kind === 'unix') await chmod(address.path, 0o660)
}

/** Removes a socket file that a dead process left; one that still answers stays, and listening fails. */
const removeStale = async (path: string): Promise<void> => {
  const isAlive = await new Promise<boolean>(resolve => {
    const probe = connect(path)
    probe.once('connect', () => resolve(true)).once('error', () => resolve(false))
    probe.once('connect', () => probe.destroy())
  })
  if (!isAlive) await rm(path, { force: true })
}

const whereOf = (server: Server, address: ListenAddress): string => {
  if (address.kind === 'unix') return `unix:${address.path}`
  const bound = server.address()
  const port = typeof bound === 'object' && bound !== null ? bound.port : address.port
  const host = address.host.includes(':') ? `[${address.host}]` : address.host
  return `${address.tls === undefined ? 'http' : 'https'}://${host}:${port}`
}

/** Milliseconds between two looks for connections that have become idle while draining. */
const DRAIN_STEP = 50

const closeServer = async (server: Server, drainTimeout: number): Promise<void> => {
  const idle = setInterval(() => server.closeIdleConnections(), DRAIN_STEP)
  const cut = setTimeout(() => server.closeAllConnections(), drainTimeout)
  await new Promise<void>(resolve => server.close(() => resolve()))
  clearInterval(idle)
  clearTimeout(cut)
}

/** Starts listening; each request goes through `journey`. */
export const startListener = async (options: ListenerOptions): Promise<Listener> => {
  const { address, limits } = options
  const server = createServerFor(address, limits)
  const take = createTake(options)
  const meter = createMeter()
  const nextId = createRequestIds()
  const underWay = new WeakMap<Socket, HttpExchange>()
  let isClosing = false
  const onRequest = (
    message: IncomingMessage,
    response: ServerResponse,
    writeContinue: (() => void) | undefined,
  ): void => {
    const journal = openJournal(options.log, options.watch)
    const exchange = openExchange(
      nextId(),
      message,
      response,
      journal,
      () => isClosing,
      writeContinue,
    )
    underWay.set(message.socket, exchange)
    void meter(message.socket, journal, () => take(exchange)).finally(() =>
      underWay.delete(message.socket),
    )
  }
  server.maxConnections = limits.connections
  server.on('request', (message, response) => onRequest(message, response, undefined))
  server.on('checkContinue', (message, response) =>
    onRequest(message, response, () => response.writeContinue()),
  )
  server.on('clientError', refuseUnreadable)
  server.setTimeout(limits.bodyIdleTimeout, socket => {
    const exchange = underWay.get(socket)
    if (exchange !== undefined && awaitsUpstream(exchange))
      socket.setTimeout(limits.bodyIdleTimeout)
    else socket.destroy()
  })
  await listen(server, address)
  return {
    where: whereOf(server, address),
    renew: tls => {
      if (tls !== undefined && server instanceof TlsServer)
        server.setSecureContext(secureContext(tls))
    },
    close: () => {
      isClosing = true
      return closeServer(server, limits.drainTimeout)
    },
  }
}
