import { createHash, type Hash } from 'node:crypto'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { CIPHERS } from '../stage/certificate.ts'
import { bodyHash } from './body.ts'
import type { Load } from './load.ts'
import { createMessageReader, type Head } from './message.ts'
import { createBrake } from './pace.ts'

const READ_BYTES = 256 * 1024

/** A client's connection to a proxy. */
export interface Connection {
  readonly socket: Socket
  /** The next answer, read to its end and found right. */
  answer(): Promise<void>
}

/** Opens a connection whose answers are held against `load`. */
export const openConnection = async (load: Load, ca: Buffer | undefined): Promise<Connection> => {
  const waiting: Waiting[] = []
  const reader = createAnswerReader(load, fault => settle(waiting, fault))
  const socket = connectTo(load, ca, reader)
  socket.on('error', fault => settle(waiting, fault))
  socket.on('close', () => settle(waiting, new Error('the proxy closed the connection')))
  await once(socket, ca === undefined ? 'connect' : 'secureConnect')
  socket.setNoDelay(true)
  const answer = (): Promise<void> =>
    new Promise((resolve, reject) => {
      waiting.push({ resolve, reject })
    })
  return { socket, answer }
}

interface Waiting {
  readonly resolve: () => void
  readonly reject: (fault: Error) => void
}

const settle = (waiting: Waiting[], fault: Error | undefined): void => {
  const next = waiting.shift()
  if (fault === undefined) next?.resolve()
  else next?.reject(fault)
}

/** Takes bytes; gives the milliseconds to rest. */
type AnswerReader = (bytes: Buffer) => number

/** Always reads into the same buffer, so that the client costs little. */
const connectTo = (load: Load, ca: Buffer | undefined, reader: AnswerReader): Socket => {
  const callback = (length: number, buffer: Uint8Array): boolean => {
    const rest = reader(Buffer.from(buffer.buffer, buffer.byteOffset, length))
    if (rest > 0) setTimeout(() => socket.resume(), rest)
    return rest === 0
  }
  const onread = { buffer: Buffer.allocUnsafeSlow(READ_BYTES), callback }
  const to = { host: '127.0.0.1', port: load.port, onread }
  const socket: Socket =
    ca === undefined
      ? connect(to)
      : connectTls({ ...to, ca, ciphers: CIPHERS, minVersion: 'TLSv1.3' })
  return socket
}

const createAnswerReader = (
  load: Load,
  ended: (fault: Error | undefined) => void,
): AnswerReader => {
  const brake = createBrake(load.method === 'GET' ? load.pace : undefined)
  let received = beginReceiving(load)
  const read = createMessageReader({
    head: () => {
      received = beginReceiving(load)
    },
    body: chunk => {
      received.hash?.update(chunk)
      received.bytes += chunk.length
    },
    end: head => ended(faultOf(load, head, received)),
  })
  return bytes => {
    read(bytes)
    return brake(bytes.length)
  }
}

/** A body as it comes. */
interface Received {
  readonly hash: Hash | undefined
  bytes: number
}

const beginReceiving = ({ manner }: Load): Received => ({
  hash: manner === 'hashed' ? createHash('sha256') : undefined,
  bytes: 0,
})

const faultOf = (load: Load, head: Head, received: Received): Error | undefined => {
  if (!head.startLine.startsWith('HTTP/1.1 200 ')) return new Error(head.startLine)
  if (load.encrypted && !isEncrypted(head)) return new Error('the answer does not confirm SSE-C')
  if (load.method === 'GET' && received.bytes !== load.size) {
    return new Error(`${received.bytes} bytes instead of ${load.size}`)
  }
  return hashFault(load, head, received)
}

const isEncrypted = ({ headers }: Head): boolean =>
  headers.get('x-amz-server-side-encryption-customer-algorithm') === 'AES256'

/** A GET's body is hashed here; a PUT's by the upstream, which says it in the ETag. */
const hashFault = (load: Load, { headers }: Head, { hash }: Received): Error | undefined => {
  if (hash === undefined) return undefined
  const seen = load.method === 'GET' ? hash.digest('hex') : headers.get('etag')?.replaceAll('"', '')
  return seen === bodyHash(load.size)
    ? undefined
    : new Error(`the body of ${load.size} bytes changed`)
}
