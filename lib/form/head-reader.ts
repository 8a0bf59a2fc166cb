import { S3Error } from '../s3/error.ts'
import { readContent } from './delimiter.ts'
import { type Fields, malformedForm } from './form.ts'
import { decodeText, type PartHead, parsePartHead } from './part-head.ts'

/** AWS's limit on the fields before the file; their header lines may have as much again. */
const VALUE_BYTES = 20 * 1024
const HEAD_BYTES = 20 * 1024

/** Stands for the name of the client's file, in any field. */
const FILENAME = /\$\{filename\}/g

const HEAD_END = '\r\n\r\n'

/** What stands in a form before its file's bytes. */
export interface FormHead {
  readonly fields: Fields
  /** What has come behind the head. */
  readonly rest: Buffer
}

/** What the next bytes are: the form's first delimiter, a part's header lines, or a field's value. */
type Expected = 'begin' | 'head' | 'value'

/**
 * Reads a form's fields from bytes that come in pieces, until its file begins.
 *
 * What is held is one field and the values before it, all together no more than the two limits.
 */
export class HeadReader {
  readonly #delimiter: Buffer
  readonly #fields = new Map<string, string>()
  #expected: Expected = 'begin'
  // A line end stands before each delimiter but the first.
  #bytes: Buffer = Buffer.from('\r\n')
  #part: PartHead = { name: '', filename: '' }
  #headBytes = 0
  #valueBytes = 0

  constructor(delimiter: Buffer) {
    this.#delimiter = delimiter
  }

  /** @throws {S3Error} `MalformedPOSTRequest`, `MaxPostPreDataLengthExceededError`, `IncorrectNumberOfFilesInPostRequest` */
  push(chunk: Buffer): FormHead | undefined {
    this.#bytes = Buffer.concat([this.#bytes, chunk])
    while (this.#step()) {
      if (this.#part.name === 'file') return this.#finish()
    }
    return undefined
  }

  /** @returns whether something was whole */
  #step(): boolean {
    switch (this.#expected) {
      case 'begin':
        return this.#readBegin()
      case 'head':
        return this.#readHead()
      case 'value':
        return this.#readValue()
    }
  }

  #readBegin(): boolean {
    const content = readContent(this.#bytes, this.#delimiter)
    if (content.length > 0) throw malformedForm()
    return this.#enterPart(content)
  }

  #readHead(): boolean {
    const end = this.#bytes.indexOf(HEAD_END)
    // Without its end, all but what may be the end's beginning.
    const length = end < 0 ? this.#bytes.length - HEAD_END.length + 1 : end
    checkLength(this.#headBytes + length, HEAD_BYTES)
    if (end < 0) return false
    this.#headBytes += length
    this.#part = parsePartHead(this.#bytes.subarray(0, length))
    this.#bytes = this.#bytes.subarray(length + HEAD_END.length)
    this.#expected = 'value'
    return true
  }

  #readValue(): boolean {
    const content = readContent(this.#bytes, this.#delimiter)
    checkLength(this.#valueBytes + content.length, VALUE_BYTES)
    if (content.next === undefined) return false
    this.#valueBytes += content.length
    const { name } = this.#part
    // Which of two would the policy speak of, and which would be acted upon?
    if (this.#fields.has(name)) throw malformedForm(`The form has the field '${name}' twice.`)
    this.#fields.set(name, decodeText(this.#bytes.subarray(0, content.length)))
    return this.#enterPart(content)
  }

  #enterPart({ next, isLast }: ReturnType<typeof readContent>): boolean {
    if (next === undefined) return false
    if (isLast) throw new S3Error('IncorrectNumberOfFilesInPostRequest')
    this.#bytes = this.#bytes.subarray(next)
    this.#expected = 'head'
    return true
  }

  #finish(): FormHead {
    const { filename } = this.#part
    const expanded = [...this.#fields].map(
      ([name, value]) => [name, value.replace(FILENAME, () => filename)] as const,
    )
    return { fields: new Map(expanded), rest: this.#bytes }
  }
}

const checkLength = (length: number, limit: number): void => {
  if (length > limit) throw new S3Error('MaxPostPreDataLengthExceededError')
}
