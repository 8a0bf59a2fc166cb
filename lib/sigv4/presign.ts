import type { Credentials } from '../s3/credentials.ts'
import type { Headers } from '../s3/headers.ts'
import { canonicalQuery, type Query } from '../s3/query.ts'
import { canonicalRequest } from './canonical.ts'
import { amzDate, scopeText } from './scope.ts'
import { ALGORITHM, type SigningKeys, signatureOf, stringToSign } from './signature.ts'

/** What a presigned URL allows whoever has it. */
export interface Presigning {
  readonly method: string
  /** As it stands on the wire. */
  readonly path: string
  readonly query: Query
  /** `host`, and all else that must be sent as it is here. */
  readonly headers: Headers
  readonly region: string
  /** Seconds. */
  readonly expires: number
}

/**
 * The query of a presigned URL.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html
 */
export const presignedQuery = (
  { method, path, query, headers, region, expires }: Presigning,
  { accessKeyId, secretAccessKey }: Credentials,
  keys: SigningKeys,
  now: Date,
): string => {
  const date = amzDate(now)
  const scope = { date: date.slice(0, 8), region, service: 's3' }
  const signedHeaders = [...headers.keys()].sort()
  const parameters = [
    ...query,
    { name: 'X-Amz-Algorithm', value: ALGORITHM },
    { name: 'X-Amz-Credential', value: `${accessKeyId}/${scopeText(scope)}` },
    { name: 'X-Amz-Date', value: date },
    { name: 'X-Amz-Expires', value: String(expires) },
    { name: 'X-Amz-SignedHeaders', value: signedHeaders.join(';') },
  ]
  const signed = canonicalQuery(parameters)
  const payloadHash = 'UNSIGNED-PAYLOAD'
  const canonical = canonicalRequest({
    method,
    path,
    query: signed,
    headers,
    signedHeaders,
    payloadHash,
  })
  const key = keys.keyFor(secretAccessKey, accessKeyId, scope)
  return `${signed}&X-Amz-Signature=${signatureOf(key, stringToSign(date, scope, canonical))}`
}
