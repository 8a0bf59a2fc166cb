import { readFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import type { Endpoint } from '../stage.ts'
import type { WireRequest } from './http.ts'

/** What came back before the connection ended. */
export interface Reply {
  /** 0 when nothing came. */
  readonly status: number
  /** Of the error document. */
  readonly code: string | undefined
  readonly text: string
}

const open = ({ origin, ca }: Endpoint): Socket => {
  const { protocol, hostname, port } = new URL(origin)
  const where = { host: hostname, port: Number(port) }
  return protocol === 'https:' ? connectTls({ ...where, ca: readFileSync(ca) }) : connect(where)
}

const headOf = ({ method, target, headers }: WireRequest): string =>
  [
    `${method} ${target} HTTP/1.1`,
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
    'connection: close',
    '\r\n',
  ].join('\r\n')

const toReply = (text: string): Reply => ({
  status: Number(/^HTTP\/1\.1 (\d+)/.exec(text)?.[1] ?? 0),
  code: /<Code>([^<]*)<\/Code>/.exec(text)?.[1],
  text,
})

/** How long a connection may take, in milliseconds. */
const PATIENCE = 20_000

/**
 * Sends just these bytes, whatever the head says of their number, and hangs up when they are less than the head says.
 *
 * @throws {Error} when the other side neither answers nor hangs up
 */
export const exchange = (endpoint: Endpoint, wire: WireRequest): Promise<Reply> =>
  new Promise((resolve, reject) => {
    const received: Buffer[] = []
    const socket = open(endpoint)
    socket.setTimeout(PATIENCE, () => socket.destroy(new Error('no answer, and no hanging up')))
    socket.on('data', (bytes: Buffer) => {
      received.push(bytes)
    })
    socket.on('error', (error: NodeJS.ErrnoException) => {
      // It may answer and hang up before it has read everything.
      if (error.code !== 'ECONNRESET' && error.code !== 'EPIPE') reject(error)
    })
    socket.on('close', () => resolve(toReply(Buffer.concat(received).toString())))
    socket.write(headOf(wire))
    socket.write(wire.body ?? '')
    // A server may take the end of a whole request for a client that went away.
    if (isCut(wire)) socket.end()
  })

const isCut = ({ headers, body }: WireRequest): boolean =>
  (body?.length ?? 0) < Number(headers['content-length'])
