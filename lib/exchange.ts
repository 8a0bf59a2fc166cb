import type { Client } from './authenticate/client.ts'
import { createB2Upstream } from './b2-upstream/b2-upstream.ts'
import { B2_NATIVE, PROVIDERS, type Profile } from './dialect/profiles.ts'
import { speechOf } from './dialect/speech.ts'
import { createToUpstream, type Saying, type UpstreamRequest } from './dialect/to-upstream.ts'
import { settleErrors } from './response/document.ts'
import { inS3Words } from './response/s3-words.ts'
import { type Awaitable, andThen } from './s3/awaitable.ts'
import type { Credentials, CredentialsSource, LiveCredentials } from './s3/credentials.ts'
import { S3Error } from './s3/error.ts'
import type { S3Response } from './s3/response.ts'
import { leaveUnsigned, type SignedRequest, sign } from './sign/sign.ts'
import type { SigningKeys } from './sigv4/signature.ts'
import type { Transport } from './transport/transport.ts'
import type { Upstream } from './transport/upstream.ts'

/** Dialect, sign, transport and back, for one client: whatever is said in S3's vocabulary, to the client's upstream. */
export interface Exchange {
  readonly profile: Profile
  readonly upstream: Upstream
  send(saying: Saying, signal: AbortSignal): Promise<S3Response>
  /** The same as nobody, whatever credentials the client has. */
  sendUnsigned(saying: Saying, signal: AbortSignal): Promise<S3Response>
}

const credentialsOf = (client: Client, upstream: Upstream): CredentialsSource | undefined => {
  const { proof, upstreamCredentials } = client
  switch (upstreamCredentials.kind) {
    case 'upstream':
      return upstream.credentials
    case 'own':
      return upstreamCredentials.credentials
    case 'same':
      return proof.kind === 'signature' ? { ...proof, sessionToken: undefined } : undefined
    case 'none':
      return undefined
  }
}

/** @throws {S3Error} `ServiceUnavailable` when there are none now */
const ofNow = (source: CredentialsSource): Awaitable<Credentials> =>
  'current' in source ? currentOf(source) : source

const currentOf = async (source: LiveCredentials): Promise<Credentials> => {
  try {
    return await source.current()
  } catch (cause) {
    const message = 'The credentials for the storage provider cannot be had now.'
    throw new S3Error('ServiceUnavailable', message, { cause })
  }
}

export interface ExchangeParts {
  readonly upstreams: ReadonlyMap<string, Upstream>
  readonly transport: Transport
  readonly signingKeys: SigningKeys
  readonly now: () => Date
}

const profileOf = (upstream: Upstream): Profile | undefined => {
  const profile = PROVIDERS.get(upstream.provider)
  return profile && { ...profile, copy: upstream.copy ?? profile.copy }
}

/** @throws {Error} when the client's upstream or its provider is unknown; a checked configuration has neither fault */
export const createExchange = (client: Client, parts: ExchangeParts): Exchange => {
  const upstream = parts.upstreams.get(client.upstream)
  const profile = upstream && profileOf(upstream)
  if (!upstream || !profile) throw new Error(`client ${client.name} has no known upstream`)
  const source = credentialsOf(client, upstream)
  return upstream.provider === B2_NATIVE
    ? overB2(upstream, profile, source, parts)
    : bySaying(upstream, profile, source, parts)
}

type Exchanging = (
  upstream: Upstream,
  profile: Profile,
  source: CredentialsSource | undefined,
  parts: ExchangeParts,
) => Exchange

const overB2: Exchanging = (upstream, profile, source, { transport, now }) => {
  const parts = { upstream, transport, now }
  const credentials = source && (async () => ofNow(source))
  return {
    profile,
    upstream,
    send: createB2Upstream({ ...parts, credentials }),
    sendUnsigned: createB2Upstream({ ...parts, credentials: undefined }),
  }
}

const bySaying: Exchanging = (upstream, profile, source, parts) => {
  const { family } = speechOf(upstream, profile)
  const signed = (request: UpstreamRequest): Awaitable<SignedRequest> =>
    source === undefined
      ? leaveUnsigned(request)
      : andThen(ofNow(source), credentials =>
          sign(request, credentials, parts.signingKeys, parts.now()),
        )
  const toUpstream = createToUpstream(upstream, profile)
  const sendBy =
    (settle: (request: UpstreamRequest) => Awaitable<SignedRequest>): Exchange['send'] =>
    async (saying, signal) => {
      const settled = settle(toUpstream(saying))
      const request = settled instanceof Promise ? await settled : settled
      const answer = settleErrors(await parts.transport.send(request, signal))
      return andThen(answer, each => inS3Words(each, saying, family))
    }
  return { profile, upstream, send: sendBy(signed), sendUnsigned: sendBy(leaveUnsigned) }
}
