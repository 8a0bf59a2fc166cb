import { MessageFault } from './fault.ts'

const END = Buffer.from('\r\n\r\n')
const NOTHING = Buffer.alloc(0)
const [CR, LF] = [13, 10]

const hasBareLf = (bytes: Buffer, from: number): boolean => {
  for (let at = bytes.indexOf(LF, from); at >= 0; at = bytes.indexOf(LF, at + 1)) {
    if (bytes[at - 1] !== CR) return true
  }
  return false
}

export interface FoundHead {
  /** The head's octets as latin1, without the empty line. */
  readonly text: string
  /** Where in the bytes given the next thing begins. */
  readonly next: number
}

/** Finds where heads end in bytes that come in pieces of any size. */
export class HeadReader {
  #budget: number
  /** What came of a head so far, when it did not come at once. */
  #held: Buffer = NOTHING

  /** @param most bytes of all the heads that it reads */
  constructor(most: number) {
    this.#budget = most
  }

  /** Whether a head was begun. */
  get hasBegun(): boolean {
    return this.#held.length > 0
  }

  /** @throws {MessageFault} */
  read(bytes: Buffer, from: number): FoundHead | undefined {
    const held = this.#held.length
    const room = bytes.subarray(from, from + this.#budget - held)
    const all = held === 0 ? room : Buffer.concat([this.#held, room])
    const end = all.indexOf(END, Math.max(0, held - END.length + 1))
    if (end < 0) return this.#hold(all)
    const length = end + END.length
    this.#budget -= length
    this.#held = NOTHING
    return { text: all.toString('latin1', 0, end), next: from + length - held }
  }

  #hold(all: Buffer): undefined {
    // A head with bare line feeds never ends as we see it: refused now, rather than when the wait is over.
    if (hasBareLf(all, Math.max(0, this.#held.length - 1)))
      throw new MessageFault('bare line feed in a head')
    if (all.length >= this.#budget) throw new MessageFault('head too large', true)
    // The bytes lie in a buffer that is read into again.
    this.#held = this.#held.length === 0 ? Buffer.from(all) : all
  }
}
