import { createHash } from 'node:crypto'
import { type Fields, fieldsOf, textOf } from '../b2/fields.ts'
import { emptyAnswer, xmlAnswer } from '../s3/answer.ts'
import type { Headers } from '../s3/headers.ts'
import type { S3Response } from '../s3/response.ts'
import { errorXml } from '../s3/xml.ts'
import type { Refused } from './error.ts'

/** S3's error document; the answer to a HEAD has none. */
export const refusalAnswer = (
  { code, message, status }: Refused,
  method: string,
  resource: string,
): S3Response =>
  method === 'HEAD'
    ? emptyAnswer(status)
    : xmlAnswer(errorXml({ code, message, resource, requestId: '', details: {} }), [], status)

/**
 * The ETag of a file version, without quotes.
 *
 * B2 has none. The id of the version stands in all that is told of it, and changes with each write, as an ETag must;
 * `-0` behind it keeps clients from taking it for the MD5 of the bytes.
 */
export const etagOf = (fileId: string): string =>
  `${createHash('md5').update(fileId).digest('hex')}-0`

/** The ETag of a part: its SHA-1, which B2 wants to hear again when the parts are put together. */
export const partEtagOf = (sha1: string): string => `${sha1}-0`

/** The SHA-1 of a part's ETag; undefined for what is none of those above. */
export const sha1OfEtag = (etag: string): string | undefined =>
  /^"?([0-9a-f]{40})-0"?$/.exec(etag)?.[1]

const SSE = 'x-amz-server-side-encryption'

/**
 * What S3 tells of a write's encryption, as far as B2's document does.
 *
 * B2 says that a customer key encrypted, and does not show the key's MD5; where it does, it must be the one that was sent.
 */
export const echoOf = (
  document: Fields,
  asked: Headers,
): readonly (readonly [string, string])[] => {
  const shown = fieldsOf(document['serverSideEncryption'])
  const { mode, algorithm } = shown
  if (algorithm !== 'AES256') return []
  if (mode === 'SSE-B2') return [[SSE, 'AES256']]
  const sent = asked.get(`${SSE}-customer-key-md5`)
  const md5 = textOf(shown, 'customerKeyMd5') ?? sent
  if (mode !== 'SSE-C' || md5 === undefined || md5 !== sent) return []
  return [
    [`${SSE}-customer-algorithm`, 'AES256'],
    [`${SSE}-customer-key-md5`, md5],
  ]
}
