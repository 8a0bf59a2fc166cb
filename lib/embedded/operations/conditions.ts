import { failingCondition, namesEtag } from '../../s3/conditions.ts'
import type { Headers } from '../../s3/headers.ts'
import { notImplemented, UpstreamError } from '../error.ts'
import type { ObjectRecord } from '../store/records.ts'

const failed = (condition: string): UpstreamError =>
  new UpstreamError('PreconditionFailed', { Condition: condition })

const NOT_MODIFIED = new Set(['If-None-Match', 'If-Modified-Since'])

/** Whether a read is to be answered `304 Not Modified`. @throws {UpstreamError} `PreconditionFailed` */
export const isNotModified = (headers: Headers, object: ObjectRecord): boolean => {
  const condition = failingCondition(headers, object)
  if (condition === undefined) return false
  if (!NOT_MODIFIED.has(condition)) throw failed(condition)
  return true
}

/** @throws {UpstreamError} `PreconditionFailed`: a copy has no 304 */
export const checkSourceConditions = (headers: Headers, source: ObjectRecord): void => {
  const conditions = { get: (name: string) => headers.get(`x-amz-copy-source-${name}`) }
  const condition = failingCondition(conditions, source)
  if (condition !== undefined) throw failed(`x-amz-copy-source-${condition}`)
}

/**
 * Judges the conditions of a write, in the same step as it takes effect.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
 *
 * @throws {Refusal} `PreconditionFailed`, `NoSuchKey`; `NotImplemented` for an If-None-Match that names an ETag
 */
export const checkWriteConditions = (
  headers: Headers,
  objectKey: string,
  before: ObjectRecord | undefined,
): void => {
  const noneMatch = headers.get('if-none-match')
  if (noneMatch !== undefined && noneMatch !== '*') throw notImplemented('If-None-Match')
  if (noneMatch !== undefined && before !== undefined) throw failed('If-None-Match')
  checkMatch(headers.get('if-match'), objectKey, before)
}

/** Judges an If-Match by which an object is replaced or deleted. @throws {UpstreamError} */
export const checkMatch = (
  match: string | undefined,
  objectKey: string,
  before: ObjectRecord | undefined,
): void => {
  if (match === undefined) return
  if (before === undefined) throw new UpstreamError('NoSuchKey', { Key: objectKey })
  if (!namesEtag(match, before.etag)) throw failed('If-Match')
}
