import { MessageFault } from './fault.ts'
import { type Framing, parseField } from './field.ts'

/** Finds the body in the bytes of a message. */
export interface BodyDecoder {
  readonly hasEnded: boolean
  /**
   * Hands every stretch of the body in `bytes` to `emit`, as a view on them.
   *
   * @returns where the next thing begins: before the end of `bytes` only when the body has ended
   * @throws {MessageFault}
   */
  decode(bytes: Buffer, from: number, emit: (body: Buffer) => void): number
}

export const createBodyDecoder = (framing: Framing): BodyDecoder => {
  switch (framing.kind) {
    case 'length':
      return new LengthDecoder(framing.length)
    case 'chunked':
      return new ChunkedDecoder()
    case 'until-close':
      return new LengthDecoder(Number.POSITIVE_INFINITY)
  }
}

class LengthDecoder implements BodyDecoder {
  #left: number
  constructor(length: number) {
    this.#left = length
  }
  get hasEnded(): boolean {
    return this.#left === 0
  }
  decode(bytes: Buffer, from: number, emit: (body: Buffer) => void): number {
    const to = Math.min(bytes.length, from + this.#left)
    if (to === from) return from
    this.#left -= to - from
    emit(from === 0 && to === bytes.length ? bytes : bytes.subarray(from, to))
    return to
  }
}

/** A size that a number holds; extensions mean nothing to us, but must be some: RFC 9112 §7.1 */
const SIZE_LINE =
  /^([0-9a-f]{1,13})(?:;[!#$%&'*+.^_`|~0-9a-z-]+(?:=(?:[!#$%&'*+.^_`|~0-9a-z-]+|"[\t\x20\x21\x23-\x5b\x5d-\x7e]*"))?)*$/i

/** What must not come behind a body, for it says where that ends: RFC 9110 §6.5.1 */
const FRAMING: readonly string[] = ['content-length', 'transfer-encoding']

const SIZE_LINE_BYTES = 1024
const TRAILER_BYTES = 16 * 1024
const LF = 10

type Place = 'size' | 'data' | 'behind data' | 'trailer' | 'end'

/** RFC 9112 §7.1, every line with CR and LF; trailers are checked and dropped. */
class ChunkedDecoder implements BodyDecoder {
  #place: Place = 'size'
  /** Bytes of the chunk that are still to come. */
  #left = 0
  #trailerBytes = 0
  /** Begin of a line that ends in bytes to come. */
  #line = ''

  get hasEnded(): boolean {
    return this.#place === 'end'
  }

  decode(bytes: Buffer, from: number, emit: (body: Buffer) => void): number {
    let at = from
    while (at < bytes.length && this.#place !== 'end')
      at = this.#place === 'data' ? this.#takeData(bytes, at, emit) : this.#takeLine(bytes, at)
    return at
  }

  #takeData(bytes: Buffer, from: number, emit: (body: Buffer) => void): number {
    const to = Math.min(bytes.length, from + this.#left)
    this.#left -= to - from
    if (this.#left === 0) this.#place = 'behind data'
    emit(bytes.subarray(from, to))
    return to
  }

  #takeLine(bytes: Buffer, from: number): number {
    const room = this.#lineBytes() - this.#line.length
    const to = bytes.subarray(from, from + room).indexOf(LF) + 1
    this.#line += bytes.toString(
      'latin1',
      from,
      to === 0 ? Math.min(bytes.length, from + room) : from + to,
    )
    if (to === 0) {
      if (this.#line.length >= this.#lineBytes()) throw new MessageFault('line too long in chunks')
      return bytes.length
    }
    if (!this.#line.endsWith('\r\n')) throw new MessageFault('bare line feed in chunks')
    this.#readLine(this.#line.slice(0, -2))
    this.#line = ''
    return from + to
  }

  #lineBytes(): number {
    if (this.#place === 'behind data') return 2
    return this.#place === 'size' ? SIZE_LINE_BYTES : TRAILER_BYTES - this.#trailerBytes
  }

  #readLine(line: string): void {
    if (this.#place === 'size') this.#readSize(line)
    else if (this.#place === 'behind data') this.#place = 'size'
    else if (line === '') this.#place = 'end'
    else this.#readTrailer(line)
  }

  #readSize(line: string): void {
    const [, digits] = SIZE_LINE.exec(line) ?? []
    if (digits === undefined) throw new MessageFault('malformed chunk size')
    this.#left = Number.parseInt(digits, 16)
    this.#place = this.#left === 0 ? 'trailer' : 'data'
  }

  #readTrailer(line: string): void {
    const [name] = parseField(line)
    if (FRAMING.includes(name.toLowerCase())) throw new MessageFault('a trailer about framing')
    this.#trailerBytes += line.length + 2
  }
}
