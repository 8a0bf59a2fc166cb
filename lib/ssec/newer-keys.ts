import type { Keyring } from '../keys/keyring.ts'
import type { ObjectPlace } from '../s3/address.ts'
import { queryValue } from '../s3/query.ts'
import type { S3Request } from '../s3/request.ts'
import type { Attempt } from './attempts.ts'
import type { EnforcedRequest } from './enforce.ts'
import { isStrangeUploadId } from './upload-id.ts'

/**
 * Replicas learn of a new version at different moments. What one wrote under it, another cannot read before it has its
 * keyring anew: this tells when, and with what.
 */

const readPlace = ({ address, copySource }: EnforcedRequest): ObjectPlace | undefined =>
  copySource?.place ?? (address.level === 'object' ? address : undefined)

const isReading = ({ operation }: EnforcedRequest): boolean =>
  operation.source || operation.class === 'read'

/** The keyring whose every key was refused, though it may have a newer one; undefined where none may. */
export const exhaustedKeyring = (request: EnforcedRequest): string | undefined => {
  const [{ object, source }] = request.attempts
  // With an upload, the key is the one that it began with.
  return isReading(request) && (request.upload === 'unknown' || request.operation.source)
    ? (source ?? object)?.keyring
    : undefined
}

/** The attempts with those keys of a keyring that the request did not know. */
export const newerAttempts = (request: EnforcedRequest, keyring: Keyring): readonly Attempt[] => {
  const place = readPlace(request)
  if (place === undefined) return []
  const [first] = request.attempts
  const tried = new Set(request.attempts.map(({ object, source }) => (source ?? object)?.md5))
  return keyring
    .keysFor(place)
    .filter(({ md5 }) => !tried.has(md5))
    .map(key =>
      first.source === undefined ? { ...first, object: key } : { ...first, source: key },
    )
}

/** Whether a request goes on with an upload, or a listing of uploads, under a version that none of the keyrings has. */
export const namesStrangeUpload = (
  { address, query }: Pick<S3Request, 'address' | 'query'>,
  keyrings: Iterable<Keyring>,
): boolean => {
  if (address.level === 'service') return false
  const isObject = address.level === 'object'
  const sealed = queryValue(query, isObject ? 'uploadId' : 'upload-id-marker')
  const objectKey = isObject ? address.objectKey : (queryValue(query, 'key-marker') ?? '')
  return (
    sealed !== undefined &&
    isStrangeUploadId(keyrings, { bucket: address.bucket, objectKey }, sealed)
  )
}
