import { S3Error } from '../s3/error.ts'
import type { S3Request } from '../s3/request.ts'
import { closingLength, delimiterOf, readContent } from './delimiter.ts'
import { fileFilter } from './file-filter.ts'
import { type Fields, type Form, malformedForm } from './form.ts'
import { HeadReader } from './head-reader.ts'

/**
 * Reads a form up to its file. Who sent it stands in its fields, so this much must be read of a stranger.
 *
 * The wire is left at the file's first byte.
 *
 * @throws {S3Error} `MissingContentLength`, `MalformedPOSTRequest`, `MaxPostPreDataLengthExceededError`,
 *   `IncorrectNumberOfFilesInPostRequest`
 */
export const openForm = async (request: S3Request): Promise<Form> => {
  const { address, headers, wire } = request
  if (address.level !== 'bucket') throw new S3Error('MethodNotAllowed')
  const total = contentLength(request)
  const delimiter = delimiterOf(headers.get('content-type') ?? '')
  request.proceed()
  const opening = new Opening(delimiter, total)
  for await (const chunk of wire.iterator({ destroyOnReturn: false })) {
    const opened = opening.push(chunk)
    if (opened === undefined) continue
    const { fields, length, ahead } = opened
    // At once, before the stream that has given its last byte tells its end.
    if (ahead.length > 0) wire.unshift(ahead)
    const file = fileFilter(delimiter, length)
    return { request, bucket: address.bucket, fields, length, file }
  }
  throw malformedForm()
}

const contentLength = ({ headers }: S3Request): number => {
  const text = headers.get('content-length')
  if (text === undefined || headers.has('transfer-encoding')) {
    throw new S3Error('MissingContentLength')
  }
  const length = Number(text)
  if (Number.isSafeInteger(length)) return length
  throw new S3Error('InvalidArgument', 'The length of the body is not valid.')
}

/** A form of which no more than this is left behind its fields is read whole, to see where its file ends. */
const LOOK_AHEAD = 64 * 1024

interface Opened {
  readonly fields: Fields
  /** Bytes of the file. */
  readonly length: number
  /** What was read and is to be read again. */
  readonly ahead: Buffer
}

/**
 * Finds a file's length before the file has come: a small one's by looking, any other's by taking for granted that
 * nothing but the closing delimiter stands behind it, as browsers and HTTP libraries write it.
 */
class Opening {
  readonly #delimiter: Buffer
  readonly #reader: HeadReader
  #left: number
  #fields: Fields | undefined
  #ahead: Buffer = Buffer.alloc(0)

  /** @param total bytes of the whole body */
  constructor(delimiter: Buffer, total: number) {
    this.#delimiter = delimiter
    this.#reader = new HeadReader(delimiter)
    this.#left = total
  }

  push(chunk: Buffer): Opened | undefined {
    if (this.#fields === undefined) this.#readHead(chunk)
    else this.#ahead = Buffer.concat([this.#ahead, chunk])
    if (this.#fields === undefined || this.#mustLookAhead()) return undefined
    return { fields: this.#fields, length: this.#fileLength(), ahead: this.#ahead }
  }

  #readHead(chunk: Buffer): void {
    this.#left -= chunk.length
    const head = this.#reader.push(chunk)
    if (head === undefined) return
    this.#fields = head.fields
    this.#ahead = head.rest
    this.#left += head.rest.length
  }

  #mustLookAhead(): boolean {
    return this.#left <= LOOK_AHEAD && this.#ahead.length < this.#left
  }

  #fileLength(): number {
    if (this.#left > LOOK_AHEAD) return this.#left - closingLength(this.#delimiter)
    const { length, next } = readContent(this.#ahead, this.#delimiter)
    if (next === undefined) throw malformedForm()
    return length
  }
}
