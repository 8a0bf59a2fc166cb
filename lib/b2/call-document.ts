import type { CustomerKey } from '../keys/customer-key.ts'
import { withoutHopByHop } from '../s3/headers.ts'
import type { S3Response } from '../s3/response.ts'
import { Secret } from '../s3/secret.ts'
import { type Ask, tell } from './ask.ts'
import { tryKeys } from './attempts.ts'
import { confirmWrite } from './confirm.ts'
import { type Decided, encryptionField } from './decide.ts'
import { keyField } from './encryption.ts'
import { jsonAnswer } from './error.ts'
import { type Fields, needText, textOf } from './fields.ts'
import { sealLargeFile } from './large-file.ts'
import { METHOD_FIELD, withDefaultMethod } from './method.ts'
import type { B2Request } from './request.ts'
import type { Seals } from './seals.ts'
import { type Members, sealSession } from './session.ts'
import { rewriteUploadUrl } from './upload-url.ts'
import { passable, refuseRedirect, type SendB2 } from './upstream.ts'

export interface CallParts {
  readonly members: Members
  readonly seals: Seals
  readonly send: SendB2
  readonly ask: Ask
}

/** A query with the provider's own file id, and without a token. */
const queryOf = ({ query }: B2Request, fields: Fields): string => {
  const parts = query
    .filter(({ name }) => name !== 'Authorization')
    .map(({ name, raw }) =>
      name === 'fileId' ? `fileId=${encodeURIComponent(textOf(fields, name) ?? '')}` : raw,
    )
  return parts.length === 0 ? '' : `?${parts.join('&')}`
}

/** Where SSE-B2 is demanded: for a file, a large file and a bucket's default. A part goes by its large file's. */
const withMethod = (decided: Decided, fields: Fields): Fields => {
  const { call, permission, isByMethod } = decided
  if (call.name === 'b2_create_bucket' || call.name === 'b2_update_bucket')
    return withDefaultMethod(permission, fields, call.name === 'b2_create_bucket')
  if (!isByMethod || call.key !== 'document') return fields
  const { [encryptionField(decided)]: _, ...others } = fields
  return call.name === 'b2_copy_part'
    ? others
    : { ...others, [encryptionField(decided)]: METHOD_FIELD }
}

const withKeys = (decided: Decided, source: CustomerKey | undefined): Fields => {
  const { fields, keys, sourceKeys } = decided
  const { sourceServerSideEncryption: _, ...withoutSource } = fields
  const read = source === undefined ? {} : { sourceServerSideEncryption: keyField(source) }
  const isWritten = keys !== undefined && decided.call.key === 'document'
  const written = isWritten ? { [encryptionField(decided)]: keyField(keys[0]) } : {}
  const said = sourceKeys === undefined ? fields : { ...withoutSource, ...read }
  return withMethod(decided, { ...said, ...written })
}

const sendCall = (
  decided: Decided,
  source: CustomerKey | undefined,
  { send }: CallParts,
  signal: AbortSignal,
) => {
  const { request, session, call } = decided
  const path = `/b2api/${request.version}/${call.name}`
  const isPost = request.method === 'POST'
  const bytes = Buffer.from(JSON.stringify(withKeys(decided, source)))
  const headers = new Map(passable(request.headers)).set('accept-encoding', 'identity')
  return send(
    {
      upstream: session.upstream,
      origin: session.api,
      method: request.method,
      target: isPost ? path : `${path}${queryOf(request, decided.fields)}`,
      headers,
      body: isPost ? { kind: 'bytes', bytes } : { kind: 'none' },
      repeatable: call.repeatable,
      authorization: session.token,
      journal: request.journal,
    },
    signal,
  )
}

const asIs = (answer: S3Response): S3Response => ({
  ...answer,
  headers: withoutHopByHop(answer.headers),
})

/** The id of what was written: of a new file, or of the large file that a part went into. */
const writtenId = ({ large, saidFileId, call }: Decided, document: Fields): string | undefined =>
  call.name === 'b2_copy_part' ? (large?.fileId ?? saidFileId) : textOf(document, 'fileId')

const confirmed = async (
  decided: Decided,
  document: Fields,
  { ask }: CallParts,
  signal: AbortSignal,
): Promise<void> => {
  const { call, keys, permission, session, request, isByMethod } = decided
  const key = keys?.[0]
  const isWritten = call.key === 'document' || call.name === 'b2_finish_large_file'
  const isPartByMethod = isByMethod && call.name === 'b2_copy_part'
  if ((key === undefined && !isByMethod) || !isWritten || isPartByMethod) return
  const written = {
    call: call.name,
    key,
    permission,
    document,
    fileId: writtenId(decided, document),
  }
  await confirmWrite(written, ask, { session, journal: request.journal, signal })
}

type Rewrite = (decided: Decided, document: Fields, parts: CallParts) => Fields

const withUploadUrl: Rewrite = ({ session, request, target }, document, { seals, members }) => {
  const { base } = request
  return rewriteUploadUrl({ document, session, base, bucket: target.bucket ?? '' }, seals, members)
}

const withPartUrl: Rewrite = (decided, document, { seals, members }) => {
  const { session, request, target, large, saidFileId = '' } = decided
  const part = { saidFileId, large, target }
  const into = { document, session, base: request.base, bucket: target.bucket ?? '', part }
  return rewriteUploadUrl(into, seals, members)
}

const withDownloadToken: Rewrite = ({ session }, document, { seals, members }) => {
  const token = new Secret(needText(document, 'authorizationToken'))
  const own = sealSession(seals, members, { ...session, token }, 'download-token')
  return { ...document, authorizationToken: own }
}

const withLargeFile: Rewrite = ({ target, keys }, document, { seals }) => {
  const key = keys?.[0]
  const isOurs = key !== undefined && key.keyring !== 'client'
  const file = {
    bucket: target.bucket ?? '',
    objectKey: target.objectKey ?? '',
    fileId: needText(document, 'fileId'),
    key: isOurs ? { keyring: key.keyring, version: key.version } : undefined,
  }
  return { ...document, fileId: sealLargeFile(seals, file) }
}

const withSaidId: Rewrite = ({ saidFileId }, document) => ({ ...document, fileId: saidFileId })

const unchanged: Rewrite = (_, document) => document

/** Calls whose answers the proxy looks into, and what of them only its own form of may reach a client; all others stream. */
const READ: ReadonlyMap<string, Rewrite> = new Map([
  ['b2_cancel_large_file', withSaidId],
  ['b2_copy_file', unchanged],
  ['b2_copy_part', withSaidId],
  ['b2_finish_large_file', unchanged],
  ['b2_get_download_authorization', withDownloadToken],
  ['b2_get_upload_part_url', withPartUrl],
  ['b2_get_upload_url', withUploadUrl],
  ['b2_start_large_file', withLargeFile],
])

/**
 * Makes a call whose request and answer are documents.
 *
 * @throws {S3Error} `UnconfirmedEncryption`
 * @throws {UpstreamRefusal}
 */
export const callDocument = async (
  decided: Decided,
  parts: CallParts,
  signal: AbortSignal,
): Promise<S3Response> => {
  const { request, call, sourceKeys } = decided
  const choices = sourceKeys ?? [undefined]
  const { answer } = await tryKeys(choices, request.journal, key =>
    sendCall(decided, key, parts, signal),
  )
  const rewrite = READ.get(call.name)
  if (rewrite === undefined) return asIs(refuseRedirect(answer))
  const { fields: document } = await tell(answer)
  await confirmed(decided, document, parts, signal)
  return jsonAnswer(answer.status, rewrite(decided, document, parts))
}
