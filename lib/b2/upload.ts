import type { CustomerKey } from '../keys/customer-key.ts'
import type { Keyrings } from '../keys/find-keys.ts'
import type { Permission } from '../policy/decide.ts'
import type { Policy } from '../policy/resolve.ts'
import { documentText } from '../response/document.ts'
import { scrubText } from '../response/scrub.ts'
import { S3Error } from '../s3/error.ts'
import { withHeaders, withoutHeaders } from '../s3/headers.ts'
import type { S3Response } from '../s3/response.ts'
import { type Ask, tell } from './ask.ts'
import { confirmWrite } from './confirm.ts'
import { permitted, ringKeys } from './decide.ts'
import { demandedKeys, isEncryptionHeader, keyHeaders, wishOfHeaders } from './encryption.ts'
import { jsonAnswer } from './error.ts'
import { type Fields, textOf } from './fields.ts'
import { decodeB2, encodeFileName } from './file-name.ts'
import { keyOfLargeFile } from './large-file.ts'
import { bodyLength, callOf, type Target } from './locate.ts'
import { demandsMethod, METHOD_HEADERS } from './method.ts'
import type { B2Request } from './request.ts'
import type { Seals } from './seals.ts'
import type { Members } from './session.ts'
import { openUploadUrl, type UploadUrl } from './upload-url.ts'
import { passable, type SendB2 } from './upstream.ts'

export interface UploadParts {
  readonly members: Members
  readonly seals: Seals
  readonly policy: Policy
  readonly keyrings: Keyrings
  readonly send: SendB2
  readonly ask: Ask
}

interface Upload {
  readonly request: B2Request
  readonly url: UploadUrl
  readonly target: Target
  readonly permission: Permission
  readonly key: CustomerKey | undefined
  /** Whether SSE-B2 is demanded; a part goes by its large file's. */
  readonly isByMethod: boolean
}

const FILE_NAME = 'x-bz-file-name'

const fileNameOf = ({ headers }: B2Request): string => {
  const name = headers.get(FILE_NAME)
  if (name === undefined || name === '')
    throw new S3Error('InvalidRequest', 'header X-Bz-File-Name is missing')
  return decodeB2(name)
}

const keyFor = (
  request: B2Request,
  { part }: UploadUrl,
  permission: Permission,
  target: Target,
  keyrings: Keyrings,
) => {
  const wish = wishOfHeaders(request.headers)
  const bound = part?.large && keyOfLargeFile(keyrings, part.large)
  if (bound !== undefined) return bound
  return demandedKeys(permission, ringKeys(keyrings, permission, target), wish)?.[0]
}

const open = (request: B2Request, { members, seals, policy, keyrings }: UploadParts): Upload => {
  const url = openUploadUrl(request.rest, request.headers.get('authorization'), seals, members)
  // A URL for a file takes no part, and the other way round.
  if ((url.part === undefined) !== (request.call === 'b2_upload_file'))
    throw new S3Error('InvalidURI')
  const target = url.part?.target ?? { bucket: url.bucket, objectKey: fileNameOf(request) }
  const client = url.session.client.name
  request.journal.note({ client, bucket: target.bucket })
  const permission = permitted(policy, { client, operation: callOf(request).operation, ...target })
  const key = keyFor(request, url, permission, target, keyrings)
  request.journal.note({
    rule: permission.rule,
    attempts: 1,
    keyVersion: key && `${key.keyring}/${key.version}`,
  })
  const isByMethod = demandsMethod(permission, wishOfHeaders(request.headers))
  return { request, url, target, permission, key, isByMethod }
}

const headersOf = ({ request, url, target, key, isByMethod }: Upload) => {
  const passing = passable(request.headers)
  const clean =
    key === undefined && !isByMethod ? passing : withoutHeaders(passing, isEncryptionHeader)
  return withHeaders(clean, [
    ['accept-encoding', 'identity'],
    // The provider is told the very name that the policy was asked about, in no spelling that it might read otherwise.
    ...(url.part === undefined
      ? [[FILE_NAME, encodeFileName(target.objectKey ?? '')] as const]
      : []),
    ...(key === undefined ? [] : keyHeaders(key)),
    ...(isByMethod && url.part === undefined ? METHOD_HEADERS : []),
  ])
}

const bodyOf = (request: B2Request) => {
  const length = bodyLength(request)
  if (length === 0) return { kind: 'bytes', bytes: Buffer.alloc(0) } as const
  return { kind: 'stream', wire: request.wire, filter: undefined, length } as const
}

const sendUpload = (
  upload: Upload,
  { send }: UploadParts,
  signal: AbortSignal,
): Promise<S3Response> => {
  const { request, url } = upload
  const body = bodyOf(request)
  request.proceed()
  return send(
    {
      upstream: url.session.upstream,
      origin: url.origin,
      method: 'POST',
      target: url.target,
      headers: headersOf(upload),
      body,
      repeatable: false,
      authorization: url.token,
      journal: request.journal,
    },
    signal,
  )
}

const scrubbed = (answer: S3Response, key: CustomerKey | undefined): S3Response => {
  if (answer.status < 400 || key === undefined) return answer
  const body = Buffer.from(scrubText(documentText(answer), [key]))
  return {
    ...answer,
    headers: withHeaders(answer.headers, [['content-length', String(body.length)]]),
    body,
  }
}

const confirmUpload = async (
  upload: Upload,
  document: Fields,
  { ask }: UploadParts,
  signal: AbortSignal,
) => {
  const { request, url, key, permission, isByMethod } = upload
  if (key === undefined && (!isByMethod || url.part !== undefined)) return
  const fileId =
    url.part === undefined
      ? textOf(document, 'fileId')
      : (url.part.large?.fileId ?? url.part.saidFileId)
  const about = { session: url.session, journal: request.journal, signal }
  await confirmWrite({ call: request.call, key, permission, document, fileId }, ask, about)
}

/**
 * Streams a file or a part to the pod that its URL stands for. What the client says of its SHA-1 passes: it is that of
 * the plain bytes.
 *
 * @throws {S3Error} `InvalidURI`, `InvalidToken`, `AccessDenied`, `InvalidRequest`, `UnconfirmedEncryption`
 * @throws {UpstreamRefusal}
 */
export const upload = async (
  request: B2Request,
  parts: UploadParts,
  signal: AbortSignal,
): Promise<S3Response> => {
  const opened = open(request, parts)
  const answer = scrubbed(await sendUpload(opened, parts, signal), opened.key)
  const { fields: document } = await tell(answer)
  await confirmUpload(opened, document, parts, signal)
  const { part } = opened.url
  return jsonAnswer(
    answer.status,
    part === undefined ? document : { ...document, fileId: part.saidFileId },
  )
}
