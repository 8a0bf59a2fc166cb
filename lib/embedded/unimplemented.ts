import type { Headers } from '../s3/headers.ts'
import { notImplemented, UpstreamError } from './error.ts'

/** What would be ignored, and must not be: whoever asks for it counts on it. */
const UNIMPLEMENTED = [
  /^x-amz-bucket-object-lock-enabled$/,
  /^x-amz-bypass-governance-retention$/,
  /^x-amz-expected-bucket-owner$/,
  /^x-amz-if-match-/,
  /^x-amz-mfa$/,
  /^x-amz-object-lock-/,
  /^x-amz-source-expected-bucket-owner$/,
  /^x-amz-website-redirect-location$/,
  /^x-amz-write-offset-bytes$/,
]

/** Canned ACLs that say what is so anyway. */
const OWN_ACLS = new Set(['private', 'bucket-owner-full-control', 'bucket-owner-read'])

/** @throws {Refusal} `NotImplemented`, `AccessControlListNotSupported` */
export const refuseUnimplemented = (headers: Headers): void => {
  for (const name of headers.keys()) {
    if (UNIMPLEMENTED.some(pattern => pattern.test(name))) throw notImplemented(name)
    if (name.startsWith('x-amz-grant-')) throw new UpstreamError('AccessControlListNotSupported')
  }
  if (!OWN_ACLS.has(headers.get('x-amz-acl') ?? 'private')) {
    throw new UpstreamError('AccessControlListNotSupported')
  }
}
