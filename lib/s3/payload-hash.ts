import { createHash } from 'node:crypto'
import { S3Error } from './error.ts'

/** SHA-256 of nothing, in hex. */
export const EMPTY_SHA256 = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'

/** How a body is guarded: what the value of `x-amz-content-sha256` says. */
export type PayloadMode =
  | { readonly kind: 'hash'; readonly sha256: string }
  | { readonly kind: 'unsigned' }
  | { readonly kind: 'aws-chunked'; readonly signed: boolean; readonly trailer: boolean }

const CHUNKED: ReadonlyMap<string, PayloadMode> = new Map([
  ['STREAMING-AWS4-HMAC-SHA256-PAYLOAD', { kind: 'aws-chunked', signed: true, trailer: false }],
  [
    'STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER',
    { kind: 'aws-chunked', signed: true, trailer: true },
  ],
  ['STREAMING-UNSIGNED-PAYLOAD-TRAILER', { kind: 'aws-chunked', signed: false, trailer: true }],
])

/**
 * Reads `x-amz-content-sha256`. https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html
 *
 * @throws {S3Error} `NotImplemented` for the SigV4A (ECDSA) modes, `InvalidArgument` for anything else unknown.
 */
export const parsePayloadMode = (value: string): PayloadMode => {
  if (/^[0-9a-f]{64}$/.test(value)) return { kind: 'hash', sha256: value }
  if (value === 'UNSIGNED-PAYLOAD') return { kind: 'unsigned' }
  const chunked = CHUNKED.get(value)
  if (chunked !== undefined) return chunked
  if (value.startsWith('STREAMING-AWS4-ECDSA-')) {
    throw new S3Error('NotImplemented', `The chunk encoding algorithm ${value} is not supported.`)
  }
  throw new S3Error(
    'InvalidArgument',
    'x-amz-content-sha256 must be UNSIGNED-PAYLOAD, STREAMING-AWS4-HMAC-SHA256-PAYLOAD, or a valid sha256 value.',
  )
}

/** SHA-256 in hex. */
export const sha256Hex = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex')
