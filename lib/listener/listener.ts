import { chmod, rm } from 'node:fs/promises'
import { connect, type Server, type Socket } from 'node:net'
import type { FrontKind, Limits, ListenAddress, ListenTls } from '../config/config.ts'
import { type Logger, type OpenJournal, openJournal } from '../observe/log.ts'
import type { Watch } from '../observe/watch.ts'
import type { Journey } from '../proxy.ts'
import type { S3Response } from '../s3/response.ts'
import { createFastFront } from './fast/fast-front.ts'
import type { Front, FrontExchange, IncomingRequest, OutgoingAnswer } from './front.ts'
import { createNodeFront } from './node-front.ts'
import { type Receiving, receive } from './receive.ts'
import { type HttpExchange, type Refuse, reply, replyError } from './reply.ts'
import { createRequestIds } from './request-ids.ts'

/** Another API than S3. */
export interface Api {
  answer(
    request: IncomingRequest,
    receiving: Pick<Receiving, 'proceed' | 'journal'>,
    signal: AbortSignal,
  ): Promise<S3Response>
  readonly refuse: Refuse
}

export interface ListenerOptions {
  readonly address: ListenAddress
  readonly domains: readonly string[]
  readonly limits: Limits
  readonly front: FrontKind
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

/** Bytes that a connection had moved when its request before was over. */
interface Mark {
  readonly read: number
  readonly written: number
}

const openExchange = (
  id: string,
  { request, answer, isContinueAsked }: FrontExchange,
  journal: OpenJournal,
  isClosing: () => boolean,
): HttpExchange & { readonly proceed: () => void } => {
  journal.note({ requestId: id })
  let isBodyAsked = !isContinueAsked
  const proceed = (): void => {
    if (!isBodyAsked) answer.writeContinue()
    isBodyAsked = true
  }
  return { id, request, answer, journal, proceed, isClosing, isBodyAsked: () => isBodyAsked }
}

/** Fires when the client goes away before its answer is complete. */
const goneSignal = (answer: OutgoingAnswer): AbortSignal => {
  const gone = new AbortController()
  answer.onceGone(() => gone.abort(new Error('the client went away')))
  return gone.signal
}

type Take = (exchange: ReturnType<typeof openExchange>) => Promise<void>

const createTake = ({ domains, journey, api, log }: ListenerOptions): Take => {
  return async exchange => {
    const { id, request, answer, journal, proceed } = exchange
    try {
      const receiving = { id, domains, proceed, journal }
      const signal = goneSignal(answer)
      const said = api
        ? await api.answer(request, receiving, signal)
        : await journey(receive(request, receiving), signal)
      await reply(exchange, said)
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

const closeFront = async (front: Front, drainTimeout: number): Promise<void> => {
  const idle = setInterval(() => front.closeIdleConnections(), DRAIN_STEP)
  const cut = setTimeout(() => front.closeAllConnections(), drainTimeout)
  await new Promise<void>(resolve => front.server.close(() => resolve()))
  clearInterval(idle)
  clearTimeout(cut)
}

/** Starts listening; each request goes through `journey`. */
export const startListener = async (options: ListenerOptions): Promise<Listener> => {
  const { address, limits } = options
  const take = createTake(options)
  const meter = createMeter()
  const nextId = createRequestIds()
  let isClosing = false
  const onExchange = (said: FrontExchange): Promise<void> => {
    const journal = openJournal(options.log, options.watch)
    const exchange = openExchange(nextId(), said, journal, () => isClosing)
    return meter(said.request.socket, journal, () => take(exchange))
  }
  const createFront = options.front === 'fast' ? createFastFront : createNodeFront
  const front = createFront({ address, limits, onExchange })
  front.server.maxConnections = limits.connections
  await listen(front.server, address)
  return {
    where: whereOf(front.server, address),
    renew: tls => {
      if (tls !== undefined) front.renew(tls)
    },
    close: () => {
      isClosing = true
      return closeFront(front, limits.drainTimeout)
    },
  }
}
