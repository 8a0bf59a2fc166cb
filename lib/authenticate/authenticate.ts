import { fromClientDialect } from '../dialect/client-dialect.ts'
import { FAMILIES } from '../dialect/families.ts'
import type { Payload } from '../s3/body.ts'
import { S3Error } from '../s3/error.ts'
import { recognise } from '../s3/operation.ts'
import { parsePayloadMode } from '../s3/payload-hash.ts'
import type { S3Request, Through } from '../s3/request.ts'
import type { Flavour } from '../sigv2/flavour.ts'
import type { SigningKeys } from '../sigv4/signature.ts'
import { createAccounts } from './accounts.ts'
import type { Claim } from './claim.ts'
import type { Client } from './client.ts'
import { headerClaim } from './header-claim.ts'
import { unhoist } from './hoisted.ts'
import { readPayload } from './payload.ts'
import { type Proven, severalMechanisms } from './proven.ts'
import { presignedSpellings, queryClaim } from './query-claim.ts'
import { createOffer, sigv4Scheme } from './schemes.ts'
import { settledHeaders } from './settled-headers.ts'
import {
  headerFlavour,
  sigv2HeaderClaim,
  sigv2Scheme,
  temporaryUrlClaim,
  urlFlavour,
} from './sigv2-claim.ts'
import { createSigv2Proof } from './sigv2-proof.ts'
import { createSigv4Proof } from './sigv4-proof.ts'
import { createTransportTrust } from './transport-trust.ts'

/**
 * A request of a known client. Its headers and query are what the client said to S3, with nothing of the signature
 * left; its operation, should the client have hoisted headers into the query, is theirs, too.
 */
export type AuthenticatedRequest = Through<
  'authenticate',
  S3Request & {
    readonly client: Client
    /** None when the operation takes no body. */
    readonly payload: Payload | undefined
  }
>

/**
 * Finds the client of each request, by its signature or by the way that it came, and makes of its body what may be
 * sent on.
 *
 * @throws {S3Error} in AWS's codes and words when there is no such client, or the request is not what it signed
 */
export const createAuthenticate = (
  clients: readonly Client[],
  signingKeys: SigningKeys,
): ((request: S3Request, now: Date) => AuthenticatedRequest) => {
  const prove = createProof(clients, signingKeys)
  return (request, now) => {
    refuseSessionTokens(request)
    return admit(request, prove(request, now))
  }
}

const SESSION_TOKENS = [
  'x-amz-security-token',
  'x-amz-s3session-token',
  'x-obs-security-token',
  'x-goog-security-token',
]

/** The proxy issues no temporary credentials, and knows none of others. */
const refuseSessionTokens = ({ headers, query }: S3Request): void => {
  const isSent =
    SESSION_TOKENS.some(name => headers.has(name)) ||
    query.some(({ name }) => SESSION_TOKENS.includes(name.toLowerCase()))
  if (isSent) throw new S3Error('InvalidToken')
}

type Prove = (request: S3Request, now: Date) => Proven

/** Reads what the request says of its signature, and verifies it. */
const createProof = (clients: readonly Client[], signingKeys: SigningKeys): Prove => {
  const proveSigv4 = createSigv4Proof(createAccounts(clients), signingKeys)
  const proveSigv2 = createSigv2Proof(createAccounts(clients))
  const proveUnsigned = createTransportProof(clients)
  const checkOffered = createOffer(clients)
  const proveClaim = (request: S3Request, claim: Claim): Proven => {
    checkOffered(sigv4Scheme(claim.spelling))
    return proveSigv4(request, claim)
  }
  const proveHeader = (authorization: string, request: S3Request, now: Date): Proven => {
    const { headers } = request
    const flavour = headerFlavour(authorization)
    if (!flavour) return proveClaim(request, headerClaim(authorization, headers, now))
    checkOffered(sigv2Scheme(flavour))
    return proveSigv2(request, sigv2HeaderClaim(authorization, headers, flavour, now))
  }
  const proveUrl = (flavour: Flavour, request: S3Request, now: Date): Proven => {
    checkOffered(sigv2Scheme(flavour))
    return proveSigv2(request, temporaryUrlClaim(request.query, flavour, now))
  }
  return (request, now) => {
    const { headers, query } = request
    const authorization = headers.get('authorization')
    const [spelling, ...more] = presignedSpellings(query)
    const flavour = urlFlavour(query)
    const places = [authorization, spelling, flavour, ...more].filter(place => place !== undefined)
    if (places.length > 1) throw severalMechanisms()
    if (authorization !== undefined) return proveHeader(authorization, request, now)
    if (spelling !== undefined) {
      return proveClaim(request, queryClaim(query, headers, spelling, now))
    }
    return flavour ? proveUrl(flavour, request, now) : proveUnsigned(request)
  }
}

const createTransportProof = (clients: readonly Client[]) => {
  const trust = createTransportTrust(clients)
  return ({ peer, query, headers, dialect }: S3Request): Proven => {
    const client = trust(peer)
    if (client === undefined) throw new S3Error('AccessDenied')
    const hash = [FAMILIES[dialect], FAMILIES.amz].map(({ prefix }) =>
      headers.get(`${prefix}content-sha256`),
    )
    const payloadHash = hash.find(value => value !== undefined) ?? 'UNSIGNED-PAYLOAD'
    return { client, query, payloadHash, seal: undefined }
  }
}

const admit = (request: S3Request, proven: Proven): AuthenticatedRequest => {
  const said = fromClientDialect(request.dialect, request.address.level, {
    query: proven.query,
    headers: request.headers,
  })
  const { query, headers } = unhoist(said.query, said.headers)
  const isAsReceived = query === request.query && headers === request.headers
  // Anew, for a hoisted header may be the one that tells a copy from a put.
  const operation = isAsReceived
    ? request.operation
    : recognise(request.method, request.address, query, headers)
  const mode = parsePayloadMode(proven.payloadHash)
  return {
    ...request,
    client: proven.client,
    query,
    headers: settledHeaders(headers),
    operation,
    payload: readPayload(operation, headers, mode, proven.seal, proven.isLenient),
  } as AuthenticatedRequest
}
