import { createHmac, timingSafeEqual } from 'node:crypto'
import type { Client } from '../authenticate/client.ts'
import { S3Error } from '../s3/error.ts'
import { Secret } from '../s3/secret.ts'
import type { Upstream } from '../transport/upstream.ts'
import type { Account, BucketName } from './account.ts'
import type { Purpose, Seals } from './seals.ts'

/** Who a client's token was given to. */
export interface MemberClaim {
  readonly client: string
  /** Ties the token to the client's application key as it was: a changed key ends it. */
  readonly proof: string
  readonly upstream: string
}

/** What a client's token holds: sealed, since replicas share no state. */
interface SealedSession extends MemberClaim {
  readonly token: string
  readonly api: string
  readonly download: string
  readonly account: string
  readonly buckets: readonly BucketName[]
}

/** A client that has authorised itself, and what the provider gave for it. */
export interface Session extends Account {
  readonly client: Client
  readonly upstream: Upstream
}

/** Who may call this lane: clients with a key pair, whose upstream speaks B2. */
export interface Members {
  /** @throws {S3Error} `InvalidAccessKeyId`, which does not tell a wrong key from an unknown one */
  byKey(applicationKeyId: string, applicationKey: string): Member
  /** Whether a member has that application key id. */
  knows(applicationKeyId: string): boolean
  /** What a token says of a member, to be believed of as long as its application key is the same. */
  claimOf(client: Client): MemberClaim
  /** @throws {S3Error} `InvalidToken` when that is true no more */
  claimed(claim: MemberClaim): Member
  sealed(session: Session): SealedSession
  /** @throws {S3Error} `InvalidToken` */
  opened(value: unknown): Session
}

export interface Member {
  readonly client: Client
  readonly upstream: Upstream
}

interface Known extends Member {
  readonly keyId: string
  readonly key: Secret<string>
}

const digest = (text: string): Buffer => createHmac('sha256', 'ssec-proxy/b2').update(text).digest()

const proofOf = ({ keyId, key }: Known): string =>
  digest(JSON.stringify([keyId, key.expose()])).toString('base64url')

export const invalidToken = (): S3Error =>
  new S3Error('InvalidToken', 'Invalid authorization token')

const knownOf = (
  clients: readonly Client[],
  upstreams: ReadonlyMap<string, Upstream>,
): readonly Known[] =>
  clients.flatMap(client => {
    const upstream = upstreams.get(client.upstream)
    if (client.proof.kind !== 'signature' || upstream === undefined) return []
    const { accessKeyId: keyId, secretAccessKey: key } = client.proof
    return [{ client, upstream, keyId, key }]
  })

/** @param upstreams those that speak B2 */
export const createMembers = (
  clients: readonly Client[],
  upstreams: ReadonlyMap<string, Upstream>,
): Members => {
  const known = knownOf(clients, upstreams)
  const claimOf: Members['claimOf'] = ({ name, upstream }) => {
    const member = known.find(({ client }) => client.name === name)
    return { client: name, proof: member === undefined ? '' : proofOf(member), upstream }
  }
  const claimed: Members['claimed'] = claim => {
    const member = known.find(({ client }) => client.name === claim.client)
    if (member === undefined || member.upstream.name !== claim.upstream) throw invalidToken()
    if (proofOf(member) !== claim.proof) throw invalidToken()
    return { client: member.client, upstream: member.upstream }
  }
  return {
    knows: applicationKeyId => known.some(({ keyId }) => keyId === applicationKeyId),
    claimOf,
    claimed,
    byKey: (applicationKeyId, applicationKey) => {
      const found = known.find(({ keyId }) => keyId === applicationKeyId)
      const isKey = timingSafeEqual(digest(found?.key.expose() ?? ''), digest(applicationKey))
      if (found !== undefined && isKey) return found
      throw new S3Error(
        'InvalidAccessKeyId',
        'The application key id or the application key is wrong.',
      )
    },
    sealed: ({ client, token, api, download, account, buckets }) => ({
      ...claimOf(client),
      token: token.expose(),
      api,
      download,
      account,
      buckets,
    }),
    opened: value => {
      if (value === undefined) throw invalidToken()
      // Only we can have sealed it.
      const sealed = value as SealedSession
      const { token, api, download, account, buckets } = sealed
      return { ...claimed(sealed), token: new Secret(token), api, download, account, buckets }
    },
  }
}

/** The token that a client gets for a session. */
export const sealSession = (
  seals: Seals,
  members: Members,
  session: Session,
  purpose: Extract<Purpose, 'token' | 'download-token'> = 'token',
): string => seals.seal(purpose, members.sealed(session))

/**
 * The session of a client's token.
 *
 * @throws {S3Error} `InvalidToken`
 */
export const openSession = (
  seals: Seals,
  members: Members,
  token: string | undefined,
  purposes: readonly Purpose[],
): Session => {
  const opened = purposes.map(purpose => seals.open(purpose, token ?? ''))
  return members.opened(opened.find(value => value !== undefined))
}
