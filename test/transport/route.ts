import { once } from 'node:events'
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import { createServer as createTlsServer, request as requestTls } from 'node:https'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { pino } from 'pino'
import type { Test } from 'tap'
import type { FrontKind } from '../../lib/config/config.ts'
import { startListener } from '../../lib/listener/listener.ts'
import type { Journey } from '../../lib/proxy.ts'
import { withoutHopByHop } from '../../lib/s3/headers.ts'
import type { Transport } from '../../lib/transport/transport.ts'
import type { Upstream } from '../../lib/transport/upstream.ts'
import type { Certificate } from '../support/certificate.ts'
import { LIMITS } from '../support/proxy.ts'
import { type Arrival, type Manner, readBody, writeBody } from './bodies.ts'
import { requestTo, until, upstreamAt } from './stage.ts'

/** One body's way through the proxy: down with GET, up with PUT. */
export interface Trip {
  readonly method: 'GET' | 'PUT'
  readonly size: number
  readonly framing: 'length' | 'chunked'
  readonly client: Manner
  readonly upstream: Manner
}

/** What came of it where it went to; undefined when it did not even begin. */
export type Outcome = Arrival | undefined

export type Scheme = 'http' | 'https'

export interface Route {
  travel(trip: Trip): Promise<Outcome>
  /** Cuts nothing short, and makes sure that no connection is left. */
  close(): Promise<void>
}

/** A trip under way, by the object's name. */
interface Travelling {
  readonly trip: Trip
  hasBegun: boolean
  arrived: (arrival: Arrival) => void
}

type Handle = (message: IncomingMessage, response: ServerResponse) => void

const serverFor = (scheme: Scheme, certificate: Certificate, handle: Handle) =>
  scheme === 'http' ? createServer(handle) : createTlsServer({ ...certificate }, handle)

const lengthOf = ({ framing, size }: Trip): Record<string, string> =>
  framing === 'length' ? { 'content-length': String(size) } : {}

/** The upstream's end: node's own server, so that an error of ours meets no twin. */
const startEnd = async (
  scheme: Scheme,
  certificate: Certificate,
  travelling: ReadonlyMap<string, Travelling>,
) => {
  const handle = async (message: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { socket } = message
    response.on('error', () => undefined)
    const found = travelling.get(message.url ?? '')
    if (found === undefined) throw new Error(`unknown trip ${message.url}`)
    const { trip, arrived } = found
    found.hasBegun = true
    if (trip.method === 'GET') {
      response.writeHead(200, lengthOf(trip))
      await writeBody(response, trip.size, trip.upstream)
    } else {
      const arrival = await readBody(message, trip.upstream)
      arrived(arrival)
      if (arrival.isComplete) response.writeHead(200, { 'content-length': '0' }).end()
      else socket.destroy()
    }
  }
  const server = serverFor(scheme, certificate, (message, response) => {
    void handle(message, response)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return { server, port: (server.address() as AddressInfo).port }
}

/** The whole way of a body through the proxy, without what looks at requests: listener, transport, reply. */
const relayJourney =
  (transport: Transport, at: Upstream): Journey =>
  async (received, signal) => {
    const length = Number(received.headers.get('content-length') ?? 0)
    const body =
      length === 0
        ? ({ kind: 'none' } as const)
        : ({ kind: 'stream', wire: received.wire, filter: undefined, length } as const)
    const asking = { method: received.method, target: received.rawPath, body }
    const answer = await transport.send(requestTo(at, asking), signal)
    return { ...answer, headers: withoutHopByHop(answer.headers) }
  }

const startFront = (
  scheme: Scheme,
  front: FrontKind,
  { cert, key }: Certificate,
  journey: Journey,
) =>
  startListener({
    address: {
      kind: 'tcp',
      host: '127.0.0.1',
      port: 0,
      tls: scheme === 'http' ? undefined : { cert, key, clientCa: undefined },
    },
    domains: [],
    limits: { ...LIMITS, connections: 1000 },
    front,
    journey,
    log: pino({ enabled: false }),
  })

const NOTHING: Arrival = { length: 0, isTrue: true, isComplete: false }

const download = async (url: URL, ca: string, manner: Manner): Promise<Arrival> => {
  const outgoing = (url.protocol === 'http:' ? request : requestTls)(url, { agent: false, ca })
  outgoing.end()
  try {
    const [answer]: IncomingMessage[] = await once(outgoing, 'response')
    if (answer?.statusCode !== 200) throw new Error('no body')
    return await readBody(answer, manner)
  } catch {
    return NOTHING
  } finally {
    outgoing.destroy()
  }
}

/** @returns whether the client was told that all is well */
const upload = async (url: URL, ca: string, { size, client }: Trip): Promise<boolean> => {
  const options = { method: 'PUT', agent: false, ca, headers: { 'content-length': size } }
  const outgoing = (url.protocol === 'http:' ? request : requestTls)(url, options)
  outgoing.on('error', () => undefined)
  outgoing.flushHeaders()
  const answered = new Promise<boolean>(resolve => {
    outgoing.once('close', () => resolve(false))
    outgoing.once('response', answer => {
      answer.resume()
      resolve(answer.statusCode === 200)
    })
  })
  await writeBody(outgoing, size, client)
  const isWell = await answered
  outgoing.destroy()
  return isWell
}

/** How long a request may take from the front to the upstream, in milliseconds. */
const UNDER_WAY = 300

/** A proxy between two ends, each of them over http or https. */
export const openRoute = async (
  t: Test,
  schemes: { readonly client: Scheme; readonly upstream: Scheme; readonly front: FrontKind },
  certificate: Certificate,
  createTransport: (upstream: Upstream) => Transport,
): Promise<Route> => {
  const travelling = new Map<string, Travelling>()
  const end = await startEnd(schemes.upstream, certificate, travelling)
  const endpoint = `${schemes.upstream}://127.0.0.1:${end.port}`
  const at = upstreamAt(endpoint, { ca: certificate.cert, connections: 100 })
  const transport = createTransport(at)
  const front = await startFront(
    schemes.client,
    schemes.front,
    certificate,
    relayJourney(transport, at),
  )
  let trips = 0
  const send = async (travel: Travelling, url: URL): Promise<void> => {
    if (travel.trip.method === 'GET')
      travel.arrived(await download(url, certificate.cert, travel.trip.client))
    else if (!(await upload(url, certificate.cert, travel.trip)) && !travel.hasBegun)
      await sleep(UNDER_WAY)
    if (!travel.hasBegun) travel.arrived(NOTHING)
  }
  t.teardown(() => {
    end.server.close()
  })
  return {
    travel: trip =>
      new Promise((resolve, reject) => {
        const name = `/bucket/${trips++}`
        const travel: Travelling = { trip, hasBegun: false, arrived: resolve }
        travelling.set(name, travel)
        send(travel, new URL(name, front.where)).catch(reject)
      }),
    close: async () => {
      await front.close()
      await transport.close()
      let open = -1
      const count = (): void => {
        end.server.getConnections((_, connections) => {
          open = connections
        })
      }
      await until(() => {
        count()
        return open === 0
      })
    },
  }
}
