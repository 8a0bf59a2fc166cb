import { type Body, NO_BODY } from '../body/receive.ts'
import type { Profile } from '../dialect/profiles.ts'
import type { Keys } from '../keys/find-keys.ts'
import type { ObjectPlace } from '../s3/address.ts'
import type { Headers } from '../s3/headers.ts'
import { type OperationName, operationNamed } from '../s3/operation.ts'
import type { Query } from '../s3/query.ts'
import { type Attempts, attemptsFor } from './attempts.ts'
import { allowsPlaintext, type EnforcedRequest, takesKey, type UploadState } from './enforce.ts'

/** One of the requests that a copy is carried out by, when the provider does not carry it out itself. */
export interface Step {
  readonly operation: OperationName
  readonly query?: Query
  readonly headers: Headers
  readonly body?: Body
  /** Where the step goes on with an upload that the steps began. */
  readonly upload?: UploadState
}

type Side = Pick<EnforcedRequest, 'permission' | 'attempts' | 'keys'> & {
  readonly place: ObjectPlace
}

// A copy passed the policy for both of its sides, and has the keys of both: its steps go on from there.
const step = (
  copy: EnforcedRequest,
  { place: { bucket, objectKey }, permission, attempts, keys }: Side,
  { operation: name, query = [], headers, body = NO_BODY, upload = copy.upload }: Step,
): EnforcedRequest => {
  const operation = operationNamed(name)
  return {
    ...copy,
    method: operation.method,
    address: { level: 'object', bucket, objectKey },
    operation,
    query,
    headers,
    body,
    permission,
    copySource: undefined,
    attempts,
    keys,
    upload,
  } as EnforcedRequest
}

const NO_KEY: Attempts = [{ object: undefined, source: undefined }]

const sourceAttempts = ({ attempts: [first, ...others] }: EnforcedRequest): Attempts => {
  const read = ({ source }: Attempts[0]): Attempts[0] => ({ object: source, source: undefined })
  return [read(first), ...others.map(read)]
}

/**
 * A step at the object that a copy reads, with every key that the object may have been written with.
 *
 * @throws {RangeError} when the request is no copy
 */
export const stepAtSource = (copy: EnforcedRequest, wanted: Step): EnforcedRequest => {
  const { copySource } = copy
  if (copySource === undefined) throw new RangeError(`${copy.operation.name} has no source`)
  const { versionId } = copySource.place
  const version = versionId === undefined ? [] : [{ name: 'versionId', value: versionId }]
  const attempts = operationNamed(wanted.operation).object ? sourceAttempts(copy) : NO_KEY
  return step(
    copy,
    { ...copySource, attempts, keys: copy.sourceKeys },
    { ...wanted, query: [...version, ...(wanted.query ?? [])] },
  )
}

/**
 * A step at the object that a copy writes, with the one key that it writes with.
 *
 * @throws {RangeError} when the request names no object
 */
export const stepAtDestination = (
  copy: EnforcedRequest,
  wanted: Step,
  profile: Profile,
): EnforcedRequest => {
  const { address, permission } = copy
  if (address.level !== 'object') throw new RangeError(`${copy.operation.name} names no object`)
  const [{ object }] = copy.attempts
  const attempts: Attempts = takesKey(operationNamed(wanted.operation), profile)
    ? [{ object, source: undefined }]
    : NO_KEY
  const keys: Keys | undefined = object && [object]
  return step(copy, { place: address, permission, attempts, keys }, wanted)
}

/** A question about the bucket that a request's object is in. */
export const stepAtBucket = (
  request: EnforcedRequest,
  bucket: string,
  { operation: name, query = [], headers }: Step,
): EnforcedRequest => {
  const operation = operationNamed(name)
  return {
    ...request,
    method: operation.method,
    address: { level: 'bucket', bucket },
    operation,
    query,
    headers,
    body: NO_BODY,
    copySource: undefined,
    attempts: NO_KEY,
    keys: undefined,
    upload: 'unknown',
  } as EnforcedRequest
}

/**
 * A read of the object that a request names, with every key that the object may have been written with.
 *
 * @throws {RangeError} when the request names no object
 */
export const stepAtObject = (request: EnforcedRequest, wanted: Step): EnforcedRequest => {
  const { address, permission, keys } = request
  if (address.level !== 'object') throw new RangeError(`${request.operation.name} names no object`)
  const attempts = attemptsFor({
    operation: operationNamed(wanted.operation),
    object: keys,
    plaintextObject: allowsPlaintext(permission),
    source: undefined,
    plaintextSource: false,
  })
  return step(request, { place: address, permission, attempts, keys }, wanted)
}
