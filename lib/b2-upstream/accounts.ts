import { type Account, accountOf, basicAuthorization } from '../b2/account.ts'
import { tell } from '../b2/ask.ts'
import { UpstreamRefusal } from '../b2/error.ts'
import type { SendB2 } from '../b2/upstream.ts'
import type { Credentials } from '../s3/credentials.ts'
import type { Journal } from '../s3/journal.ts'
import type { Upstream } from '../transport/upstream.ts'
import { toldBy } from './error.ts'

/** The newest version of the API, which knows keys that are restricted to several buckets. */
const VERSION = 'v4'

/** Authorising outlives the request that began it, since others wait for it, too. */
const AUTHORIZE_MS = 60_000

/** What is asked of B2 on the way to an answer is no line of the log's. */
export const UNHEARD: Journal = { note: () => undefined }

/** An upstream's account: authorised when it is first needed, and anew when its token has expired. */
export interface Accounts {
  /** Does something with the account, and once more with a new token when B2 says that it has expired. */
  with<T>(act: (account: Account) => Promise<T>): Promise<T>
}

const authorize = async (
  upstream: Upstream,
  credentials: () => Promise<Credentials>,
  send: SendB2,
): Promise<Account> => {
  const answer = await send(
    {
      upstream,
      origin: upstream.endpoint,
      method: 'GET',
      target: `/b2api/${VERSION}/b2_authorize_account`,
      headers: new Map(),
      body: { kind: 'none' },
      repeatable: true,
      authorization: basicAuthorization(await credentials()),
      journal: UNHEARD,
    },
    AbortSignal.timeout(AUTHORIZE_MS),
  )
  return accountOf((await tell(answer)).fields, upstream)
}

// A 401 may as well say that the key may not do this; the answer to a HEAD does not tell which.
const isExpired = (error: unknown): boolean =>
  error instanceof UpstreamRefusal &&
  error.answer.status === 401 &&
  toldBy(error.answer).code !== 'unauthorized'

export const createAccounts = (
  upstream: Upstream,
  credentials: () => Promise<Credentials>,
  send: SendB2,
): Accounts => {
  let current: Promise<Account> | undefined
  // One flight: whoever comes meanwhile waits for the same.
  const get = (): Promise<Account> => {
    current ??= authorize(upstream, credentials, send)
    return current
  }
  const forget = (stale: Promise<Account>): void => {
    if (current === stale) current = undefined
  }
  const attempt = async <T>(act: (account: Account) => Promise<T>, again: boolean): Promise<T> => {
    const account = get()
    const authorized = await account.catch(error => {
      forget(account)
      throw error
    })
    try {
      return await act(authorized)
    } catch (error) {
      if (!isExpired(error)) throw error
      forget(account)
      if (!again) throw error
      return attempt(act, false)
    }
  }
  return { with: act => attempt(act, true) }
}
