import { canonicalQuery, parseQuery } from '../../lib/s3/query.ts'
import { Secret } from '../../lib/s3/secret.ts'
import { canonicalRequest } from '../../lib/sigv4/canonical.ts'
import { amzDate, scopeText } from '../../lib/sigv4/scope.ts'
import { createSigningKeys, signatureOf, stringToSign } from '../../lib/sigv4/signature.ts'
import { CLIENT, REGION } from '../ends/client-credentials.ts'

/** A request's head as it comes on the wire. */
export interface Head {
  readonly method: string
  readonly rawPath: string
  readonly rawQuery: string
  readonly rawHeaders: readonly string[]
}

export interface Wanted {
  readonly method: string
  readonly rawPath: string
  readonly rawQuery?: string
  readonly accessKeyId?: string
  readonly body?: number
}

const KEYS = createSigningKeys()
const SECRET = new Secret(CLIENT.secretAccessKey)

/** With the headers that the AWS SDK for JavaScript sends, and its signature. */
export const signedHead = (wanted: Wanted): Head => {
  const { method, rawPath, rawQuery = '', accessKeyId = CLIENT.accessKeyId, body } = wanted
  const date = amzDate(new Date())
  const headers = new Map([
    ['host', '127.0.0.1:9000'],
    ['user-agent', 'aws-sdk-js/3.1169.0 ua/2.1 os/linux lang/js md/nodejs api/s3#3.1169.0'],
    ['amz-sdk-invocation-id', '0f5c1a5e-6a0c-4d27-9c39-5d8f6b1f7f11'],
    ['amz-sdk-request', 'attempt=1; max=3'],
    ['x-amz-date', date],
    ['x-amz-content-sha256', 'UNSIGNED-PAYLOAD'],
  ])
  if (body !== undefined) {
    headers.set('content-type', 'application/octet-stream').set('content-length', String(body))
  }
  const signedHeaders = [...headers.keys()].sort()
  const scope = { date: date.slice(0, 8), region: REGION, service: 's3' }
  const canonical = canonicalRequest({
    method,
    path: rawPath,
    query: canonicalQuery(parseQuery(rawQuery)),
    headers,
    signedHeaders,
    payloadHash: 'UNSIGNED-PAYLOAD',
  })
  const key = KEYS.keyFor(SECRET, accessKeyId, scope)
  const signature = signatureOf(key, stringToSign(date, scope, canonical))
  headers.set(
    'authorization',
    `AWS4-HMAC-SHA256 Credential=${accessKeyId}/${scopeText(scope)}, SignedHeaders=${signedHeaders.join(';')}, Signature=${signature}`,
  )
  return { method, rawPath, rawQuery, rawHeaders: [...headers].flat() }
}
