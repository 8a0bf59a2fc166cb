import { readDocument } from '../response/document.ts'
import { S3Error } from '../s3/error.ts'
import type { Journal } from '../s3/journal.ts'
import type { S3Response } from '../s3/response.ts'
import type { CallName } from './calls.ts'
import { UpstreamRefusal } from './error.ts'
import { type Fields, fieldsOf } from './fields.ts'
import type { Session } from './session.ts'
import { refuseRedirect, type SendB2 } from './upstream.ts'

/** Documents about one file, one part or a handful of buckets. */
const ANSWER_BYTES = 1024 * 1024

/** The document of an answer. */
export interface Told {
  readonly answer: S3Response
  readonly fields: Fields
}

const bytesOf = async ({ body }: S3Response): Promise<Buffer | undefined> => {
  if (body === undefined || Buffer.isBuffer(body)) return body
  return readDocument(body, ANSWER_BYTES)
}

const parse = (bytes: Buffer | undefined): Fields => {
  try {
    return fieldsOf(JSON.parse(bytes?.toString('utf8') ?? ''))
  } catch (cause) {
    throw new S3Error('UpstreamUnavailable', undefined, { cause })
  }
}

/**
 * Reads what an answer says.
 *
 * @throws {UpstreamRefusal} for an error, which is to be given on
 * @throws {S3Error} `UpstreamUnavailable` for what is no JSON
 */
export const tell = async (answer: S3Response): Promise<Told> => {
  if (answer.status >= 400) throw new UpstreamRefusal(answer)
  return { answer, fields: parse(await bytesOf(refuseRedirect(answer))) }
}

/** A call of the proxy's own, in a client's name. */
export type Ask = (
  session: Session,
  call: CallName,
  fields: Fields,
  about: { readonly journal: Journal; readonly signal: AbortSignal },
) => Promise<Fields>

/** A version that every B2 has, and whose documents the proxy reads. */
const OWN_VERSION = 'v2'

export const createAsk =
  (send: SendB2): Ask =>
  async (session, call, fields, { journal, signal }) => {
    const answer = await send(
      {
        upstream: session.upstream,
        origin: session.api,
        method: 'POST',
        target: `/b2api/${OWN_VERSION}/${call}`,
        headers: new Map([['content-type', 'application/json']]),
        body: { kind: 'bytes', bytes: Buffer.from(JSON.stringify(fields)) },
        repeatable: true,
        authorization: session.token,
        journal,
      },
      signal,
    )
    return (await tell(answer)).fields
  }
