import type { Profile } from '../dialect/profiles.ts'
import { refusalOf } from '../dialect/profiles.ts'
import type { CustomerKey } from '../keys/customer-key.ts'
import type { ObjectPlace } from '../s3/address.ts'
import type { Headers } from '../s3/headers.ts'
import type { S3Response } from '../s3/response.ts'
import { echoes, triple } from '../ssec/headers.ts'
import { type Asker, isPassing, refusalText } from '../walk/asker.ts'
import { WalkStopped } from '../walk/streak.ts'

/** How an object turns out to be stored. */
export type Stored =
  | { readonly kind: 'customer-key'; readonly key: CustomerKey }
  /** By the provider's own method: `AES256`, `aws:kms` and the like. */
  | { readonly kind: 'provider'; readonly method: string }
  | { readonly kind: 'plaintext' }
  /** Encrypted with a customer key that is none of ours. */
  | { readonly kind: 'unreadable' }
  /** The provider would not tell, for another reason than the key. */
  | { readonly kind: 'refused'; readonly reason: string }
  /** Deleted since it was listed. */
  | { readonly kind: 'gone' }

/** An object as a HEAD shows it. */
export interface Seen {
  readonly stored: Stored
  /** Of the answer that told; empty when none did. */
  readonly headers: Headers
}

const METHOD = 'x-amz-server-side-encryption'

/** What the encryption is that a successful answer tells of. */
export const storedAs = (headers: Headers, key: CustomerKey | undefined): Stored => {
  if (key !== undefined && echoes(headers, key)) return { kind: 'customer-key', key }
  const method = headers.get(METHOD)
  return method === undefined ? { kind: 'plaintext' } : { kind: 'provider', method }
}

type Try = CustomerKey | undefined

interface Refused {
  readonly key: Try
  readonly answer: S3Response
}

const seenIn = (key: Try, answer: S3Response): Seen | undefined => {
  if (answer.status === 200)
    return { stored: storedAs(answer.headers, key), headers: answer.headers }
  const isMarker = answer.headers.get('x-amz-delete-marker') === 'true'
  if (answer.status === 404 || isMarker) return { stored: { kind: 'gone' }, headers: new Map() }
  return undefined
}

/** Whether the answer to a HEAD may be about the key. */
const isAboutKey = ({ status }: S3Response): boolean => status === 400 || status === 403

const NOTHING: Headers = new Map()

/** What it means that neither any key nor none was taken. */
const refusedAll = (refused: readonly Refused[]): Seen => {
  const withoutKey = refused.find(({ key }) => key === undefined)?.answer
  const other = refused.find(({ answer }) => !isAboutKey(answer))?.answer
  // A HEAD without a key is answered 400 when the object needs one, and 403 when nothing may be read at all.
  const isLocked = other === undefined && withoutKey?.status === 400
  const reason = refusalText(
    other ?? withoutKey ?? { status: 0, headers: NOTHING, body: undefined },
  )
  return {
    stored: isLocked ? { kind: 'unreadable' } : { kind: 'refused', reason },
    headers: NOTHING,
  }
}

/** What is tried next: after an answer that says that the object has no key, none. */
const reordered = (profile: Profile, answer: S3Response, left: readonly Try[]): readonly Try[] =>
  refusalOf(profile, answer.status, undefined, '') === 'plaintext' && left.includes(undefined)
    ? [undefined, ...left.filter(key => key !== undefined)]
    : left

/**
 * Finds out by HEAD requests how an object is stored: there is no other way, for what a provider knows of a customer
 * key it tells only to who has it.
 *
 * @param keys in the order in which they are tried; that there is none is tried last, or once the provider says so
 */
export const look = async (
  asker: Asker,
  { bucket, objectKey }: ObjectPlace,
  versionId: string | undefined,
  keys: readonly CustomerKey[],
  extra: Headers = NOTHING,
): Promise<Seen> => {
  const refused: Refused[] = []
  let left: readonly Try[] = [...keys, undefined]
  while (left.length > 0) {
    const [key, ...others] = left
    const answer = await asker.ask({
      method: 'HEAD',
      address: { level: 'object', bucket, objectKey },
      query: versionId === undefined ? [] : [{ name: 'versionId', value: versionId }],
      headers: new Map([...extra, ...(key === undefined ? [] : triple('object', key))]),
    })
    const seen = seenIn(key, answer)
    if (seen !== undefined) return seen
    refused.push({ key, answer })
    if (!isAboutKey(answer)) break
    left = reordered(asker.profile, answer, others)
  }
  return refusedAll(refused)
}

/** The keys to try, those first that fitted last: objects of one time lie together. */
export const createKeyOrder = () => {
  const recent: string[] = []
  const nameOf = ({ keyring, version }: CustomerKey): string => `${keyring}/${version}`
  const rank = (key: CustomerKey): number => {
    const at = recent.indexOf(nameOf(key))
    return at < 0 ? recent.length : at
  }
  return {
    order: (keys: readonly CustomerKey[]): readonly CustomerKey[] =>
      keys.length < 2 ? keys : [...keys].sort((a, b) => rank(a) - rank(b)),
    fitted: ({ stored }: Seen): void => {
      if (stored.kind !== 'customer-key') return
      const name = nameOf(stored.key)
      const at = recent.indexOf(name)
      if (at === 0) return
      if (at > 0) recent.splice(at, 1)
      recent.unshift(name)
    },
  }
}

/** @throws {WalkStopped} when the provider could not be asked, patiently though it was */
export const checkAsked = ({ stored }: Seen): void => {
  if (stored.kind !== 'refused') return
  const status = Number.parseInt(stored.reason, 10)
  if (!isPassing({ status, headers: new Map(), body: undefined })) return
  throw new WalkStopped(`The storage provider does not answer: ${stored.reason}.`)
}
