import type { BodyFilter } from '../s3/body.ts'
import { S3Error } from '../s3/error.ts'
import type { S3Request } from '../s3/request.ts'

/** A form's fields before its file, names in lower case, with `${filename}` filled in. */
export type Fields = ReadonlyMap<string, string>

/** A form read up to its file's first byte. Nothing of it is believed yet. */
export interface Form {
  /** The POST that brought it; its wire goes on with the file. */
  readonly request: S3Request
  readonly bucket: string
  readonly fields: Fields
  /** Bytes of the file. */
  readonly length: number
  /** From the wire to the file's bytes; refuses a file of another length. */
  readonly file: BodyFilter
}

/** The error for a body that is no form, or one that could be read in two ways. */
export const malformedForm = (message?: string): S3Error =>
  new S3Error('MalformedPOSTRequest', message)
