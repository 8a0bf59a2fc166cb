import type { Profile } from '../dialect/profiles.ts'
import type { EnforcedRequest } from '../ssec/enforce.ts'

/**
 * How a copy is carried out: by the provider; by the provider if the source turns out to have the upload's key; or by
 * reading the source and writing the destination.
 */
export type Route = 'provider' | 'provider-if-same-key' | 'streamed'

/** Whether a customer key takes part, on either side. */
export const hasKeys = ({ attempts }: EnforcedRequest): boolean =>
  attempts.some(({ object, source }) => object !== undefined || source !== undefined)

// What is decoded once more than the policy's reading was might name what the policy forbids.
const isMisread = (
  { operation, copySource }: EnforcedRequest,
  { decodesPartSourceTwice }: Profile,
): boolean =>
  decodesPartSourceTwice &&
  operation.name === 'UploadPartCopy' &&
  copySource?.place.objectKey.includes('%') === true

// An echo would not come, and nothing stands in for it.
const isUnprovable = (
  { operation, attempts: [{ object }], upload }: EnforcedRequest,
  { silentOn }: Profile,
): boolean =>
  operation.name === 'UploadPartCopy' &&
  object !== undefined &&
  silentOn.has('UploadPartCopy') &&
  upload !== 'confirmed'

/** Whether an object is copied over itself, from a key to a key. */
const isOntoItself = ({ operation, address, copySource, attempts }: EnforcedRequest): boolean =>
  operation.name === 'CopyObject' &&
  address.level === 'object' &&
  address.bucket === copySource?.place.bucket &&
  address.objectKey === copySource.place.objectKey &&
  attempts.some(({ object, source }) => object !== undefined && source !== undefined)

/** Chooses by what the provider can do. A copy that no customer key takes part in is the provider's in any case. */
export const routeOf = (copy: EnforcedRequest, profile: Profile): Route => {
  if (isMisread(copy, profile)) return 'streamed'
  if (!hasKeys(copy)) return 'provider'
  if (isUnprovable(copy, profile)) return 'streamed'
  if (!profile.copiesOntoItself && isOntoItself(copy)) return 'streamed'
  if (profile.copy === 'full') return 'provider'
  const isPart = copy.operation.name === 'UploadPartCopy'
  const [{ object }] = copy.attempts
  return profile.copy === 'same-key-parts' && isPart && object !== undefined
    ? 'provider-if-same-key'
    : 'streamed'
}
