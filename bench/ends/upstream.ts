import { createHash, type Hash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import { CIPHERS } from '../stage/certificate.ts'
import type { Scheme } from '../stage/route.ts'
import { createUnframer } from './aws-chunked.ts'
import { bodySlices, sendMessage } from './body.ts'
import { createMessageReader, type Head } from './message.ts'
import { type NamedObject, paceOf, parseObjectPath } from './object.ts'
import { createBrake } from './pace.ts'

/*
 * The upstream of the bench: as much of S3 as GetObject and PutObject need, for as little CPU as
 * node gives. Run as a process of its own: `node upstream.js http|https CERT KEY`; prints its port.
 */

const ECHOED = [
  'x-amz-server-side-encryption-customer-algorithm',
  'x-amz-server-side-encryption-customer-key-md5',
]

/** One request, while its body comes in. */
interface Upload {
  readonly object: NamedObject
  readonly hash: Hash | undefined
  /** Hashes what came of the body. */
  readonly hashed: (bytes: Buffer) => void
  readonly brake: (bytes: number) => number
}

const beginUpload = (head: Head): Upload => {
  const [method, path = ''] = head.startLine.split(' ')
  const object = parseObjectPath(path)
  if (object === undefined || (method !== 'GET' && method !== 'PUT')) {
    throw new Error(`not a request of the bench: ${head.startLine}`)
  }
  const hash = object.manner === 'hashed' ? createHash('sha256') : undefined
  return { object, hash, hashed: hasher(head, hash), brake: createBrake(paceOf(object.manner)) }
}

/** A framed body is hashed without its frames. */
const hasher = ({ headers }: Head, hash: Hash | undefined): ((bytes: Buffer) => void) => {
  if (hash === undefined) return () => undefined
  const take = (bytes: Buffer): void => void hash.update(bytes)
  const isFramed = headers.get('content-encoding')?.includes('aws-chunked') ?? false
  return isFramed ? createUnframer(take) : take
}

/** A PUT is answered with the SHA-256 of what arrived as its ETag, where it was asked for. */
const answer = async (socket: Socket, head: Head, { object, hash }: Upload): Promise<void> => {
  const isRead = head.startLine.startsWith('GET ')
  const size = isRead ? object.size : 0
  const etag = hash?.digest('hex') ?? 'd41d8cd98f00b204e9800998ecf8427e-1'
  await sendMessage(
    socket,
    answerHead(head, size, etag),
    bodySlices(0, size),
    paceOf(object.manner),
  )
}

const answerHead = ({ headers }: Head, size: number, etag: string): string => {
  const echo = ECHOED.filter(name => headers.has(name)).map(name => `${name}: ${headers.get(name)}`)
  const lines = [
    'HTTP/1.1 200 OK',
    'x-amz-id-2: 5L0pFJ6y0p1mXk0T7n2bZ6cW9vQ3sR8uH4jK1dG5fA7eY2iO0wE9rT6qV3xC8zB1',
    'x-amz-request-id: 4JQ2Z8X6W1R7K9ND',
    'Date: Sat, 21 Nov 2026 09:00:00 GMT',
    'Last-Modified: Fri, 20 Nov 2026 09:00:00 GMT',
    `ETag: "${etag}"`,
    'Accept-Ranges: bytes',
    'Content-Type: application/octet-stream',
    `Content-Length: ${size}`,
    'Server: bench',
    ...echo,
  ]
  return `${lines.join('\r\n')}\r\n\r\n`
}

const serve = (socket: Socket): void => {
  let upload: Upload | undefined
  const read = createMessageReader({
    head: head => {
      upload = beginUpload(head)
    },
    body: chunk => {
      upload?.hashed(chunk)
      rest(socket, upload?.brake(chunk.length) ?? 0)
    },
    end: head => {
      if (upload !== undefined) void answer(socket, head, upload)
    },
  })
  socket.setNoDelay(true)
  socket.on('data', read)
  // A proxy may drop a connection that it has no more use for.
  socket.on('error', () => socket.destroy())
}

const rest = (socket: Socket, milliseconds: number): void => {
  if (milliseconds === 0) return
  socket.pause()
  setTimeout(() => socket.resume(), milliseconds)
}

const createUpstream = (scheme: Scheme, cert: string, key: string): Server =>
  scheme === 'http'
    ? createServer(serve)
    : createTlsServer(
        {
          cert: readFileSync(cert),
          key: readFileSync(key),
          ciphers: CIPHERS,
          minVersion: 'TLSv1.3',
        },
        serve,
      )

const [scheme = '', cert = '', key = ''] = process.argv.slice(2)
const server = createUpstream(scheme === 'https' ? 'https' : 'http', cert, key)
server.listen(0, '127.0.0.1', () => {
  console.log((server.address() as AddressInfo).port)
})
