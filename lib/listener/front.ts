import type { Server, Socket } from 'node:net'
import type { Readable } from 'node:stream'
import type { Limits, ListenAddress, ListenTls } from '../config/config.ts'

/** A request as it came on the wire. */
export interface IncomingRequest {
  readonly method: string
  /** The request target as received. */
  readonly target: string
  /** Pairs `[name, value, name, value, …]` as received, in latin1. */
  readonly rawHeaders: readonly string[]
  /** What comes after the head; unread until somebody reads it. */
  readonly wire: Readable
  /** The connection that it came on: to be looked at, not to be read or written. */
  readonly socket: Socket
  /** Whether the last byte of it has arrived. */
  readonly isComplete: boolean
}

/** The way for one answer. */
export interface OutgoingAnswer {
  /** Whether its head has gone, so that no other can be sent. */
  readonly isBegun: boolean
  /** Says that the client may send its body: `100 Continue`. */
  writeContinue(): void
  /**
   * Says how the answer begins; it goes with the first bytes of its body.
   *
   * @param headers pairs as in `rawHeaders`; with `connection: close` among them, the connection takes no more requests
   */
  begin(status: number, headers: readonly string[]): void
  /** Sends bytes of the body. */
  write(bytes: Buffer): void
  /** Sends the last bytes of the body, and resolves once the client's kernel has taken all. */
  end(bytes: Buffer | undefined): Promise<void>
  /** Sends the whole body, only as fast as the client takes it. */
  relay(body: Readable): Promise<void>
  /** Calls back when the connection is closed before the answer is complete. */
  onceGone(listener: () => void): void
}

/** One request, and the way for its answer. */
export interface FrontExchange {
  readonly request: IncomingRequest
  readonly answer: OutgoingAnswer
  /** Whether the client asked (`Expect: 100-continue`) before it sends its body. */
  readonly isContinueAsked: boolean
}

export interface FrontOptions {
  readonly address: ListenAddress
  readonly limits: Limits
  /** Settles, and never rejects, once the exchange is over. */
  readonly onExchange: (exchange: FrontExchange) => Promise<void>
}

/** What speaks HTTP/1.1 with clients. The narrow door: whatever reads the bytes stands behind it. */
export interface Front {
  /** Not yet listening. */
  readonly server: Server
  renew(tls: ListenTls): void
  closeIdleConnections(): void
  closeAllConnections(): void
}

/** What a server needs to speak TLS. */
export const secureContext = ({ cert, key, clientCa }: ListenTls) => ({
  cert,
  key,
  minVersion: 'TLSv1.2' as const,
  ...(clientCa === undefined ? {} : { ca: clientCa }),
})

/** Whether a server asks for a certificate, and hangs up without a good one. */
export const clientAuth = ({ clientCa }: ListenTls) =>
  clientCa === undefined ? {} : { requestCert: true, rejectUnauthorized: true }

/** How often half-sent request heads are looked for, in milliseconds. */
export const HEAD_CHECK = 1000
