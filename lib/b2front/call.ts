import { createHash } from 'node:crypto'
import type { Client } from '../authenticate/client.ts'
import { type Fields, needText } from '../b2/fields.ts'
import type { B2Request } from '../b2/request.ts'
import type { Address } from '../s3/address.ts'
import { S3Error } from '../s3/error.ts'
import type { S3Response } from '../s3/response.ts'
import type { AskS3 } from './ask.ts'
import { bucketOfId } from './ids.ts'
import type { Caller, Tokens } from './tokens.ts'

/** A call of a known client, with its way to S3. */
export interface FrontCall {
  readonly request: B2Request
  readonly caller: Caller
  /** Of the document, or of the query. */
  readonly fields: Fields
  readonly ask: AskS3
  readonly tokens: Tokens
  readonly now: Date
}

/** Carries a call out. */
export type Answer = (call: FrontCall) => Promise<S3Response>

/** An id for a client's account: B2's clients keep their caches by it. */
export const accountIdOf = ({ name }: Client): string =>
  createHash('sha256').update(name).digest('hex').slice(0, 12)

export const bucketAddress = (bucket: string): Address => ({ level: 'bucket', bucket })

export const objectAddress = (bucket: string, objectKey: string): Address => ({
  level: 'object',
  bucket,
  objectKey,
})

/** The bucket of a call's `bucketId`. */
export const bucketIn = (fields: Fields): string => bucketOfId(needText(fields, 'bucketId'))

/** Bytes of an object key at most, in S3 as in B2. */
const NAME_BYTES = 1024

/**
 * @throws {S3Error} `InvalidRequest` for a name that B2 does not allow:
 *   https://www.backblaze.com/docs/cloud-storage-files#file-names
 */
export const checkFileName = (name: string): string => {
  const isText = !/[\p{Surrogate}\p{Cc}]/u.test(name)
  if (name !== '' && isText && Buffer.byteLength(name) <= NAME_BYTES) return name
  throw new S3Error(
    'InvalidRequest',
    'File names are of 1 to 1024 bytes, without control characters.',
  )
}

const countOf = (value: unknown): number =>
  typeof value === 'string' && /^\d{1,9}$/.test(value) ? Number(value) : Number(value)

/**
 * A whole number among the fields; as text, too, for it may come in a query.
 *
 * @throws {S3Error} `InvalidRequest`
 */
export const numberIn = (
  fields: Fields,
  name: string,
  usual: number,
  [least, most]: readonly [least: number, most: number],
): number => {
  const value = fields[name]
  if (value === undefined || value === null) return usual
  const count = countOf(value)
  if (Number.isSafeInteger(count) && count >= least && count <= most) return count
  throw new S3Error('InvalidRequest', `${name} must be a whole number from ${least} to ${most}.`)
}

/**
 * Refuses what a call asks for and S3 has not, by the field's name.
 *
 * @throws {S3Error} `NotImplemented`
 */
export const refuseFields = (fields: Fields, names: readonly string[]): void => {
  const asked = names.find(name => {
    const value = fields[name]
    if (value === undefined || value === null) return false
    return typeof value !== 'object' || Object.keys(value).length > 0
  })
  if (asked !== undefined)
    throw new S3Error(
      'NotImplemented',
      `${asked} is not served by this proxy: the storage behind it is not B2.`,
    )
}
