import type { Profile } from '../dialect/profiles.ts'
import type { Permission } from '../policy/decide.ts'
import { discard } from '../response/document.ts'
import type { Awaitable } from '../s3/awaitable.ts'
import { S3Error } from '../s3/error.ts'
import type { Through } from '../s3/request.ts'
import type { S3Response } from '../s3/response.ts'
import type { AttemptedRequest } from './attempt.ts'
import { isCovered } from './enforce.ts'
import { echoes, echoesAny } from './headers.ts'
import { lacksMethod, readsPlaintext } from './method.ts'

export type ConfirmedRequest = Through<'confirm', AttemptedRequest>

/** Takes back what an unconfirmed write left at the provider; false when it may still be there. */
export type Undo = (attempted: AttemptedRequest) => Promise<boolean>

const isSuccess = ({ status }: S3Response): boolean => status === 200 || status === 206

/**
 * Whether no echo is owed, for the provider never gives one there and something else vouches for what is written: for a
 * copied part the creation of its upload, which was echoed; for a creation that is not, every part, which is.
 */
const isExcused = ({ request, answer }: AttemptedRequest, { silentOn }: Profile): boolean => {
  const { name } = request.operation
  if (!silentOn.has(name) || echoesAny(answer.headers)) return false
  return (
    name === 'CreateMultipartUpload' ||
    (name === 'UploadPartCopy' && request.upload === 'confirmed')
  )
}

/**
 * Whether the parts' own echoes do not vouch for what they are put together to. S3 owes none on completion, so that a look
 * at the object stands in for it.
 */
export const mustLookAtCompleted = (
  { operation, upload }: AttemptedRequest['request'],
  { partEcho }: Profile,
): boolean =>
  operation.name === 'CompleteMultipartUpload' && upload === 'unconfirmed' && partEcho === 'hint'

/** Whether the answer had to show the customer key's MD5, and does not. */
export const lacksEcho = (attempted: AttemptedRequest, profile: Profile): boolean => {
  const { request, attempt, answer } = attempted
  return (
    (request.operation.echo || mustLookAtCompleted(request, profile)) &&
    isSuccess(answer) &&
    attempt.object !== undefined &&
    !echoes(answer.headers, attempt.object) &&
    !isExcused(attempted, profile)
  )
}

/** What the policy says where the request reads: of a copy, at its source. */
const readPermission = ({ request }: AttemptedRequest): Permission =>
  request.copySource?.permission ?? request.permission

const deniesPlaintext = (attempted: AttemptedRequest): boolean => {
  const permission = readPermission(attempted)
  return isCovered(permission) && permission.effect.plaintextReads === 'deny'
}

const withoutWhat = (attempted: AttemptedRequest): string =>
  readPermission(attempted).kind === 'provider' ? 'unencrypted' : 'without SSE-C'

const refusePlaintext = (attempted: AttemptedRequest): never => {
  throw new S3Error(
    'AccessDenied',
    `The object is stored ${withoutWhat(attempted)}, and rule '${readPermission(attempted).rule}' denies plaintext reads.`,
  )
}

const unconfirmed = (message: string): S3Error => new S3Error('UnconfirmedEncryption', message)

const KEPT = 'The storage provider did not confirm that it encrypted with the demanded key.'

const refuseWrite = async (attempted: AttemptedRequest, undo: Undo): Promise<never> => {
  const { permission } = attempted.request
  if (isCovered(permission) && permission.effect.onUnconfirmed === 'keep') {
    throw unconfirmed(`${KEPT} What it stored was kept, as rule '${permission.rule}' says.`)
  }
  throw (await undo(attempted))
    ? new S3Error('UnconfirmedEncryption')
    : unconfirmed(`${KEPT} What it stored could not be removed: look at the object.`)
}

/**
 * Lets an answer pass only when it shows what was demanded: a covered write must echo our key's MD5, and a covered
 * read must, too, where plaintext reads are denied.
 *
 * Where the rule has the provider's own method, the answer must name that, and its key where one is given.
 *
 * @throws {S3Error} `UnconfirmedEncryption` for a write, after taking it back; `AccessDenied` for a plaintext read.
 */
export const confirm = (
  attempted: AttemptedRequest,
  profile: Profile,
  undo: Undo,
): Awaitable<ConfirmedRequest> => {
  if (attempted.refusal === 'plaintext' && deniesPlaintext(attempted)) refusePlaintext(attempted)
  if (lacksMethod(attempted, profile)) return refuseWrite(attempted, undo)
  if (!lacksEcho(attempted, profile) && !readsPlaintext(attempted))
    return attempted as unknown as ConfirmedRequest
  if (attempted.request.operation.class === 'write') return refuseWrite(attempted, undo)
  if (!deniesPlaintext(attempted)) return attempted as unknown as ConfirmedRequest
  discard(attempted.answer)
  return refusePlaintext(attempted)
}
