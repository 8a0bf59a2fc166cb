import type { Account } from '../b2/account.ts'
import { tell } from '../b2/ask.ts'
import type { CallName } from '../b2/calls.ts'
import { UpstreamRefusal } from '../b2/error.ts'
import type { Fields } from '../b2/fields.ts'
import type { SendB2 } from '../b2/upstream.ts'
import type { Headers } from '../s3/headers.ts'
import type { S3Response } from '../s3/response.ts'
import type { Upstream } from '../transport/upstream.ts'
import { type Accounts, UNHEARD } from './accounts.ts'

/** B2's native API, as its owner calls it. */
export interface Native {
  readonly upstream: Upstream
  readonly accounts: Accounts
  readonly send: SendB2
  /**
   * A call with a JSON document.
   *
   * @throws {UpstreamRefusal} what B2 answers instead
   */
  call(name: CallName, fields: Fields | FieldsFor, signal: AbortSignal): Promise<Fields>
  /**
   * Brings a file, or with HEAD what there is to know of it. What B2 refuses is an answer here.
   *
   * @param target path and query
   */
  download(
    method: string,
    target: string,
    headers: Headers,
    signal: AbortSignal,
  ): Promise<S3Response>
}

/** Fields that need the account's id. */
export type FieldsFor = (account: Account) => Fields

/** A version whose documents and names the proxy reads. */
const VERSION = 'v2'

/** What may be asked twice with no more effect than once. */
const READS = /^b2_(?:list|get)_/

export const createNative = (upstream: Upstream, accounts: Accounts, send: SendB2): Native => {
  const common = { upstream, journal: UNHEARD }
  return {
    upstream,
    accounts,
    send,
    call: (name, fields, signal) =>
      accounts.with(async account => {
        const said = typeof fields === 'function' ? fields(account) : fields
        const answer = await send(
          {
            ...common,
            origin: account.api,
            method: 'POST',
            target: `/b2api/${VERSION}/${name}`,
            headers: new Map([['content-type', 'application/json']]),
            body: { kind: 'bytes', bytes: Buffer.from(JSON.stringify(said)) },
            repeatable: READS.test(name),
            authorization: account.token,
          },
          signal,
        )
        return (await tell(answer)).fields
      }),
    download: (method, target, headers, signal) =>
      refusalAsAnswer(
        accounts.with(async account => {
          const answer = await send(
            {
              ...common,
              origin: account.download,
              method,
              target,
              headers,
              body: { kind: 'none' },
              repeatable: true,
              authorization: account.token,
            },
            signal,
          )
          if (answer.status === 401) throw new UpstreamRefusal(answer)
          return answer
        }),
      ),
  }
}

const refusalAsAnswer = (answer: Promise<S3Response>): Promise<S3Response> =>
  answer.catch(error => {
    if (error instanceof UpstreamRefusal) return error.answer
    throw error
  })
