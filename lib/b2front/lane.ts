import type { Client } from '../authenticate/client.ts'
import { basicOf } from '../b2/authorize.ts'
import type { CallName } from '../b2/calls.ts'
import { jsonAnswer, refuseCall } from '../b2/error.ts'
import type { B2Front } from '../b2/lane.ts'
import { readFields } from '../b2/locate.ts'
import type { B2Request } from '../b2/request.ts'
import type { Seals } from '../b2/seals.ts'
import { createMembers, type Member, type Members } from '../b2/session.ts'
import { B2_NATIVE } from '../dialect/profiles.ts'
import type { S3Response } from '../s3/response.ts'
import type { Upstream } from '../transport/upstream.ts'
import { type Carry, createAskS3 } from './ask.ts'
import type { Answer } from './call.ts'
import { accountDocument } from './calls/account.ts'
import { createBucket, deleteBucket, listBuckets, updateBucket } from './calls/buckets.ts'
import { copyFile, copyPart } from './calls/copy.ts'
import { downloadById, downloadByName, getDownloadAuthorization } from './calls/download.ts'
import { deleteFileVersion, getFileInfo, hideFile } from './calls/files.ts'
import { cancelLargeFile, finishLargeFile, listParts, startLargeFile } from './calls/large.ts'
import { listFileNames, listFileVersions, listUnfinished } from './calls/listings.ts'
import { getUploadPartUrl, getUploadUrl, uploadFile, uploadPart } from './calls/upload.ts'
import { type Caller, createTokens, isFrontToken, type Tokens } from './tokens.ts'

export interface FrontParts {
  readonly clients: readonly Client[]
  readonly upstreams: ReadonlyMap<string, Upstream>
  readonly carry: Carry
  readonly now: () => Date
  /** Bytes of a JSON document at most. */
  readonly documentBytes: number
}

const refused =
  (call: CallName): Answer =>
  () =>
    Promise.reject(refuseCall(call, 'the storage behind it is not B2, and has nothing like it.'))

/** THE TABLE: what each call comes to in S3. Those that are refused are so by name. */
const ANSWERS: Readonly<Record<Exclude<CallName, 'b2_authorize_account'>, Answer>> = {
  b2_cancel_large_file: cancelLargeFile,
  b2_copy_file: copyFile,
  b2_copy_part: copyPart,
  b2_create_bucket: createBucket,
  b2_delete_bucket: deleteBucket,
  b2_delete_file_version: deleteFileVersion,
  b2_download_file_by_id: downloadById,
  b2_download_file_by_name: downloadByName,
  b2_finish_large_file: finishLargeFile,
  b2_get_bucket_notification_rules: refused('b2_get_bucket_notification_rules'),
  b2_get_download_authorization: getDownloadAuthorization,
  b2_get_file_info: getFileInfo,
  b2_get_upload_part_url: getUploadPartUrl,
  b2_get_upload_url: getUploadUrl,
  b2_hide_file: hideFile,
  b2_list_buckets: listBuckets,
  b2_list_file_names: listFileNames,
  b2_list_file_versions: listFileVersions,
  b2_list_parts: listParts,
  b2_list_unfinished_large_files: listUnfinished,
  b2_set_bucket_notification_rules: refused('b2_set_bucket_notification_rules'),
  b2_start_large_file: startLargeFile,
  b2_update_bucket: updateBucket,
  b2_update_file_legal_hold: refused('b2_update_file_legal_hold'),
  b2_update_file_retention: refused('b2_update_file_retention'),
  b2_upload_file: uploadFile,
  b2_upload_part: uploadPart,
}

const isDownload = ({ call }: B2Request): boolean => call.startsWith('b2_download_file')
const isUpload = ({ call }: B2Request): boolean => call.startsWith('b2_upload_')

/** A token comes in the header or, for links, in the query. */
const tokenOf = (request: B2Request): string =>
  request.headers.get('authorization') ??
  (isDownload(request)
    ? request.query.find(({ name }) => name === 'Authorization')?.value
    : undefined) ??
  ''

const callerOf = (request: B2Request, tokens: Tokens): Caller =>
  isUpload(request)
    ? { ...tokens.uploader(tokenOf(request), request.rest), grant: undefined }
    : tokens.caller(tokenOf(request), isDownload(request))

/** THE JOURNEY of a call: who, and then as what it is in S3 through the proxy's own. */
const goOn = async (
  request: B2Request,
  call: keyof typeof ANSWERS,
  tokens: Tokens,
  { carry, documentBytes, now }: FrontParts,
  signal: AbortSignal,
): Promise<S3Response> => {
  const caller = callerOf(request, tokens)
  const { journal } = request
  journal.note({ client: caller.client.name })
  const fields = isUpload(request) ? {} : await readFields(request, documentBytes)
  const ask = createAskS3(caller.client, journal, carry, signal)
  return ANSWERS[call]({ request, caller, fields, ask, tokens, now: now() })
}

const authorize = (
  request: B2Request,
  members: Members,
  tokens: Tokens,
  s3Url: string | undefined,
): S3Response => {
  const member: Member = members.byKey(...basicOf(request.headers.get('authorization')))
  request.journal.note({ client: member.client.name })
  const token = tokens.account(member)
  return jsonAnswer(200, accountDocument(request, member, token, s3Url ?? request.base))
}

/** Builds the lane of B2 native clients whose upstream speaks S3, or a dialect of it. */
export const createB2Front = (parts: FrontParts): B2Front => {
  const others = [...parts.upstreams].filter(([, { provider }]) => provider !== B2_NATIVE)
  const members = createMembers(parts.clients, new Map(others))
  return {
    takes: request =>
      request.call === 'b2_authorize_account'
        ? members.knows(basicOf(request.headers.get('authorization'))[0])
        : isFrontToken(tokenOf(request)),
    answer: async (request, seals: Seals, s3Url, signal) => {
      const tokens = createTokens(seals, members, parts.now())
      return request.call === 'b2_authorize_account'
        ? authorize(request, members, tokens, s3Url)
        : goOn(request, request.call, tokens, parts, signal)
    },
  }
}
