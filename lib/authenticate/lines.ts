import { S3Error } from '../s3/error.ts'

/** Longer than any line that aws-chunked has between a body's bytes. */
const MAX_LINE = 256
const LF = 0x0a

/** The error for framing that is not aws-chunked. */
export const malformedBody = (): S3Error =>
  new S3Error('IncompleteBody', 'The aws-chunked framing of the body is not well-formed.')

/** What was read of a line: the line once it is whole, and the bytes behind what was read. */
export interface LineRead {
  /** Without its CRLF; one character per byte. */
  readonly line: string | undefined
  readonly rest: Buffer
}

/** Gathers lines from bytes that come in pieces; a line ends in CRLF and nothing else. */
export class Lines {
  #partial = ''

  /** What has come of a line that is not whole yet. */
  get partial(): string {
    return this.#partial
  }

  /** @throws {S3Error} `IncompleteBody` for a line that is too long, or ends in a bare LF */
  read(bytes: Buffer): LineRead {
    const window = bytes.subarray(0, MAX_LINE - this.#partial.length)
    const end = window.indexOf(LF) + 1
    const piece = end === 0 ? window : window.subarray(0, end)
    const text = this.#partial + piece.toString('latin1')
    const rest = bytes.subarray(piece.length)
    if (end > 0 ? !text.endsWith('\r\n') : text.length >= MAX_LINE) throw malformedBody()
    this.#partial = end > 0 ? '' : text
    return { line: end > 0 ? text.slice(0, -2) : undefined, rest }
  }
}
