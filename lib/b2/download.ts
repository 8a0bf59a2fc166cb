import type { CustomerKey } from '../keys/customer-key.ts'
import type { Keyrings } from '../keys/find-keys.ts'
import { discard } from '../response/document.ts'
import { S3Error } from '../s3/error.ts'
import { withHeaders, withoutHeaders, withoutHopByHop } from '../s3/headers.ts'
import type { S3Response } from '../s3/response.ts'
import { type Attempted, tryKeys } from './attempts.ts'
import { type Decided, ringKeys } from './decide.ts'
import {
  demandedKeys,
  echoesKey,
  isEncryptionHeader,
  keyField,
  keyHeaders,
  wishOfField,
  wishOfHeaders,
} from './encryption.ts'
import { textOf } from './fields.ts'
import { encodeFileName } from './file-name.ts'
import { passable, refuseRedirect, type SendB2 } from './upstream.ts'

export interface DownloadParts {
  readonly keyrings: Keyrings
  readonly send: SendB2
}

const FIELD = 'serverSideEncryption'

/** What a rule lets be read with; undefined where the request goes on as it is. */
const choicesOf = (
  decided: Decided,
  keyrings: Keyrings,
): readonly (CustomerKey | undefined)[] | undefined => {
  const { request, permission, fields, target } = decided
  const wish =
    request.method === 'POST' ? wishOfField(fields[FIELD]) : wishOfHeaders(request.headers)
  const keys = demandedKeys(permission, ringKeys(keyrings, permission, target), wish)
  if (permission.kind !== 'encrypt' || keys === undefined) return undefined
  return permission.effect.plaintextReads === 'allow' ? [...keys, undefined] : keys
}

const targetOf = ({ request, fields, target }: Decided, isCovered: boolean): string => {
  const byName = request.call === 'b2_download_file_by_name'
  const path = byName
    ? `/file/${target.bucket}/${encodeFileName(target.objectKey ?? '')}`
    : `/b2api/${request.version}/b2_download_file_by_id`
  const query = request.query
    .filter(({ name }) => name !== 'Authorization' && !(isCovered && name.startsWith(FIELD)))
    .map(({ name, raw }) =>
      name === 'fileId' ? `fileId=${encodeURIComponent(textOf(fields, name) ?? '')}` : raw,
    )
  return query.length === 0 ? path : `${path}?${query.join('&')}`
}

const bodyOf = ({ request, fields }: Decided, key: CustomerKey | undefined, isCovered: boolean) => {
  if (request.method !== 'POST') return { kind: 'none' } as const
  const { [FIELD]: _, ...others } = fields
  const covered = key === undefined ? others : { ...others, [FIELD]: keyField(key) }
  return {
    kind: 'bytes',
    bytes: Buffer.from(JSON.stringify(isCovered ? covered : fields)),
  } as const
}

const sendDownload = (
  decided: Decided,
  isCovered: boolean,
  key: CustomerKey | undefined,
  { send }: DownloadParts,
  signal: AbortSignal,
): Promise<S3Response> => {
  const { request, session } = decided
  const passing = passable(request.headers)
  const clean = isCovered ? withoutHeaders(passing, isEncryptionHeader) : passing
  const inHeaders = key !== undefined && request.method !== 'POST' ? keyHeaders(key) : []
  return send(
    {
      upstream: session.upstream,
      origin: session.download,
      method: request.method,
      target: targetOf(decided, isCovered),
      headers: withHeaders(clean, inHeaders),
      body: bodyOf(decided, key, isCovered),
      repeatable: true,
      authorization: session.token,
      journal: request.journal,
    },
    signal,
  )
}

const BROUGHT: readonly number[] = [200, 206]

/** Where plaintext may not be read, what comes must show our key. */
const confirmed = ({ permission }: Decided, { answer, key }: Attempted): S3Response => {
  const denies = permission.kind !== 'passthrough' && permission.effect.plaintextReads === 'deny'
  const shows =
    permission.kind === 'provider'
      ? [...answer.headers.keys()].some(isEncryptionHeader)
      : key !== undefined && echoesKey(answer.headers, key)
  if (!denies || shows || !BROUGHT.includes(answer.status)) return answer
  discard(answer)
  throw new S3Error(
    'AccessDenied',
    `The file is stored ${permission.kind === 'provider' ? 'unencrypted' : 'without SSE-C'}, and rule '${permission.rule}' denies plaintext reads.`,
  )
}

const forClient = ({ permission }: Decided, answer: S3Response): S3Response => {
  const hides = permission.kind === 'encrypt' && permission.effect.responseHeaders === 'hide'
  const headers = withoutHopByHop(answer.headers)
  return { ...answer, headers: hides ? withoutHeaders(headers, isEncryptionHeader) : headers }
}

/**
 * Brings a file, or with HEAD what there is to know of it.
 *
 * @throws {S3Error} `AccessDenied` for plaintext where it may not be read, `InvalidRequest`
 */
export const download = async (
  decided: Decided,
  parts: DownloadParts,
  signal: AbortSignal,
): Promise<S3Response> => {
  const choices = choicesOf(decided, parts.keyrings)
  const isCovered = choices !== undefined
  const attempted = await tryKeys(choices ?? [undefined], decided.request.journal, key =>
    sendDownload(decided, isCovered, key, parts, signal),
  )
  return forClient(
    decided,
    confirmed(decided, { ...attempted, answer: refuseRedirect(attempted.answer) }),
  )
}
