import { NO_BODY } from '../body/receive.ts'
import type { Profile } from '../dialect/profiles.ts'
import type { Saying } from '../dialect/to-upstream.ts'
import type { Exchange } from '../exchange.ts'
import { discard, readDocument, withDocument } from '../response/document.ts'
import { S3Error } from '../s3/error.ts'
import type { S3Response } from '../s3/response.ts'
import { elementText } from '../s3/xml.ts'
import { type Backoff, tryPatiently } from './backoff.ts'
import type { Turn } from './rate.ts'

/** What was sent, for reports. */
export interface Counts {
  requests: number
  /** Requests sent again after a passing fault. */
  retries: number
  /** Answers that asked to slow down. */
  slowed: number
}

/** Speaks to one client's upstream for a bulk command: at a rate, counted, and patiently. */
export interface Asker {
  readonly profile: Profile
  readonly counts: Readonly<Counts>
  readonly backoff: Backoff
  readonly signal: AbortSignal
  /** Sends once; the answer's body is the caller's to read. */
  send(saying: Saying): Promise<S3Response>
  /** Sends until the answer is not a passing fault; its document is read. Nothing is thrown for a provider's refusal. */
  ask(asked: Asked): Promise<S3Response>
}

/** A request that can be sent again. */
export type Asked = Pick<Saying, 'method' | 'address'> & Partial<Saying>

/** Longer than a listing of a thousand of the longest object keys. */
const DOCUMENT_BYTES = 16 * 1024 * 1024

const PASSING_STATUS = new Set([429, 500, 502, 503, 504])
const PASSING_CODE = new Set(['RequestTimeout', 'OperationAborted', 'ConditionalRequestConflict'])

/** The code that an answer's error document gives. */
export const codeOf = ({ body }: S3Response): string | undefined =>
  Buffer.isBuffer(body) ? elementText(body.toString('utf8'), 'Code') : undefined

/** Whether the same request may fare better a little later. */
export const isPassing = (answer: S3Response): boolean =>
  PASSING_STATUS.has(answer.status) ||
  (answer.status >= 400 && PASSING_CODE.has(codeOf(answer) ?? ''))

const UNREACHED = new Set<string>(['UpstreamUnavailable', 'UpstreamTimeout', 'IncompleteBody'])

/** Whether what was thrown says that the provider was not reached, or broke off. */
export const isUnreached = (error: unknown): error is S3Error =>
  error instanceof S3Error && UNREACHED.has(error.code)

/** A fault of the way to the provider as an answer, so that one rule decides on both. */
export const asAnswer = (error: unknown): S3Response => {
  if (!isUnreached(error)) throw error
  const cause = error.cause instanceof Error ? ` (${error.cause.message})` : ''
  const document = `<Error><Code>${error.code}</Code><Message>${error.message}${cause}</Message></Error>`
  return { status: error.status, headers: new Map(), body: Buffer.from(document) }
}

const settled = async (answer: S3Response, { method }: Saying): Promise<S3Response> => {
  if (answer.body === undefined || Buffer.isBuffer(answer.body)) return answer
  const bytes = await readDocument(answer.body, DOCUMENT_BYTES)
  // The length that the answer to a HEAD gives is the object's.
  if (method === 'HEAD') return { ...answer, body: undefined }
  if (bytes !== undefined) return withDocument(answer, bytes)
  discard(answer)
  throw new S3Error('UpstreamUnavailable', 'The storage provider sent a document without end.')
}

/** How an asker sends. */
export interface AskerOptions {
  readonly backoff: Backoff
  readonly turn: Turn
  readonly signal: AbortSignal
}

export const createAsker = (exchange: Exchange, { backoff, turn, signal }: AskerOptions): Asker => {
  const counts: Counts = { requests: 0, retries: 0, slowed: 0 }
  const send = async (saying: Saying): Promise<S3Response> => {
    await turn()
    counts.requests += 1
    const answer = await exchange.send(saying, signal)
    if (answer.status === 503 || answer.status === 429) counts.slowed += 1
    return answer
  }
  return {
    profile: exchange.profile,
    counts,
    backoff,
    signal,
    send,
    ask: asked => {
      const saying = { query: [], headers: new Map(), body: NO_BODY, repeatable: true, ...asked }
      return tryPatiently(
        () =>
          send(saying)
            .then(answer => settled(answer, saying))
            .catch(asAnswer),
        isPassing,
        backoff,
        signal,
        () => {
          counts.retries += 1
        },
      )
    },
  }
}

/** What a provider's refusal says, in one line. */
export const refusalText = (answer: S3Response): string => {
  const document = Buffer.isBuffer(answer.body) ? answer.body.toString('utf8') : ''
  const words = ['Code', 'Message'].map(name => elementText(document, name) ?? '')
  return [String(answer.status), ...words].filter(word => word !== '').join(' ')
}
