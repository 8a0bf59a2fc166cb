import { S3Error } from '../s3/error.ts'
import type { Headers } from '../s3/headers.ts'

/** Header families of the dialects: each of their headers tells a provider to do something. */
const FAMILIES = ['x-amz-', 'x-obs-', 'x-bz-', 'x-goog-', 'x-cos-', 'opc-']

/** Whether a provider would act upon a header of that name, in lower case. */
export const isActedUpon = (name: string): boolean =>
  FAMILIES.some(prefix => name.startsWith(prefix))

/**
 * Refuses a request whose signature leaves out `host` or a header that a provider acts upon: the proxy signs what
 * it sends on, and would vouch for what somebody on the way had added.
 *
 * @throws {S3Error} `AccessDenied` with the names in `HeadersNotSigned`, as S3 has it
 */
export const checkAllSigned = (headers: Headers, signedHeaders: readonly string[]): void => {
  const unsigned = signedHeaders.includes('host') ? [] : ['host']
  for (const name of headers.keys()) {
    if (isActedUpon(name) && !signedHeaders.includes(name)) unsigned.push(name)
  }
  if (unsigned.length === 0) return
  throw headersNotSigned(unsigned)
}

/** Where a presigned URL's signature covers the one, its bearer may add the others: the customer key is theirs. */
const OF_BEARER: Readonly<Record<string, readonly string[]>> = {
  'x-amz-server-side-encryption-customer-algorithm': [
    'x-amz-server-side-encryption-customer-key',
    'x-amz-server-side-encryption-customer-key-md5',
  ],
  'x-goog-encryption-algorithm': ['x-goog-encryption-key', 'x-goog-encryption-key-sha256'],
}

/**
 * The headers of a presigned URL that need no signature, since whoever signed left them to its bearer by signing the
 * algorithm alone. https://docs.aws.amazon.com/AmazonS3/latest/userguide/ServerSideEncryptionCustomerKeys.html
 * (Presigned URLs and SSE-C)
 */
export const leftToBearer = (signedHeaders: readonly string[]): readonly string[] =>
  signedHeaders.flatMap(name => OF_BEARER[name] ?? [])

/** The error for headers, or parameters that stand for headers, that no signature covers. */
export const headersNotSigned = (names: readonly string[]): S3Error =>
  new S3Error('AccessDenied', 'There were headers present in the request which were not signed', {
    details: { HeadersNotSigned: names.join(', ') },
  })
