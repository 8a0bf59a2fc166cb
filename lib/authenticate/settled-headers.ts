import { type Headers, someHeader, withHeaders, withoutHeaders } from '../s3/headers.ts'
import { checksumAlgorithm } from './checksum.ts'

/** Headers that speak to the proxy alone: of the signature that it judged, and of the framing that it takes off. */
const ENDS_HERE = new Set([
  'authorization',
  'content-length',
  'date',
  'expect',
  'transfer-encoding',
  'x-amz-content-sha256',
  'x-amz-date',
  'x-amz-decoded-content-length',
  'x-amz-trailer',
])

const SDK_ALGORITHM = 'x-amz-sdk-checksum-algorithm'

/** What of an authenticated request's headers may travel on. */
export const settledHeaders = (headers: Headers): Headers => {
  const encoding = contentEncoding(headers)
  const hasChecksum = (): boolean =>
    someHeader(headers, name => checksumAlgorithm(name) !== undefined)
  const ends = (name: string): boolean =>
    ENDS_HERE.has(name) ||
    (name === SDK_ALGORITHM && !hasChecksum()) ||
    (name === 'content-encoding' && encoding === '')
  const rest = withoutHeaders(headers, ends)
  return encoding === '' ? rest : withHeaders(rest, [['content-encoding', encoding]])
}

/** The object's own content encoding: `aws-chunked` is the framing's name. Empty when there is no other. */
const contentEncoding = (headers: Headers): string => {
  const sent = headers.get('content-encoding')
  return sent === undefined ? '' : sent.split(',').map(trimmed).filter(isOwn).join(',')
}

const trimmed = (coding: string): string => coding.trim()

const isOwn = (coding: string): boolean => coding !== '' && coding.toLowerCase() !== 'aws-chunked'
