import { S3Error } from '../s3/error.ts'

/**
 * The errors that only an upstream answers: code → HTTP status and message, in AWS's words.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
 */
const CODES = {
  AccessControlListNotSupported: [400, 'The bucket does not allow ACLs'],
  BucketAlreadyOwnedByYou: [
    409,
    'Your previous request to create the named bucket succeeded and you already own it.',
  ],
  BucketNotEmpty: [409, 'The bucket you tried to delete is not empty'],
  EntityTooSmall: [400, 'Your proposed upload is smaller than the minimum allowed size'],
  InvalidPart: [
    400,
    "One or more of the specified parts could not be found.  The part may not have been uploaded, or the specified entity tag may not match the part's entity tag.",
  ],
  InvalidPartNumber: [416, 'The requested partnumber is not satisfiable'],
  InvalidPartOrder: [
    400,
    'The list of parts was not in ascending order. Parts must be ordered by part number.',
  ],
  InvalidRange: [416, 'The requested range is not satisfiable'],
  InvalidStorageClass: [400, 'The storage class you specified is not valid'],
  InvalidTag: [400, 'The tag provided was not a valid tag.'],
  KeyTooLongError: [400, 'Your key is too long'],
  MetadataTooLarge: [400, 'Your metadata headers exceed the maximum allowed metadata size'],
  NoSuchBucket: [404, 'The specified bucket does not exist'],
  NoSuchKey: [404, 'The specified key does not exist.'],
  PreconditionFailed: [412, 'At least one of the pre-conditions you specified did not hold'],
} as const satisfies Record<string, readonly [status: number, message: string]>

type Details = Readonly<Record<string, string>>

/** An upstream's refusal, as AWS words it. */
export class UpstreamError extends Error {
  override readonly name = 'UpstreamError'
  readonly code: keyof typeof CODES
  /** HTTP status. */
  readonly status: number
  readonly details: Details
  constructor(code: keyof typeof CODES, details: Details = {}, message: string = CODES[code][1]) {
    super(message)
    this.code = code
    this.status = CODES[code][0]
    this.details = details
  }
}

/** What a client is told when its request is not carried out. */
export type Refusal = S3Error | UpstreamError

export const isRefusal = (error: unknown): error is Refusal =>
  error instanceof S3Error || error instanceof UpstreamError

/** An argument that S3 names when it refuses it. */
export const invalidArgument = (message: string, name: string, value: string): S3Error =>
  new S3Error('InvalidArgument', message, {
    details: { ArgumentName: name, ArgumentValue: value },
  })

export const invalidRequest = (message: string): S3Error => new S3Error('InvalidRequest', message)

/** A header that asks for something that the embedded upstream cannot do, and must not ignore. */
export const notImplemented = (header: string): S3Error =>
  new S3Error('NotImplemented', undefined, { details: { Header: header } })
