import type { Profile } from '../dialect/profiles.ts'
import { readDocument, withDocument } from '../response/document.ts'
import type { Awaitable } from '../s3/awaitable.ts'
import type { Query } from '../s3/query.ts'
import type { S3Response } from '../s3/response.ts'
import type { AttemptedRequest } from '../ssec/attempt.ts'
import type { ConfirmedRequest } from '../ssec/confirm.ts'
import type { EnforcedRequest } from '../ssec/enforce.ts'

/** When a streamed copy goes by parts, and how large they are. In bytes. */
export interface CopyLimits {
  /** What may be written in one request. */
  readonly whole: number
  /** A part, unless the object would have more than 10 000 of them. */
  readonly part: number
}

/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html */
export const S3_LIMITS: CopyLimits = { whole: 5 * 1024 ** 3, part: 512 * 1024 ** 2 }

/** The rooms that every step of a copy passes through, as any request does. */
export interface CopyRooms {
  readonly profile: Profile
  readonly limits: CopyLimits
  readonly now: () => Date
  attempt(request: EnforcedRequest): Promise<AttemptedRequest>
  confirm(attempted: AttemptedRequest): Awaitable<ConfirmedRequest>
  /** Sends what cleans up: the client's going away does not stop it. */
  cleanUp(request: EnforcedRequest): Promise<AttemptedRequest>
}

/** A step that the provider refused: the whole copy is answered so. */
export class StepRefused extends Error {
  override readonly name = 'StepRefused'
  readonly refused: ConfirmedRequest
  constructor(refused: ConfirmedRequest) {
    super(`${refused.request.operation.name} was answered ${refused.answer.status}`)
    this.refused = refused
  }
}

/** Takes a step: its answer is confirmed, and may be a refusal. */
export const take = async (rooms: CopyRooms, request: EnforcedRequest): Promise<ConfirmedRequest> =>
  rooms.confirm(await rooms.attempt(request))

/**
 * Takes a step that the copy cannot do without; its answer is read to the end.
 *
 * @throws {StepRefused}
 */
export const demand = async (rooms: CopyRooms, request: EnforcedRequest): Promise<S3Response> => {
  const taken = await take(rooms, request)
  const answer = await settled(taken.answer)
  if (answer.status < 300) return answer
  throw new StepRefused({ ...taken, answer } as ConfirmedRequest)
}

/** Results, and the whitespace that providers send before them. */
const DOCUMENT_BYTES = 1024 * 1024

const readWhole = async ({ body }: S3Response): Promise<Buffer> => {
  if (body === undefined) return Buffer.alloc(0)
  const bytes = Buffer.isBuffer(body) ? body : await readDocument(body, DOCUMENT_BYTES)
  return bytes ?? Buffer.alloc(0)
}

/** The text of an answer's document. */
export const readText = async (answer: S3Response): Promise<string> =>
  (await readWhole(answer)).toString('utf8')

/**
 * An answer with its document read.
 *
 * S3 answers 200 before it is done with what takes long, and tells in the document when it failed after all: that is
 * a 500 here. https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html
 */
export const settled = async (answer: S3Response): Promise<S3Response> => {
  const document = await readWhole(answer)
  const hasFailed = answer.status < 300 && /<Error[\s>]/.test(document.toString('utf8'))
  return withDocument(hasFailed ? { ...answer, status: 500 } : answer, document)
}

/** Names the very version that an answer says was written. */
export const versionQuery = ({ headers }: S3Response): Query => {
  const versionId = headers.get('x-amz-version-id')
  return versionId === undefined ? [] : [{ name: 'versionId', value: versionId }]
}
