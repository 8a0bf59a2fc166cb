import { discard } from '../response/document.ts'
import { S3Error } from '../s3/error.ts'
import type { Through } from '../s3/request.ts'
import type { S3Response } from '../s3/response.ts'
import type { AttemptedRequest } from './attempt.ts'
import { echoes } from './headers.ts'

export type ConfirmedRequest = Through<'confirm', AttemptedRequest>

/** Takes back what an unconfirmed write left at the provider; false when it may still be there. */
export type Undo = (attempted: AttemptedRequest) => Promise<boolean>

const isSuccess = ({ status }: S3Response): boolean => status === 200 || status === 206

/** Whether the answer had to show the customer key's MD5, and does not. */
const lacksEcho = ({ request, attempt, answer }: AttemptedRequest): boolean =>
  request.operation.echo &&
  isSuccess(answer) &&
  attempt.object !== undefined &&
  !echoes(answer.headers, attempt.object)

const deniesPlaintext = ({ request: { permission } }: AttemptedRequest): boolean =>
  permission.kind === 'encrypt' && permission.effect.plaintextReads === 'deny'

const refusePlaintext = ({ request: { permission } }: AttemptedRequest): never => {
  throw new S3Error(
    'AccessDenied',
    `The object is stored without SSE-C, and rule '${permission.rule}' denies plaintext reads.`,
  )
}

const unconfirmed = (message: string): S3Error => new S3Error('UnconfirmedEncryption', message)

const KEPT = 'The storage provider did not confirm that it encrypted with the demanded key.'

const refuseWrite = async (attempted: AttemptedRequest, undo: Undo): Promise<never> => {
  const { permission } = attempted.request
  if (permission.kind === 'encrypt' && permission.effect.onUnconfirmed === 'keep') {
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
 * @throws {S3Error} `UnconfirmedEncryption` for a write, after taking it back; `AccessDenied` for a plaintext read.
 */
export const confirm = async (
  attempted: AttemptedRequest,
  undo: Undo,
): Promise<ConfirmedRequest> => {
  if (attempted.refusal === 'plaintext' && deniesPlaintext(attempted)) refusePlaintext(attempted)
  if (!lacksEcho(attempted)) return attempted as unknown as ConfirmedRequest
  if (attempted.request.operation.class === 'write') return refuseWrite(attempted, undo)
  if (!deniesPlaintext(attempted)) return attempted as unknown as ConfirmedRequest
  discard(attempted.answer)
  return refusePlaintext(attempted)
}
