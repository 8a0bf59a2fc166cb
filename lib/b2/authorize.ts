import { type CredentialsSource, credentialsNow } from '../s3/credentials.ts'
import { S3Error } from '../s3/error.ts'
import type { Secret } from '../s3/secret.ts'
import { accountOf, basicAuthorization, storageOf } from './account.ts'
import { tell } from './ask.ts'
import { jsonAnswer, UpstreamRefusal } from './error.ts'
import type { Fields } from './fields.ts'
import type { B2Request } from './request.ts'
import type { Seals } from './seals.ts'
import { type Member, type Members, type Session, sealSession } from './session.ts'
import type { SendB2 } from './upstream.ts'

export interface AuthorizeParts {
  readonly members: Members
  readonly seals: Seals
  readonly send: SendB2
  /** The URL that clients reach the proxy's S3 listener by; the lane's own when left out, where S3 finds nothing. */
  readonly s3Url: string | undefined
}

/** The application key of a Basic authorization; empty where it is none. */
export const basicOf = (authorization = ''): readonly [id: string, key: string] => {
  const encoded = /^Basic ([A-Za-z0-9+/]+={0,2})$/i.exec(authorization)?.[1] ?? ''
  const text = Buffer.from(encoded, 'base64').toString('utf8')
  const at = text.indexOf(':')
  return [text.slice(0, at), text.slice(at + 1)]
}

/** The application key that the provider is asked with: the upstream's, the client's own, or another. */
const credentialsOf = ({ client, upstream }: Member): CredentialsSource | undefined => {
  const { upstreamCredentials: kind, proof } = client
  if (kind.kind === 'own') return kind.credentials
  return kind.kind === 'same' && proof.kind === 'signature'
    ? { ...proof, sessionToken: undefined }
    : upstream.credentials
}

const basicFor = async (member: Member): Promise<Secret<string>> => {
  const source = credentialsOf(member)
  if (source === undefined)
    throw new Error(`client ${member.client.name} has no application key for its upstream`)
  return basicAuthorization(await credentialsNow(source))
}

const sessionOf = (member: Member, document: Fields): Session => ({
  ...member,
  ...accountOf(document, member.upstream),
})

/** The document with every URL that leads to the provider replaced, and any other API of its account left out. */
const rewritten = (document: Fields, token: string, base: string, s3Url: string): Fields => {
  const urls = { apiUrl: base, downloadUrl: base, s3ApiUrl: s3Url }
  const storage = storageOf(document)
  return storage === document
    ? { ...document, ...urls, authorizationToken: token }
    : { ...document, authorizationToken: token, apiInfo: { storageApi: { ...storage, ...urls } } }
}

// A client whose own key was right must not be told that it is wrong.
const asOurs = (error: unknown, { client, upstream }: Member): unknown => {
  if (!(error instanceof UpstreamRefusal) || client.upstreamCredentials.kind === 'same')
    return error
  if (error.answer.status !== 401) return error
  return new S3Error(
    'ServiceUnavailable',
    `The storage provider refused the application key of upstream '${upstream.name}'.`,
  )
}

/**
 * Answers `b2_authorize_account`: the client proves itself to the proxy, the proxy to the provider.
 * https://www.backblaze.com/apidocs/b2-authorize-account
 *
 * @throws {S3Error} `InvalidAccessKeyId`, `ServiceUnavailable`
 */
export const authorize = async (
  request: B2Request,
  { members, seals, send, s3Url = request.base }: AuthorizeParts,
  signal: AbortSignal,
) => {
  const member = members.byKey(...basicOf(request.headers.get('authorization')))
  request.journal.note({ client: member.client.name })
  const saying = {
    upstream: member.upstream,
    origin: member.upstream.endpoint,
    method: 'GET',
    target: `/b2api/${request.version}/b2_authorize_account`,
    headers: new Map<string, string>(),
    body: { kind: 'none' },
    repeatable: true,
    authorization: await basicFor(member),
    journal: request.journal,
  } as const
  const { fields } = await send(saying, signal)
    .then(tell)
    .catch(error => {
      throw asOurs(error, member)
    })
  const token = sealSession(seals, members, sessionOf(member, fields))
  return jsonAnswer(200, rewritten(fields, token, request.base, s3Url))
}
