import type { Purpose, Seals } from '../b2/seals.ts'
import { invalidToken, type Member, type MemberClaim, type Members } from '../b2/session.ts'
import { refusal } from './refusal.ts'

/** What a client downloads with, who was given no more. */
export interface DownloadGrant {
  readonly bucket: string
  /** What file names begin with. */
  readonly prefix: string
  /** Query parameters of the download, which it must come with. */
  readonly demanded: Readonly<Record<string, string>>
}

/** What a token holds: sealed, so that every replica reads it and no client writes it. */
interface Sealed {
  readonly member: MemberClaim
  /** Milliseconds since 1970. */
  readonly until: number
  readonly grant?: DownloadGrant
}

/** Tells a token of this lane from one that stands for a session with B2. */
const MARK = 'sf_'

/** A day, as B2's own: https://www.backblaze.com/apidocs/b2-authorize-account */
const DAY_MS = 24 * 60 * 60 * 1000

/** Who calls, and with what leave. */
export interface Caller extends Member {
  /** Undefined for a client that authorised itself. */
  readonly grant: DownloadGrant | undefined
}

/** The tokens of clients whose upstream is no B2. */
export interface Tokens {
  account(member: Member): string
  /** @param ms how long it is good for */
  download(member: Member, grant: DownloadGrant, ms: number): string
  /** @param place what the upload URL says, which the token is good for alone */
  upload(member: Member, place: string): string
  /** @throws {S3Error} `InvalidToken`, {UpstreamRefusal} `expired_auth_token` */
  caller(token: string, isDownload: boolean): Caller
  /** @throws as `caller` */
  uploader(token: string, place: string): Member
}

/** Whether a token is this lane's, by its looks. */
export const isFrontToken = (token: string): boolean => token.startsWith(MARK)

export const createTokens = (seals: Seals, members: Members, now: Date): Tokens => {
  const at = now.getTime()
  const seal = (purpose: Purpose, member: Member, ms: number, rest = {}, place = ''): string => {
    const sealed: Sealed = { member: members.claimOf(member.client), until: at + ms, ...rest }
    return MARK + seals.seal(purpose, sealed, place)
  }
  const open = (purpose: Purpose, token: string, place = ''): Caller | undefined => {
    // Only we can have sealed it.
    const sealed = seals.open(purpose, token.slice(MARK.length), place) as Sealed | undefined
    if (sealed === undefined) return undefined
    const member = members.claimed(sealed.member)
    if (sealed.until > at) return { ...member, grant: sealed.grant }
    throw refusal(401, 'expired_auth_token', 'Authorization token has expired')
  }
  return {
    account: member => seal('front-token', member, DAY_MS),
    download: (member, grant, ms) => seal('front-download-token', member, ms, { grant }),
    upload: (member, place) => seal('front-upload-token', member, DAY_MS, {}, place),
    caller: (token, isDownload) => {
      const caller =
        open('front-token', token) ?? (isDownload ? open('front-download-token', token) : undefined)
      if (caller === undefined) throw invalidToken()
      return caller
    },
    uploader: (token, place) => {
      const uploader = open('front-upload-token', token, place)
      if (uploader === undefined) throw invalidToken()
      return uploader
    },
  }
}
