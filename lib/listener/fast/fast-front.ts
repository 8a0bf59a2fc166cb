import { createServer, type Server, type Socket } from 'node:net'
import { createServer as createTlsServer, Server as TlsServer } from 'node:tls'
import type { Limits, ListenAddress } from '../../config/config.ts'
import { clientAuth, type Front, type FrontOptions, HEAD_CHECK, secureContext } from '../front.ts'
import { ClientConnection } from './connection.ts'
import { createReadInto, type ReadInto } from './read-into.ts'

const createServerFor = (address: ListenAddress, limits: Limits): Server => {
  if (address.kind === 'unix' || address.tls === undefined) return createServer({ noDelay: true })
  return createTlsServer({
    ...secureContext(address.tls),
    ...clientAuth(address.tls),
    noDelay: true,
    ALPNProtocols: ['http/1.1'],
    handshakeTimeout: limits.headersTimeout,
  })
}

/**
 * A front of our own on bare sockets: a strict parser, and bodies that are read into the buffers that they are sent
 * on from.
 *
 * @param readInto how accepted sockets read into buffers of ours; found out when left out
 */
export const createFastFront = (
  { address, limits, onExchange }: FrontOptions,
  readInto: ReadInto = createReadInto(),
): Front => {
  const server = createServerFor(address, limits)
  const isTls = server instanceof TlsServer
  const sockets = new Set<Socket>()
  const connections = new Set<ClientConnection>()
  const onClose = (connection: ClientConnection): void => {
    connections.delete(connection)
  }
  const parts = { limits, onExchange, isTls, readInto, onClose }
  // With TLS, too, that of the bare connection: handshakes are cut with the rest.
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
  })
  server.on(isTls ? 'secureConnection' : 'connection', (socket: Socket) => {
    connections.add(new ClientConnection(socket, parts))
  })
  if (isTls) server.on('tlsClientError', (_fault: Error, socket: Socket) => socket.destroy())
  const checking = setInterval(() => {
    const now = performance.now()
    for (const connection of connections) connection.check(now)
  }, HEAD_CHECK).unref()
  server.on('close', () => clearInterval(checking))
  return {
    server,
    renew: tls => {
      if (server instanceof TlsServer) server.setSecureContext(secureContext(tls))
    },
    closeIdleConnections: () => {
      for (const connection of connections) if (connection.isIdle) connection.destroy()
    },
    closeAllConnections: () => {
      for (const socket of sockets) socket.destroy()
    },
  }
}
