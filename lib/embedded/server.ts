import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { exchange } from './exchange.ts'
import { createFaults, type Faults } from './faults.ts'
import type { Answering } from './misbehave.ts'
import { isLoopback } from './request.ts'
import { route } from './router.ts'
import { Store } from './store/store.ts'

/** A running embedded upstream. */
export interface Embedded {
  /** Such as `http://127.0.0.1:9001`. */
  readonly origin: string
  /** Breaks off what is in flight, and stops. */
  close(): Promise<void>
}

export interface EmbeddedOptions {
  /** Folder of the stored objects; made when it is not there. */
  readonly path: string
  /** A loopback address. */
  readonly host: string
  /** 0 for any that is free. */
  readonly port: number
  readonly faults?: Faults
}

/**
 * Starts an S3 server on a local folder, with SSE-C as AWS answers it: for trial and tests.
 *
 * It looks at no signature, so that anyone on the machine may see what an object gives without its key; and customer
 * keys travel over plain http. Both are why it binds to nothing but a loopback address.
 *
 * @throws {RangeError} when the address is none
 */
export const startEmbedded = async ({
  path,
  host,
  port,
  faults = createFaults(),
}: EmbeddedOptions): Promise<Embedded> => {
  checkLoopback(host)
  // A big body over a slow line takes longer than the five minutes that are the default.
  const server = createServer({ requestTimeout: 0 })
  server.listen(port, host)
  await once(server, 'listening')
  const store = openStore(path, server)
  const inFlight = serve(server, store, faults)
  return {
    origin: originOf(server),
    close: async () => {
      server.close()
      server.closeAllConnections()
      await Promise.allSettled(inFlight)
    },
  }
}

const checkLoopback = (host: string): void => {
  if (isLoopback(host)) return
  throw new RangeError(`the embedded upstream binds to loopback only, not ${host}`)
}

/**
 * Opens the store behind the port, which keeps a second process of the same configuration from its folder; and before any
 * request, since nothing waits in between.
 */
const openStore = (path: string, server: Server): Store => {
  try {
    return new Store(path)
  } catch (cause) {
    server.close()
    throw cause
  }
}

const originOf = (server: Server): string => {
  const { address, family, port } = server.address() as AddressInfo
  return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`
}

/** Answers every request. @returns what is in flight at any time */
const serve = (server: Server, store: Store, faults: Faults): ReadonlySet<Promise<void>> => {
  const inFlight = new Set<Promise<void>>()
  const turns = new WeakMap<Socket, number>()
  const honest: Answering = async request => ({
    ...(await route(store, request)),
    ending: { kind: 'keep' },
  })
  const take = (message: IncomingMessage, response: ServerResponse, isWaiting: boolean): void => {
    const turn = (turns.get(message.socket) ?? 0) + 1
    turns.set(message.socket, turn)
    const done = exchange({ message, response, turn, isWaiting }, honest, faults)
    inFlight.add(done)
    void done.then(() => inFlight.delete(done))
  }
  server.on('request', (message, response) => take(message, response, false))
  server.on('checkContinue', (message, response) => take(message, response, true))
  return inFlight
}
