import { Readable } from 'node:stream'
import type { Client, ClientProof, Scheme } from '../../lib/authenticate/client.ts'
import { fromClientDialect } from '../../lib/dialect/client-dialect.ts'
import { parseAddress } from '../../lib/s3/address.ts'
import type { BodyFilter } from '../../lib/s3/body.ts'
import { dialectOf } from '../../lib/s3/dialect.ts'
import { S3Error } from '../../lib/s3/error.ts'
import { headersFromRaw } from '../../lib/s3/headers.ts'
import { recognise } from '../../lib/s3/operation.ts'
import { parseQuery } from '../../lib/s3/query.ts'
import type { Peer, S3Request } from '../../lib/s3/request.ts'
import { Secret } from '../../lib/s3/secret.ts'

/** The key pair of AWS's published examples. */
export const EXAMPLE_KEY = {
  accessKeyId: 'AKIAIOSFODNN7EXAMPLE',
  secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
}

export const clientOf = (name: string, proof: ClientProof): Client => ({
  name,
  proof,
  upstream: 'main',
  upstreamCredentials: { kind: 'upstream' },
})

export const signingClient = (
  name: string,
  key: { readonly accessKeyId: string; readonly secretAccessKey: string },
  schemes?: readonly Scheme[],
): Client =>
  clientOf(name, {
    kind: 'signature',
    accessKeyId: key.accessKeyId,
    secretAccessKey: new Secret(key.secretAccessKey),
    ...(schemes && { schemes }),
  })

/** A request as it stands on the wire. */
export interface WireRequest {
  readonly method: string
  readonly target: string
  /** Name and value in turn. */
  readonly rawHeaders: readonly string[]
  readonly peer?: Partial<Peer>
}

const DOMAINS = ['s3.amazonaws.com', 'localhost']

/** Reads a request as the listener does. */
export const requestOf = ({ method, target, rawHeaders, peer }: WireRequest): S3Request => {
  const headers = headersFromRaw(rawHeaders)
  const mark = target.indexOf('?')
  const rawPath = mark < 0 ? target : target.slice(0, mark)
  const rawQuery = mark < 0 ? '' : target.slice(mark + 1)
  const address = parseAddress(headers.get('host') ?? '', rawPath, DOMAINS)
  const query = parseQuery(rawQuery)
  const dialect = dialectOf(headers, rawQuery)
  const said = fromClientDialect(dialect, address.level, { headers, query })
  return {
    id: 'test',
    method,
    rawPath,
    rawQuery,
    headers,
    dialect,
    address,
    query,
    operation: recognise(method, address, said.query, said.headers),
    peer: { transport: 'tcp', tls: false, loopback: false, tlsSubject: undefined, ...peer },
    wire: Readable.from([]),
    proceed: () => {},
    journal: { note: () => {} },
  }
}

/** What a filter made of a body: what it let go, and how it ended. */
export interface Filtered {
  readonly released: Buffer
  readonly code: string | undefined
  readonly message: string | undefined
}

/** Runs a body, in the pieces given, through a filter. */
export const runFilter = (filter: BodyFilter, pieces: readonly Buffer[]): Filtered => {
  const released: Buffer[] = []
  const finish = (error?: S3Error): Filtered => ({
    released: Buffer.concat(released),
    code: error?.code,
    message: error?.message,
  })
  try {
    for (const piece of pieces) released.push(...filter.push(piece).map(copy))
    released.push(...filter.end().map(copy))
    return finish()
  } catch (error) {
    if (error instanceof S3Error) return finish(error)
    throw error
  }
}

// What a filter lets go may share memory with what it was given.
const copy = (bytes: Buffer): Buffer => Buffer.from(bytes)

/** `bytes` cut at the given places. */
export const cutAt = (bytes: Buffer, places: readonly number[]): Buffer[] => {
  const cuts = [0, ...[...places].sort((a, b) => a - b), bytes.length]
  return cuts.slice(1).map((to, i) => Buffer.from(bytes.subarray(cuts[i], to)))
}

/** `bytes` one at a time. */
export const byteByByte = (bytes: Buffer): Buffer[] => [...bytes].map(byte => Buffer.of(byte))
