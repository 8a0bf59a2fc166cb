import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as createTlsServer, Server as TlsServer } from 'node:https'
import type { Socket } from 'node:net'
import type { Readable } from 'node:stream'
import { finished, pipeline } from 'node:stream/promises'
import type { Limits, ListenAddress } from '../config/config.ts'
import { RelayedBody } from '../s3/response.ts'
import { refuseUnreadable } from './client-error.ts'
import {
  clientAuth,
  type Front,
  type FrontOptions,
  HEAD_CHECK,
  type IncomingRequest,
  type OutgoingAnswer,
  secureContext,
} from './front.ts'

// Of a request without a body, too, node:http says only later that it is complete.
const hasBody = ({ headers }: IncomingMessage): boolean =>
  headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0

class NodeRequest implements IncomingRequest {
  readonly wire: IncomingMessage
  constructor(message: IncomingMessage) {
    this.wire = message
  }
  get method(): string {
    return this.wire.method ?? ''
  }
  get target(): string {
    return this.wire.url ?? ''
  }
  get rawHeaders(): readonly string[] {
    return this.wire.rawHeaders
  }
  get socket(): Socket {
    return this.wire.socket
  }
  get isComplete(): boolean {
    return this.wire.complete || !hasBody(this.wire)
  }
}

// Behind a Content-Length node:http would take a Content-Disposition for text, and break its UTF-8 octets:
// https://github.com/nodejs/node/issues/46528
const lengthLast = (headers: readonly string[]): string[] => {
  const at = headers.indexOf('content-length')
  if (at < 0) return [...headers]
  return [...headers.slice(0, at), ...headers.slice(at + 2), ...headers.slice(at, at + 2)]
}

class NodeAnswer implements OutgoingAnswer {
  readonly #response: ServerResponse
  constructor(response: ServerResponse) {
    this.#response = response
  }
  get isBegun(): boolean {
    return this.#response.headersSent
  }
  writeContinue(): void {
    this.#response.writeContinue()
  }
  begin(status: number, headers: readonly string[]): void {
    this.#response.writeHead(status, lengthLast(headers))
  }
  write(bytes: Buffer): void {
    this.#response.write(bytes)
  }
  async end(bytes: Buffer | undefined): Promise<void> {
    this.#response.end(bytes)
    await finished(this.#response)
  }
  relay(body: Readable): Promise<void> {
    return body instanceof RelayedBody
      ? body.relayTo(this.#response)
      : pipeline(body, this.#response)
  }
  onceGone(listener: () => void): void {
    this.#response.once('close', () => {
      if (!this.#response.writableFinished) listener()
    })
  }
}

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
  return createTlsServer({ ...options, ...secureContext(address.tls), ...clientAuth(address.tls) })
}

// While the provider thinks, the client's connection is silent through no fault of its own.
const awaitsUpstream = (message: IncomingMessage, response: ServerResponse): boolean =>
  message.complete && !response.headersSent

/** node:http: documented, and the parser that the world's clients are tried on. */
export const createNodeFront = ({ address, limits, onExchange }: FrontOptions): Front => {
  const server = createServerFor(address, limits)
  const underWay = new WeakMap<Socket, () => boolean>()
  const take =
    (isContinueAsked: boolean) =>
    (message: IncomingMessage, response: ServerResponse): void => {
      const { socket } = message
      underWay.set(socket, () => awaitsUpstream(message, response))
      const request = new NodeRequest(message)
      const answer = new NodeAnswer(response)
      void onExchange({ request, answer, isContinueAsked }).finally(() => underWay.delete(socket))
    }
  server.on('request', take(false))
  server.on('checkContinue', take(true))
  server.on('clientError', refuseUnreadable)
  server.setTimeout(limits.bodyIdleTimeout, socket => {
    if (underWay.get(socket)?.()) socket.setTimeout(limits.bodyIdleTimeout)
    else socket.destroy()
  })
  return {
    server,
    renew: tls => {
      if (server instanceof TlsServer) server.setSecureContext(secureContext(tls))
    },
    closeIdleConnections: () => server.closeIdleConnections(),
    closeAllConnections: () => server.closeAllConnections(),
  }
}
