import { Readable } from 'node:stream'
import type { Seen } from '../audit/look.ts'
import type { Client } from '../authenticate/client.ts'
import { NO_BODY } from '../body/receive.ts'
import { copy } from '../copy/copy.ts'
import { type CopyLimits, type CopyRooms, S3_LIMITS } from '../copy/rooms.ts'
import type { Profile } from '../dialect/profiles.ts'
import type { CustomerKey } from '../keys/customer-key.ts'
import type { Permission } from '../policy/decide.ts'
import { copySourceText, type ObjectPlace } from '../s3/address.ts'
import { S3Error } from '../s3/error.ts'
import { type Headers, withHeaders } from '../s3/headers.ts'
import { operationNamed } from '../s3/operation.ts'
import type { S3Response } from '../s3/response.ts'
import { tryAttempts } from '../ssec/attempt.ts'
import { lacksEcho } from '../ssec/confirm.ts'
import type { EnforcedRequest } from '../ssec/enforce.ts'
import { triple } from '../ssec/headers.ts'
import { say } from '../ssec/say.ts'
import type { Asker } from '../walk/asker.ts'
import { methodHeaders, type Target, targetKey } from './target.ts'

/** An object that is to be written over with itself. */
export interface Rewrite {
  readonly asker: Asker
  readonly client: Client
  readonly place: ObjectPlace
  readonly permission: Permission
  /** As it was seen: it is not written over when it has another ETag by then. */
  readonly seen: Seen
  readonly target: Target
  /** Headers that keep its ACL; none when it need not be kept. */
  readonly grants: Headers
  readonly now: () => Date
}

export const keyOf = ({ stored }: Seen): CustomerKey | undefined =>
  stored.kind === 'customer-key' ? stored.key : undefined

const etagOf = ({ headers }: Seen): string => headers.get('etag') ?? ''

/** Bytes of the object. */
export const sizeOf = ({ headers }: Seen): number => Number(headers.get('content-length') ?? 0)

/** What a copy does not take over by itself. */
const KEPT =
  /^x-amz-(?:storage-class|website-redirect-location|object-lock-(?:mode|retain-until-date|legal-hold))$/

/** How an object is written over: by the provider itself, or by reading and writing it. */
export type Way = 'provider' | 'streamed'

/**
 * The provider copies where it can copy with keys, and either looks at what it overwrites, or nothing else would, too.
 */
export const wayOf = (profile: Profile, seen: Seen): Way => {
  const { copy: ability, ifMatch, copiesOntoItself } = profile
  const size = sizeOf(seen)
  if (ability !== 'full' || size > S3_LIMITS.whole) return 'streamed'
  if (keyOf(seen) !== undefined && !copiesOntoItself) return 'streamed'
  return size === 0 || ifMatch.copy || !ifMatch.complete ? 'provider' : 'streamed'
}

/** The version that is current, where the bucket has versions. */
export const versionOf = ({ headers }: Pick<Seen, 'headers'>): string | undefined =>
  headers.get('x-amz-version-id')

/** The conditions that the provider heeds where the object lies. */
const heeded = ({ ifMatch, conditionsOnVersions }: Profile, seen: Seen): Profile['ifMatch'] =>
  conditionsOnVersions || versionOf(seen) === undefined
    ? ifMatch
    : { put: 'none', complete: false, copy: false }

/** Whether the provider itself holds off that others are overwritten. */
export const isGuarded = (profile: Profile, seen: Seen): boolean => {
  const { put, complete, copy: copies } = heeded(profile, seen)
  return wayOf(profile, seen) === 'provider' ? copies : put !== 'none' || complete !== false
}

/** What is streamed without a condition on the PUT goes by parts, for those are completed in a moment. In bytes. */
const UNCONDITIONAL = 1024 * 1024

const limitsOf = (ifMatch: Profile['ifMatch']): CopyLimits => {
  if (ifMatch.put !== 'none') return S3_LIMITS
  return { ...S3_LIMITS, whole: ifMatch.complete ? 0 : UNCONDITIONAL }
}

const condition = (ifMatch: Profile['ifMatch'], etag: string, way: Way): Headers => {
  const quoted = new Map([['if-match', etag]])
  if (way === 'provider') return ifMatch.copy ? quoted : new Map()
  if (ifMatch.put === 'bare') return new Map([['if-match', etag.replaceAll('"', '')]])
  return ifMatch.put === 'quoted' || ifMatch.complete ? quoted : new Map()
}

const headersOf = (rewrite: Rewrite, way: Way): Headers => {
  const { seen, place, target, grants, asker } = rewrite
  return withHeaders(new Map([...seen.headers].filter(([name]) => KEPT.test(name))), [
    ...grants,
    ...methodHeaders(target),
    ...condition(heeded(asker.profile, seen), etagOf(seen), way),
    ['x-amz-copy-source', copySourceText({ ...place, versionId: undefined })],
    ['x-amz-copy-source-if-match', etagOf(seen)],
  ])
}

/**
 * The copy of an object onto itself. The rules were asked about it and it has its keys, as what comes through the door
 * has: so it goes on where such requests do.
 */
const copyRequest = (rewrite: Rewrite, way: Way): EnforcedRequest => {
  const { place, permission, client, seen, target } = rewrite
  const key = targetKey(target)
  return {
    id: 'REKEY',
    method: 'PUT',
    rawPath: '',
    rawQuery: '',
    headers: headersOf(rewrite, way),
    address: { level: 'object', ...place },
    query: [],
    operation: operationNamed('CopyObject'),
    wire: Readable.from([]),
    proceed: () => undefined,
    journal: { note: () => undefined },
    client,
    payload: undefined,
    permission,
    copySource: { place: { ...place, versionId: undefined }, permission },
    body: NO_BODY,
    attempts: [{ object: key, source: keyOf(seen) }],
    keys: key === undefined ? undefined : [key],
    upload: 'unknown',
  } as unknown as EnforcedRequest
}

/** Whether this write replaces the object, and the provider does not look at what it replaces. */
const isBlind = ({ operation: { name } }: EnforcedRequest, ifMatch: Profile['ifMatch']): boolean =>
  (name === 'PutObject' && ifMatch.put === 'none') ||
  (name === 'CompleteMultipartUpload' && !ifMatch.complete) ||
  (name === 'CopyObject' && !ifMatch.copy)

/** @throws {S3Error} `PreconditionFailed` when the object is not the one any more that was seen */
const checkUnchanged = async ({ asker, place, seen }: Rewrite): Promise<void> => {
  const key = keyOf(seen)
  const head = await asker.ask({
    method: 'HEAD',
    address: { level: 'object', ...place },
    headers: new Map(key === undefined ? [] : triple('object', key)),
  })
  if (head.headers.get('etag') !== etagOf(seen)) throw new S3Error('PreconditionFailed')
}

/** MinIO looks at what a completion replaces as if that had the completion's key: so it brings what that has. */
const withKeyOfReplaced = (request: EnforcedRequest, { asker, seen }: Rewrite): EnforcedRequest => {
  const opens = asker.profile.ifMatch.complete === 'opens'
  if (!opens || request.operation.name !== 'CompleteMultipartUpload') return request
  const attempts = [{ object: keyOf(seen), source: undefined }]
  return { ...request, attempts } as unknown as EnforcedRequest
}

const UNCONFIRMED = 'The storage provider did not confirm that it encrypted with the demanded key.'

const roomsOf = (rewrite: Rewrite, way: Way): CopyRooms => {
  const { asker, now, seen } = rewrite
  const { profile } = asker
  const attempt: CopyRooms['attempt'] = request =>
    tryAttempts(request, profile, {
      memory: new Map(),
      send: each => asker.send(say(request, each)),
    })
  return {
    profile: way === 'provider' ? profile : { ...profile, copy: 'none' },
    limits: limitsOf(heeded(profile, seen)),
    now,
    attempt: async request => {
      if (isBlind(request, heeded(profile, seen))) await checkUnchanged(rewrite)
      return attempt(withKeyOfReplaced(request, rewrite))
    },
    // Nothing is taken back: what was written is the object itself, whose only copy it may be.
    confirm: async attempted => {
      if (lacksEcho(attempted, profile)) throw new S3Error('UnconfirmedEncryption', UNCONFIRMED)
      return attempted as unknown as Awaited<ReturnType<CopyRooms['confirm']>>
    },
    cleanUp: attempt,
  }
}

/**
 * Writes an object over with itself, encrypted as its target says, unless somebody else wrote it meanwhile.
 *
 * @returns the provider's answer, or its refusal of the step that failed
 * @throws {S3Error} `PreconditionFailed` when it was changed
 */
export const rewriteObject = async (rewrite: Rewrite): Promise<S3Response> => {
  const way = wayOf(rewrite.asker.profile, rewrite.seen)
  const { answer } = await copy(copyRequest(rewrite, way), roomsOf(rewrite, way))
  return answer
}
