import { malformedForm } from './form.ts'

/** RFC 2046 §5.1.1. */
const BOUNDARY = /;\s*boundary=(?:"([\w'()+,./:=? -]{1,70})"|([\w'()+,./:=?-]{1,70}))\s*(?:;|$)/i

/**
 * What stands between two parts of a form: a line end, two hyphens, and the boundary that its content type names.
 *
 * @throws {S3Error} `MalformedPOSTRequest`
 */
export const delimiterOf = (contentType: string): Buffer => {
  const [, quoted, token] = BOUNDARY.exec(contentType) ?? []
  const boundary = quoted ?? token
  if (boundary === undefined) throw malformedForm()
  return Buffer.from(`\r\n--${boundary}`)
}

const CR = 0x0d

/** What follows a delimiter: a line end, or two more hyphens behind the last part. */
const NEXT = '\r\n'
const LAST = '--'
const MARK_BYTES = 2

/** Bytes of a form's end behind its last part, as browsers write it: the delimiter, two hyphens, a line end. */
export const closingLength = (delimiter: Buffer): number =>
  delimiter.length + LAST.length + NEXT.length

/** How far a part's content goes. */
export interface Content {
  /** Bytes that belong to the part, whatever follows. */
  readonly length: number
  /** Where the bytes behind the part's delimiter begin; undefined as long as it has not come whole. */
  readonly next: number | undefined
  /** Whether it was the last part. */
  readonly isLast: boolean
}

/** Looks for a part's end in bytes that may go on. */
export const readContent = (bytes: Buffer, delimiter: Buffer): Content => {
  for (let at = bytes.indexOf(delimiter); at >= 0; at = bytes.indexOf(delimiter, at + 1)) {
    const behind = at + delimiter.length
    const mark = bytes.toString('latin1', behind, behind + MARK_BYTES)
    if (mark === NEXT || mark === LAST) {
      return { length: at, next: behind + MARK_BYTES, isLast: mark === LAST }
    }
    if (NEXT.startsWith(mark) || LAST.startsWith(mark)) return unfinished(at)
  }
  return unfinished(beginOfDelimiter(bytes, delimiter))
}

const unfinished = (length: number): Content => ({ length, next: undefined, isLast: false })

/** Where bytes end that cannot be the delimiter's first ones. */
const beginOfDelimiter = (bytes: Buffer, delimiter: Buffer): number => {
  const from = Math.max(0, bytes.length - delimiter.length + 1)
  for (let at = bytes.indexOf(CR, from); at >= 0; at = bytes.indexOf(CR, at + 1)) {
    if (delimiter.subarray(0, bytes.length - at).equals(bytes.subarray(at))) return at
  }
  return bytes.length
}
