import { S3Error } from '../s3/error.ts'

/** Why the client's body could not be sent on: a check's refusal, or a client that went away. */
export const bodyRefusal = (cause: unknown): S3Error =>
  cause instanceof S3Error ? cause : new S3Error('IncompleteBody', undefined, { cause })

/** The provider broke off, could not be reached, or spoke something that is not HTTP. */
export const unavailable = (cause: unknown): S3Error =>
  cause instanceof S3Error ? cause : new S3Error('UpstreamUnavailable', undefined, { cause })

/** @param what which wait was too long, for the log */
export const timedOut = (what: string): S3Error =>
  new S3Error('UpstreamTimeout', undefined, { cause: new Error(`${what} took too long`) })
