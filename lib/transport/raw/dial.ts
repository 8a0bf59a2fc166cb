import { once } from 'node:events'
import { connect as connectTcp, isIP, type OnReadOpts, type Socket } from 'node:net'
import { connect as connectTls, createSecureContext } from 'node:tls'
import { timedOut, unavailable } from '../fault.ts'
import type { Upstream } from '../upstream.ts'
import { Addresses, type Lookup } from './addresses.ts'
import { Connection } from './connection.ts'

/**
 * Opens a connection to an upstream.
 *
 * @throws {S3Error} `UpstreamUnavailable`, `UpstreamTimeout`
 */
export type Dial = (signal: AbortSignal) => Promise<Connection>

/** Begins to connect to one address. */
interface Opening {
  readonly connection: Connection
  /** The event that tells that requests can be sent. */
  readonly ready: 'connect' | 'secureConnect'
}
type Open = (address: string) => Opening

/** A half-dead path is found out by the kernel, too, after this many milliseconds without traffic. */
const PROBE_AFTER = 60_000

const tuned = (socket: Socket): Socket => socket.setNoDelay(true).setKeepAlive(true, PROBE_AFTER)

const createOpenTcp =
  (port: number): Open =>
  host => ({
    connection: new Connection(onread => tuned(connectTcp({ host, port, onread })), false),
    ready: 'connect',
  })

/** Certificates are always verified, against the host's name even when it was looked up here. */
const createOpenTls = (hostname: string, port: number, ca: string | undefined): Open => {
  const secureContext = createSecureContext({
    minVersion: 'TLSv1.2',
    ...(ca !== undefined && { ca }),
  })
  // RFC 6066 §3: an address is no server name; the certificate must then name the address.
  const name = isIP(hostname) === 0 ? { servername: hostname } : {}
  let session: Buffer | undefined
  const open = (host: string, onread: OnReadOpts): Socket => {
    const resumed = session === undefined ? {} : { session }
    const options = { host, port, secureContext, rejectUnauthorized: true, onread, ...resumed }
    const socket = connectTls({ ...options, ...name, ALPNProtocols: ['http/1.1'] })
    // Told only once the upstream's certificate has been found good.
    return tuned(socket).on('session', (ticket: Buffer) => {
      session = ticket
    })
  }
  return host => ({
    connection: new Connection(onread => open(host, onread), true),
    ready: 'secureConnect',
  })
}

/** Settles as `work` does, unless the time is over or the request aborted before. */
const bounded = async <T>(
  work: Promise<T>,
  milliseconds: number,
  signal: AbortSignal,
): Promise<T> => {
  let forget = (): void => undefined
  const limit = new Promise<never>((_, reject) => {
    const onAbort = (): void => reject(unavailable(signal.reason))
    const timer = setTimeout(() => reject(timedOut('connecting')), milliseconds)
    signal.addEventListener('abort', onAbort, { once: true })
    forget = () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', onAbort)
    }
    if (signal.aborted) onAbort()
  })
  try {
    return await Promise.race([work, limit])
  } finally {
    forget()
  }
}

const established = async (
  { connection, ready }: Opening,
  milliseconds: number,
  signal: AbortSignal,
): Promise<Connection> => {
  try {
    await bounded(once(connection.socket, ready), milliseconds, signal)
    return connection
  } catch (fault) {
    connection.destroy()
    throw unavailable(fault)
  }
}

/** Connects to the first address that answers; each is given its share of the time that is left. */
export const createDial = ({ endpoint, ca, timeouts }: Upstream, lookup: Lookup): Dial => {
  const { protocol, hostname, port } = new URL(endpoint)
  const host = hostname.replace(/^\[(.*)\]$/, '$1')
  const addresses = new Addresses(host, lookup)
  const open =
    protocol === 'https:'
      ? createOpenTls(host, Number(port || 443), ca)
      : createOpenTcp(Number(port || 80))
  return async signal => {
    const until = performance.now() + timeouts.connect
    const left = (): number => Math.max(1, until - performance.now())
    let fault: unknown = new Error('the name has no address')
    const found = await bounded(addresses.inTurn(), left(), signal).catch(rethrow)
    for (const [index, address] of found.entries()) {
      try {
        const connection = await established(open(address), left() / (found.length - index), signal)
        addresses.succeeded(address)
        return connection
      } catch (cause) {
        if (signal.aborted) throw cause
        addresses.failed(address)
        fault = cause
      }
    }
    throw unavailable(fault)
  }
}

const rethrow = (cause: unknown): never => {
  throw unavailable(cause)
}
