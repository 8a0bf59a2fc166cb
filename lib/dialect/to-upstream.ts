import { createHash } from 'node:crypto'
import type { Readable } from 'node:stream'
import type { Body } from '../body/receive.ts'
import { canFrame, framedLength, frameTrailer } from '../body/trailer-framing.ts'
import { type Address, pathStyle } from '../s3/address.ts'
import { type BodyFilter, composeFilters, type Payload, type Trailer } from '../s3/body.ts'
import { uriEncodeKey } from '../s3/encoding.ts'
import { S3Error } from '../s3/error.ts'
import { endsAtHop, type Headers, withHeaders, withoutHeaders } from '../s3/headers.ts'
import { EMPTY_SHA256, sha256Hex } from '../s3/payload-hash.ts'
import type { Query } from '../s3/query.ts'
import type { Upstream } from '../transport/upstream.ts'
import { documentWriter } from './documents.ts'
import { refuseOtherDocuments } from './idioms.ts'
import type { Profile, Signature } from './profiles.ts'
import { type Speech, speechOf } from './speech.ts'
import { writeQuery, writeRequest } from './translate.ts'

/** The bytes that go upstream behind a request's head. */
export type UpstreamBody =
  | { readonly kind: 'none' }
  | { readonly kind: 'bytes'; readonly bytes: Buffer }
  | {
      readonly kind: 'stream'
      readonly wire: Readable
      readonly filter: BodyFilter | undefined
      /** Bytes on the upstream's wire. */
      readonly length: number
    }

/** A request as the provider will get it, but for its signature. */
export interface UpstreamRequest {
  readonly upstream: Upstream
  readonly method: string
  /** Value of the Host header. */
  readonly host: string
  readonly path: string
  readonly query: Query
  readonly headers: Headers
  readonly signature: Signature
  /** What OBS and SigV2 sign for a path: with the bucket, wherever the request names it. */
  readonly resource: string
  /** Value for `x-amz-content-sha256`. */
  readonly payloadHash: string
  readonly body: UpstreamBody
  /** Whether sending it twice does no more than sending it once. */
  readonly repeatable: boolean
}

/** What a request says, in S3's vocabulary. */
export interface Saying {
  readonly method: string
  readonly address: Address
  readonly query: Query
  readonly headers: Headers
  readonly body: Body
  readonly repeatable: boolean
}

// A client's word about the way it came, or about its own hop, is none of the provider's business.
const OWN_TO_THE_HOP = new Set(['host', 'content-length', 'expect', 'authorization', 'cookie'])
const isOfTheHop = (name: string): boolean =>
  OWN_TO_THE_HOP.has(name) || name.startsWith('x-forwarded-') || name === 'forwarded'

/**
 * Writes a request as the provider's profile wants it.
 *
 * @throws {S3Error} `NotImplemented` for a header that the provider's words have no counterpart of
 */
export type ToUpstream = (saying: Saying) => UpstreamRequest

/** Makes the writer for an upstream: what is the same for all of its requests is found out once. */
export const createToUpstream = (upstream: Upstream, profile: Profile): ToUpstream => {
  const { host } = new URL(upstream.endpoint)
  return saying => toUpstream(saying, upstream, profile, host)
}

const toUpstream = (
  saying: Saying,
  upstream: Upstream,
  profile: Profile,
  host: string,
): UpstreamRequest => {
  const speech = speechOf(upstream, profile)
  refuseOtherDocuments(speech.family, saying.query, saying.headers)
  const written = withWrittenDocument(saying, speech)
  const { hash, headers, body } = toBody(written.body, upstream, profile)
  const ends = endsAtHop(written.headers)
  const isDropped = (name: string): boolean =>
    isOfTheHop(name) || ends(name) || (!profile.checksums && isChecksum(name))
  const all = withHeaders(
    withoutHeaders(written.headers, isDropped),
    aroundEncoding(written.headers, headers),
  )
  return {
    upstream,
    method: saying.method,
    ...toPlace(saying.address, host, upstream.addressing ?? profile.addressing),
    query: writeQuery(speech.family, saying.query),
    headers: writeRequest(speech.family, all, saying.address.level),
    signature: speech.signature,
    payloadHash: profile.payload === 'unsigned' ? 'UNSIGNED-PAYLOAD' : hash,
    body,
    repeatable: saying.repeatable,
  }
}

const isChecksum = (name: string): boolean =>
  name.startsWith('x-amz-checksum-') || name.startsWith('x-amz-sdk-checksum-')

const md5Of = (bytes: Buffer): string => createHash('md5').update(bytes).digest('base64')

/** A document in the provider's words, vouched for anew. */
const withWrittenDocument = (saying: Saying, { family }: Speech): Saying => {
  const { body, headers } = saying
  if (body.kind !== 'bytes') return saying
  const write = documentWriter(family.name, { level: saying.address.level, query: saying.query })
  if (write === undefined) return saying
  const bytes = Buffer.from(write(body.bytes.toString('utf8')))
  if (bytes.equals(body.bytes)) return saying
  const claimed = headers.get('content-md5')
  if (claimed !== undefined && claimed !== md5Of(body.bytes)) throw new S3Error('BadDigest')
  return {
    ...saying,
    headers: withHeaders(withoutHeaders(headers, isChecksum), [['content-md5', md5Of(bytes)]]),
    body: { kind: 'bytes', bytes, trailer: undefined },
  }
}

const toPlace = (
  address: Address,
  host: string,
  addressing: Profile['addressing'],
): Pick<UpstreamRequest, 'host' | 'path' | 'resource'> => {
  if (addressing === 'path' || !hasHostName(address)) {
    const path = pathStyle(address)
    return { host, path, resource: path }
  }
  const path = address.level === 'object' ? `/${uriEncodeKey(address.objectKey)}` : '/'
  return { host: `${address.bucket}.${host}`, path, resource: `/${address.bucket}${path}` }
}

// A bucket with dots has no matching TLS certificate, one with capitals or underscores no legal host name.
const hasHostName = (address: Address): address is Exclude<Address, { level: 'service' }> =>
  address.level !== 'service' && /^[a-z0-9][a-z0-9-]*$/.test(address.bucket)

interface UpstreamPayload {
  readonly hash: string
  readonly headers: readonly (readonly [string, string])[]
  readonly body: UpstreamBody
}

const toBody = (body: Body, upstream: Upstream, profile: Profile): UpstreamPayload => {
  switch (body.kind) {
    case 'none':
      return { hash: EMPTY_SHA256, headers: [], body }
    case 'bytes':
      return {
        hash: sha256Hex(body.bytes),
        headers: body.trailer === undefined ? [] : [[body.trailer.name, body.trailer.value()]],
        body: { kind: 'bytes', bytes: body.bytes },
      }
    case 'stream':
      return body.payload.trailer !== undefined && takesTrailer(body.payload, upstream, profile)
        ? withTrailer(body.wire, body.payload, body.payload.trailer)
        : plain(body.wire, body.payload)
  }
}

const plain = (wire: Readable, payload: Payload): UpstreamPayload => ({
  hash: payload.hash,
  headers: [],
  body: { kind: 'stream', wire, filter: payload.filter, length: payload.length },
})

const takesTrailer = ({ trailer }: Payload, upstream: Upstream, profile: Profile): boolean =>
  trailer !== undefined && canFrame(trailer.name) && takesTrailers(upstream, profile)

/** Whether checksums behind a body may go to this upstream. */
export const takesTrailers = ({ endpoint }: Upstream, { trailers }: Profile): boolean =>
  trailers === 'any' || (trailers === 'tls' && endpoint.startsWith('https:'))

const withTrailer = (wire: Readable, payload: Payload, trailer: Trailer): UpstreamPayload => ({
  hash: 'STREAMING-UNSIGNED-PAYLOAD-TRAILER',
  headers: [
    ['content-encoding', 'aws-chunked'],
    ['x-amz-decoded-content-length', String(payload.length)],
    ['x-amz-trailer', trailer.name],
  ],
  body: {
    kind: 'stream',
    wire,
    filter: composeFilters(payload.filter, frameTrailer(payload.length, trailer)),
    length: framedLength(payload.length, trailer.name),
  },
})

/** A client's own content encoding stands behind the framing's. */
const aroundEncoding = (
  headers: Headers,
  added: UpstreamPayload['headers'],
): UpstreamPayload['headers'] => {
  const own = headers.get('content-encoding')
  return own === undefined
    ? added
    : added.map(([name, value]) =>
        name === 'content-encoding' ? [name, `${value},${own}`] : [name, value],
      )
}
