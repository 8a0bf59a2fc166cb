import { S3Error } from '../s3/error.ts'
import { Secret } from '../s3/secret.ts'
import { type Fields, needText } from './fields.ts'
import type { LargeFile } from './large-file.ts'
import type { Target } from './locate.ts'
import type { Seals } from './seals.ts'
import { invalidToken, type Members, type Session } from './session.ts'
import { originOf } from './upstream.ts'

/** The large file that a part URL is for. */
export interface UploadPart {
  /** Its id as the client knows it. */
  readonly saidFileId: string
  /** When the proxy gave out that id. */
  readonly large: LargeFile | undefined
  readonly target: Target
}

/** What a client's upload URL stands for: a pod of the provider's, sealed, so that no client can name another host. */
interface SealedUrl {
  readonly origin: string
  readonly target: string
  readonly bucket: string
  readonly part: UploadPart | undefined
}

/** Tells, beside the upload URL that it belongs to, who uploads. */
interface SealedToken {
  readonly token: string
  readonly session: object
}

export interface UploadUrl extends SealedUrl {
  /** The provider's own, for this pod alone. */
  readonly token: Secret<string>
  readonly session: Session
}

export interface Rewriting {
  /** The provider's answer. */
  readonly document: Fields
  readonly session: Session
  readonly base: string
  readonly bucket: string
  readonly part?: UploadPart
}

/** An answer with an upload URL of the proxy's. */
export const rewriteUploadUrl = (
  { document, session, base, bucket, part }: Rewriting,
  seals: Seals,
  members: Members,
): Fields => {
  const url = needText(document, 'uploadUrl')
  const origin = originOf(url, session.upstream)
  const sealedUrl: SealedUrl = { origin, target: url.slice(url.indexOf('/', 8)), bucket, part }
  const rest = seals.seal('upload-url', sealedUrl)
  const token: SealedToken = {
    token: needText(document, 'authorizationToken'),
    session: members.sealed(session),
  }
  const call = part === undefined ? 'b2_upload_file' : 'b2_upload_part'
  return {
    ...document,
    ...(part === undefined ? {} : { fileId: part.saidFileId }),
    uploadUrl: `${base}/b2api/v2/${call}/${rest}`,
    authorizationToken: seals.seal('upload-token', token, rest),
  }
}

/**
 * Opens a client's upload URL with its token.
 *
 * @throws {S3Error} `InvalidURI` for a URL that the proxy did not give out, `InvalidToken` for a token of another
 */
export const openUploadUrl = (
  rest: string,
  authorization: string | undefined,
  seals: Seals,
  members: Members,
): UploadUrl => {
  // Only we can have sealed them.
  const url = seals.open('upload-url', rest) as SealedUrl | undefined
  if (url === undefined)
    throw new S3Error('InvalidURI', 'This upload URL is none of this proxy. Get another one.')
  const token = seals.open('upload-token', authorization ?? '', rest) as SealedToken | undefined
  if (token === undefined) throw invalidToken()
  return { ...url, token: new Secret(token.token), session: members.opened(token.session) }
}
