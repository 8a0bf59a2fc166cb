import type { Payload } from '../s3/body.ts'
import { S3Error } from '../s3/error.ts'
import { recognise } from '../s3/operation.ts'
import { parsePayloadMode } from '../s3/payload-hash.ts'
import type { Query } from '../s3/query.ts'
import type { S3Request, Through } from '../s3/request.ts'
import type { SigningKeys } from '../sigv4/signature.ts'
import { createAccounts } from './accounts.ts'
import type { ChunkSeal } from './chunk-signatures.ts'
import type { Claim } from './claim.ts'
import type { Client } from './client.ts'
import { headerClaim } from './header-claim.ts'
import { unhoist } from './hoisted.ts'
import { readPayload } from './payload.ts'
import { isSignatureParameter, queryClaim } from './query-claim.ts'
import { settledHeaders } from './settled-headers.ts'
import { checkAllSigned } from './signed-headers.ts'
import { createTransportTrust } from './transport-trust.ts'
import { verify } from './verify.ts'

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

/** Who sent a request, and what of it that settles. */
interface Proven {
  readonly client: Client
  /** The reading of the query that was signed. */
  readonly query: Query
  /** Value for `x-amz-content-sha256`. */
  readonly payloadHash: string
  readonly seal: ChunkSeal | undefined
}

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
  const proveSigned = createSignatureProof(clients, signingKeys)
  const proveUnsigned = createTransportProof(clients)
  return (request, now) => {
    refuseSessionTokens(request)
    const claim = readClaim(request, now)
    return admit(request, claim ? proveSigned(request, claim) : proveUnsigned(request))
  }
}

const SESSION_TOKENS = ['x-amz-security-token', 'x-amz-s3session-token']

/** The proxy issues no temporary credentials, and knows none of others. */
const refuseSessionTokens = ({ headers, query }: S3Request): void => {
  const isSent =
    SESSION_TOKENS.some(name => headers.has(name)) ||
    query.some(({ name }) => SESSION_TOKENS.includes(name.toLowerCase()))
  if (isSent) throw new S3Error('InvalidToken')
}

/** What the request says of its signature; none when it carries none. */
const readClaim = ({ headers, query }: S3Request, now: Date): Claim | undefined => {
  const authorization = headers.get('authorization')
  const presigned = query.some(({ name }) => isSignatureParameter(name.toLowerCase()))
  if (authorization === undefined) return presigned ? queryClaim(query, headers, now) : undefined
  if (!presigned) return headerClaim(authorization, headers, now)
  throw severalMechanisms()
}

/** The error for a request that says in two places who sends it. */
export const severalMechanisms = (): S3Error =>
  new S3Error(
    'InvalidArgument',
    'Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature query string parameter or the Authorization header should be specified',
    { details: { ArgumentName: 'Authorization' } },
  )

const createSignatureProof = (clients: readonly Client[], signingKeys: SigningKeys) => {
  const accounts = createAccounts(clients, signingKeys)
  return (request: S3Request, claim: Claim): Proven => {
    checkAllSigned(request.headers, claim.signedHeaders)
    const { client, key } = accounts(claim.accessKeyId, claim.scope)
    const query = verify(request, claim, key)
    if (client === undefined) throw new S3Error('InvalidAccessKeyId')
    if (query === undefined) throw new S3Error('SignatureDoesNotMatch')
    const { payloadHash, date, scope, signature } = claim
    return {
      client,
      query,
      payloadHash,
      seal: { key, date, scope, seed: signature },
    }
  }
}

const createTransportProof = (clients: readonly Client[]) => {
  const trust = createTransportTrust(clients)
  return ({ peer, query, headers }: S3Request): Proven => {
    const client = trust(peer)
    if (client === undefined) throw new S3Error('AccessDenied')
    const payloadHash = headers.get('x-amz-content-sha256') ?? 'UNSIGNED-PAYLOAD'
    return { client, query, payloadHash, seal: undefined }
  }
}

const admit = (request: S3Request, proven: Proven): AuthenticatedRequest => {
  const { query, headers } = unhoist(proven.query, request.headers)
  // Anew, for a hoisted header may be the one that tells a copy from a put.
  const operation = recognise(request.method, request.address, query, headers)
  const mode = parsePayloadMode(proven.payloadHash)
  return {
    ...request,
    client: proven.client,
    query,
    headers: settledHeaders(headers),
    operation,
    payload: readPayload(operation, headers, mode, proven.seal),
  } as AuthenticatedRequest
}
