import type { Body } from '../body/receive.ts'
import type { Profile } from '../dialect/profiles.ts'
import type { KeyedRequest, Keyrings, Keys } from '../keys/find-keys.ts'
import type { Keyring } from '../keys/keyring.ts'
import type { Permission } from '../policy/decide.ts'
import { copySourceText } from '../s3/address.ts'
import { S3Error } from '../s3/error.ts'
import { type Headers, withHeaders, withoutHeaders } from '../s3/headers.ts'
import type { Operation } from '../s3/operation.ts'
import { mapParameter, type Query, queryValue } from '../s3/query.ts'
import type { Through } from '../s3/request.ts'
import { type Attempts, attemptsFor } from './attempts.ts'
import { clientTriple, isOtherMethodHeader, isTripleHeader, type KeyPlace } from './headers.ts'
import { refuseSecondMethod } from './method.ts'
import { openUploadId } from './upload-id.ts'

export type ReceivedRequest = Through<'body', KeyedRequest & { readonly body: Body }>

/**
 * What a request's upload id tells: that the upload was created with the attempts' key, and the provider confirmed it or
 * did not; `unknown` for any other id, and for none.
 */
export type UploadState = 'confirmed' | 'unconfirmed' | 'unknown'

/** A request that carries no SSE-C header of its own any more, and the attempts that say which it shall carry. */
export type EnforcedRequest = Through<
  'ssec',
  ReceivedRequest & {
    readonly attempts: Attempts
    /** What its object is encrypted with, or may be; undefined where no key belongs. */
    readonly keys: Keys | undefined
    readonly upload: UploadState
  }
>

/** The keys that a place may take: the client's own alone, or ours, or none. */
const candidates = (
  request: ReceivedRequest,
  place: KeyPlace,
  permission: Permission,
  ours: Keys | undefined,
): Keys | undefined => {
  const own = clientTriple(request.headers, place)
  if (own === undefined) return ours
  if (permission.kind === 'encrypt' && permission.effect.clientKeys === 'reject') {
    throw new S3Error(
      'InvalidRequest',
      `This request brings its own SSE-C key, which rule '${permission.rule}' does not accept. Send it without the x-amz-server-side-encryption-customer headers; the proxy supplies the key.`,
    )
  }
  return [own]
}

type Covering = Extract<Permission, { kind: 'encrypt' | 'provider' }>

/** Whether a rule says how objects are encrypted, whoever's keys it is with. */
export const isCovered = (permission: Permission): permission is Covering =>
  permission.kind === 'encrypt' || permission.kind === 'provider'

const refuseConflicts = ({ permission, headers }: ReceivedRequest): void => {
  if (!isCovered(permission) || permission.effect.conflicts === 'remove') return
  const conflict = [...headers.keys()].find(isOtherMethodHeader)
  if (conflict === undefined) return
  throw new S3Error(
    'InvalidArgument',
    `Rule '${permission.rule}' decides how objects are encrypted, and refuses ${conflict}. Send the request without it.`,
  )
}

// The provider is told the very place that the policy was asked about, in no spelling that it might read otherwise.
const oneSpelling = ({ copySource }: ReceivedRequest): readonly (readonly [string, string])[] =>
  copySource === undefined ? [] : [['x-amz-copy-source', copySourceText(copySource.place)]]

const cleanHeaders = (request: ReceivedRequest): Headers =>
  withHeaders(
    withoutHeaders(
      request.headers,
      name =>
        isTripleHeader('object', name) ||
        isTripleHeader('source', name) ||
        (isCovered(request.permission) && isOtherMethodHeader(name)),
    ),
    oneSpelling(request),
  )

const withKey = (keys: Keys | undefined, version: string | undefined): Keys | undefined => {
  if (version === undefined) return keys
  const key = keys?.find(each => each.version === version)
  if (key === undefined) throw new S3Error('NoSuchUpload')
  return [key]
}

type Encrypted = Extract<Permission, { kind: 'encrypt' }>

interface Opened {
  readonly request: ReceivedRequest
  readonly keys: Keys | undefined
  readonly upload: UploadState
}

// An upload may be older than its rule; but of thousands of keyrings the rule's is nearly always the one.
function* ruleFirst(keyrings: Keyrings, { effect }: Encrypted): Generator<Keyring, void, void> {
  const ofRule = keyrings.get(effect.encrypt.keyring)
  if (ofRule !== undefined) yield ofRule
  yield* keyrings.values()
}

/** An upload's own key and the provider's id of it, out of the id that the proxy gave out. */
const openUpload = (request: ReceivedRequest, keys: Keys | undefined): Opened => {
  const { address, query, permission, keyrings } = request
  const uploadId = queryValue(query, 'uploadId')
  if (uploadId === undefined || address.level !== 'object' || permission.kind !== 'encrypt') {
    return { request, keys, upload: 'unknown' }
  }
  const opened = openUploadId(ruleFirst(keyrings, permission), address, uploadId)
  if (opened === undefined) {
    if (permission.effect.clientKeys === 'accept') return { request, keys, upload: 'unknown' }
    throw new S3Error('NoSuchUpload')
  }
  return {
    request: {
      ...request,
      query: mapParameter(query, 'uploadId', () => opened.providerId),
    } as ReceivedRequest,
    keys: withKey(opened.keyring.keysFor(address), opened.version),
    upload: opened.confirmed ? 'confirmed' : 'unconfirmed',
  }
}

/** The marker of a listing of uploads in the provider's own form. */
const openMarker = (request: ReceivedRequest): Query => {
  const { address, operation, query, keyrings } = request
  if (operation.name !== 'ListMultipartUploads' || address.level !== 'bucket') return query
  const place = { bucket: address.bucket, objectKey: queryValue(query, 'key-marker') ?? '' }
  return mapParameter(
    query,
    'upload-id-marker',
    marker => openUploadId(keyrings.values(), place, marker)?.providerId ?? marker,
  )
}

/** Whether the operation takes the object's triple from this provider. */
export const takesKey = (operation: Operation, profile: Profile): boolean =>
  operation.object &&
  (profile.keyAlsoOn.has(operation.name) ||
    (operation.name !== 'ListParts' && operation.name !== 'CompleteMultipartUpload'))

/**
 * Makes the SSE-C headers what the decision says, whatever the client sent.
 *
 * @throws {S3Error} `InvalidRequest` for a client's key where the rule rejects it, `InvalidArgument` for a client's
 * other encryption method where the rule rejects that, `NoSuchUpload` for an upload id that the proxy did not give out.
 */
export const enforce = (received: ReceivedRequest, profile: Profile): EnforcedRequest => {
  refuseConflicts(received)
  refuseSecondMethod(received.permission, received.operation, received.headers)
  const objectKeys = candidates(received, 'object', received.permission, received.objectKeys)
  const sourceKeys =
    received.copySource &&
    candidates(received, 'source', received.copySource.permission, received.sourceKeys)
  const { request, keys, upload } = openUpload(received, objectKeys)
  return {
    ...request,
    headers: cleanHeaders(request),
    query: openMarker(request),
    attempts: attemptsFor({
      operation: request.operation,
      object: takesKey(request.operation, profile) ? keys : undefined,
      plaintextObject: allowsPlaintext(request.permission),
      source: sourceKeys,
      plaintextSource: allowsPlaintext(request.copySource?.permission),
    }),
    keys,
    upload,
  } as EnforcedRequest
}

/** Whether a rule lets objects be read that are not encrypted. */
export const allowsPlaintext = (permission: Permission | undefined): boolean =>
  permission?.kind === 'encrypt' && permission.effect.plaintextReads === 'allow'
