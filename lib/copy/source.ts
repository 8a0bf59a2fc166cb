import type { Readable } from 'node:stream'
import type { CustomerKey } from '../keys/customer-key.ts'
import { discard } from '../response/document.ts'
import { S3Error } from '../s3/error.ts'
import type { Headers } from '../s3/headers.ts'
import type { S3Response } from '../s3/response.ts'
import type { ConfirmedRequest } from '../ssec/confirm.ts'
import type { EnforcedRequest } from '../ssec/enforce.ts'
import { echoes } from '../ssec/headers.ts'
import { stepAtSource } from '../ssec/step.ts'
import { type CopyRooms, StepRefused, take } from './rooms.ts'

/** A copy source that is open: its head is read, its bytes are not. */
export interface Source {
  readonly headers: Headers
  readonly wire: Readable
  readonly length: number
  /** The key it is encrypted with; undefined when it is plaintext. */
  readonly key: CustomerKey | undefined
}

/** Bytes of an object, the last among them. */
export interface Range {
  readonly first: number
  readonly last: number
}

type Renaming = readonly (readonly [ofCopy: string, ofRead: string])[]

const CONDITIONS: Renaming = [
  ['x-amz-copy-source-if-match', 'if-match'],
  ['x-amz-copy-source-if-none-match', 'if-none-match'],
  ['x-amz-copy-source-if-modified-since', 'if-modified-since'],
  ['x-amz-copy-source-if-unmodified-since', 'if-unmodified-since'],
]

const OWNER: Renaming = [
  ['x-amz-source-expected-bucket-owner', 'x-amz-expected-bucket-owner'],
  ['x-amz-request-payer', 'x-amz-request-payer'],
]

const renamed = ({ headers }: EnforcedRequest, names: Renaming): Headers =>
  new Map(
    names.flatMap(([ofCopy, ofRead]) => {
      const value = headers.get(ofCopy)
      return value === undefined ? [] : [[ofRead, value] as const]
    }),
  )

/** What the copy says of the source's bucket, as a read of it says that. */
export const sourceOwner = (copy: EnforcedRequest): Headers => renamed(copy, OWNER)

/** What the copy demands of its source and its bucket, as a read of it says that. */
export const sourceDemands = (copy: EnforcedRequest): Headers =>
  renamed(copy, [...CONDITIONS, ...OWNER])

const invalidRange = (message: string, range: string): S3Error =>
  new S3Error('InvalidArgument', message, {
    details: { ArgumentName: 'x-amz-copy-source-range', ArgumentValue: range },
  })

/**
 * The bytes that a copy of a part asks for; undefined for all of them.
 *
 * @throws {S3Error} `InvalidArgument`, for S3 takes no other form of range here
 */
export const askedRange = ({ headers }: EnforcedRequest): Range | undefined => {
  const text = headers.get('x-amz-copy-source-range')
  if (text === undefined) return undefined
  const [, first = '', last = ''] = /^bytes=(\d+)-(\d+)$/.exec(text) ?? []
  if (first !== '' && Number(first) <= Number(last) && Number.isSafeInteger(Number(last))) {
    return { first: Number(first), last: Number(last) }
  }
  throw invalidRange(
    'The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the zero-based offsets of the first and last bytes to copy',
    text,
  )
}

/**
 * Opens the source of a copy, with the first key that fits, and leaves its bytes to be read.
 *
 * @param headers conditions and the like, but for the range
 * @throws {S3Error} in S3's words for a copy: a condition that does not hold, a range that the source does not have
 * @throws {StepRefused} for whatever else the provider has against reading it
 */
export const openSource = async (
  copy: EnforcedRequest,
  rooms: CopyRooms,
  headers: Headers,
  range?: Range,
): Promise<Source> => {
  const ranged = range && `bytes=${range.first}-${range.last}`
  const read = stepAtSource(copy, {
    operation: 'GetObject',
    headers: ranged === undefined ? headers : new Map([...headers, ['range', ranged]]),
  })
  const taken = await take(rooms, read)
  checkTaken(taken, ranged)
  return toSource(taken, range)
}

const checkTaken = (taken: ConfirmedRequest, ranged: string | undefined): void => {
  const { status, headers } = taken.answer
  if (status === 200 || status === 206) return
  discard(taken.answer)
  if (status === 304 || status === 412) throw new S3Error('PreconditionFailed')
  if (status === 416 && ranged !== undefined) {
    throw invalidRange('Range specified is not valid for source object', ranged)
  }
  if (status === 405 && headers.get('x-amz-delete-marker') === 'true') {
    throw new S3Error(
      'InvalidRequest',
      'The source of a copy request may not specifically refer to a delete marker by version id.',
    )
  }
  throw new StepRefused(taken)
}

const toSource = ({ answer, attempt }: ConfirmedRequest, range: Range | undefined): Source => {
  const { headers, body } = answer
  const length = lengthOf(answer)
  if (body === undefined || Buffer.isBuffer(body)) throw new RangeError('a read has a stream')
  const isWhole = range === undefined
  if (!isWhole && length !== range.last - range.first + 1) {
    discard(answer)
    // A range that begins inside the object and ends outside is cut short by a read, and refused by a copy.
    const size = headers.get('content-range')?.split('/')[1] ?? String(length)
    throw invalidRange(
      `Range specified is not valid for source object of size: ${size}`,
      `bytes=${range.first}-${range.last}`,
    )
  }
  const key = attempt.object
  const isEncrypted = key !== undefined && echoes(headers, key)
  return { headers, wire: body, length, key: isEncrypted ? key : undefined }
}

const lengthOf = (answer: S3Response): number => {
  const text = answer.headers.get('content-length') ?? ''
  if (/^\d+$/.test(text)) return Number(text)
  discard(answer)
  throw new S3Error(
    'UpstreamUnavailable',
    'The storage provider did not say how long the copy source is.',
  )
}

/** Lets go of a source whose bytes are not wanted any more. */
export const closeSource = ({ wire }: Source): void => {
  wire.destroy()
}
