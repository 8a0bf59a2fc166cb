import type { S3Error } from '../../s3/error.ts'
import { queryValue } from '../../s3/query.ts'
import { invalidArgument, invalidRequest, UpstreamError } from '../error.ts'
import type { EmbeddedRequest } from '../request.ts'
import type { ObjectRecord } from '../store/records.ts'
import type { Span } from '../store/segments.ts'

/** Which of an object's bytes a read asks for. */
export interface Selection {
  readonly span: Span
  /** Whether the answer is a 206. */
  readonly isPartial: boolean
  /** Told of a part. */
  readonly partsCount: number | undefined
}

/**
 * Selects by `Range` or by `partNumber`.
 *
 * @throws {Refusal} `InvalidRange`, `InvalidPartNumber`, `InvalidArgument`, `InvalidRequest` for both at once
 */
export const select = ({ headers, query }: EmbeddedRequest, object: ObjectRecord): Selection => {
  const range = headers.get('range')
  const partNumber = queryValue(query, 'partNumber')
  if (partNumber === undefined) return selectRange(range, object.size)
  if (range !== undefined) {
    throw invalidRequest('Cannot specify both Range header and partNumber query parameter')
  }
  return selectPart(parsePartNumber(partNumber), object)
}

/** S3 gives one range; a header that it cannot use is as none (RFC 9110 §14.2). */
const selectRange = (range: string | undefined, size: number): Selection => {
  const [, first, last] = /^bytes=(\d*)-(\d*)$/.exec(range ?? '') ?? []
  const span = first === undefined || last === undefined ? undefined : spanOf(first, last, size)
  if (span === undefined)
    return { span: { from: 0, to: size }, isPartial: false, partsCount: undefined }
  if (span.from < span.to) return { span, isPartial: true, partsCount: undefined }
  throw new UpstreamError('InvalidRange', {
    RangeRequested: range ?? '',
    ActualObjectSize: String(size),
  })
}

/** Undefined for a range that makes no sense; empty for one that the object has nothing of. */
const spanOf = (first: string, last: string, size: number): Span | undefined => {
  if (first === '')
    return last === '' ? undefined : { from: Math.max(size - Number(last), 0), to: size }
  if (last === '') return { from: Number(first), to: size }
  if (Number(last) < Number(first)) return undefined
  return { from: Number(first), to: Math.min(Number(last) + 1, size) }
}

const selectPart = (number: number, object: ObjectRecord): Selection => {
  const { parts, multipart } = object
  if (number > parts.length) {
    throw new UpstreamError('InvalidPartNumber', {
      PartNumberRequested: String(number),
      ActualPartCount: String(parts.length),
    })
  }
  const lengths = parts.map(({ segment }) => segment.length)
  const from = lengths.slice(0, number - 1).reduce((sum, length) => sum + length, 0)
  return {
    span: { from, to: from + (lengths[number - 1] ?? 0) },
    isPartial: object.size > 0,
    partsCount: multipart ? parts.length : undefined,
  }
}

/** @throws {S3Error} `InvalidArgument` */
export const parsePartNumber = (value: string): number => {
  const number = /^\d{1,5}$/.test(value) ? Number(value) : 0
  if (number >= 1 && number <= 10_000) return number
  throw invalidArgument(
    'Part number must be an integer between 1 and 10000, inclusive',
    'partNumber',
    value,
  )
}

/**
 * The bytes of a source that UploadPartCopy asks for.
 *
 * @throws {S3Error} `InvalidArgument`
 */
export const selectCopyRange = (range: string | undefined, size: number): Span => {
  if (range === undefined) return { from: 0, to: size }
  const [, first, last] = /^bytes=(\d{1,15})-(\d{1,15})$/.exec(range) ?? []
  if (first === undefined || last === undefined) {
    throw invalidCopyRange(
      'The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the zero-based offsets of the first and last bytes to copy',
      range,
    )
  }
  const span = { from: Number(first), to: Number(last) + 1 }
  if (span.from < span.to && span.to <= size) return span
  throw invalidCopyRange(`Range specified is not valid for source object of size: ${size}`, range)
}

const invalidCopyRange = (message: string, range: string): S3Error =>
  invalidArgument(message, 'x-amz-copy-source-range', range)
