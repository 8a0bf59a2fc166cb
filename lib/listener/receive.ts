import type { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import { fromClientDialect } from '../dialect/client-dialect.ts'
import { parseAddress } from '../s3/address.ts'
import { dialectOf } from '../s3/dialect.ts'
import { S3Error } from '../s3/error.ts'
import { headersFromRaw } from '../s3/headers.ts'
import type { Journal } from '../s3/journal.ts'
import { recognise } from '../s3/operation.ts'
import { parseQuery } from '../s3/query.ts'
import type { Peer, S3Request } from '../s3/request.ts'
import type { IncomingRequest } from './front.ts'

const LOOPBACK = /^(?:127\.|::1$|::ffff:127\.)/

const peerOf = (socket: Socket): Peer => ({
  transport: socket.remoteAddress === undefined ? 'unix' : 'tcp',
  tls: socket instanceof TLSSocket,
  loopback: LOOPBACK.test(socket.remoteAddress ?? ''),
  tlsSubject: socket instanceof TLSSocket ? subjectOf(socket) : undefined,
})

const subjectOf = (socket: TLSSocket): string | undefined => {
  if (!socket.authorized) return undefined
  const name: unknown = socket.getPeerCertificate().subject?.CN
  return typeof name === 'string' ? name : undefined
}

const splitTarget = (target: string): readonly [rawPath: string, rawQuery: string] => {
  const at = target.indexOf('?')
  return at < 0 ? [target, ''] : [target.slice(0, at), target.slice(at + 1)]
}

export interface Receiving {
  readonly id: string
  readonly domains: readonly string[]
  readonly proceed: () => void
  readonly journal: Journal
}

/**
 * Reads a request's head into the S3 vocabulary. Nothing of it is believed yet.
 *
 * @throws {S3Error} `InvalidURI`, `InvalidBucketName`, `NotImplemented`, `MethodNotAllowed`, `InvalidRequest`
 */
export const receive = (request: IncomingRequest, receiving: Receiving): S3Request => {
  const { id, domains, proceed, journal } = receiving
  const { method } = request
  const [rawPath, rawQuery] = splitTarget(request.target)
  const headers = headersFromRaw(request.rawHeaders)
  const host = headers.get('host')
  if (host === undefined) throw new S3Error('InvalidRequest', 'The Host header is missing.')
  const address = parseAddress(host, rawPath, domains)
  if (address.level !== 'service') journal.note({ bucket: address.bucket })
  const query = parseQuery(rawQuery)
  const dialect = dialectOf(headers, rawQuery)
  const said = fromClientDialect(dialect, address.level, { headers, query })
  const operation = recognise(method, address, said.query, said.headers)
  journal.note({ operation: operation.name })
  return {
    id,
    method,
    rawPath,
    rawQuery,
    headers,
    dialect,
    address,
    query,
    operation,
    peer: peerOf(request.socket),
    wire: request.wire,
    proceed,
    journal,
  }
}
