import { AnswerFault, type AnswerHead, parseAnswerHead } from './answer-head.ts'
import { type BodyDecoder, createBodyDecoder } from './body-decoder.ts'
import { HeadReader } from './head-reader.ts'

/** What a parser tells of an answer, in this order. */
export interface AnswerEvents {
  readonly head: (head: AnswerHead) => void
  /** A stretch of the body: a view on the bytes that were parsed, valid during the call. */
  readonly body: (bytes: Buffer) => void
  readonly end: () => void
}

/**
 * Parses the one answer to a request, in pieces of any size.
 *
 * Strict on purpose: an answer that two readers could take for two different ones is refused, and with it the
 * connection. https://www.rfc-editor.org/rfc/rfc9112#section-11.2
 */
export class AnswerParser {
  readonly #method: string
  readonly #events: AnswerEvents
  readonly #heads = new HeadReader()
  #framing: AnswerHead['framing']['kind'] | undefined
  #decoder: BodyDecoder | undefined
  #hasEnded = false

  constructor(method: string, events: AnswerEvents) {
    this.#method = method
    this.#events = events
  }

  get hasEnded(): boolean {
    return this.#hasEnded
  }

  /**
   * @returns how many of the bytes belong to the answer: fewer than given only when it has ended
   * @throws {AnswerFault}
   */
  parse(bytes: Buffer): number {
    let at = 0
    while (this.#decoder === undefined) {
      const found = this.#heads.read(bytes, at)
      if (found === undefined) return bytes.length
      at = found.next
      this.#takeHead(parseAnswerHead(found.text, this.#method))
    }
    at = this.#decoder.decode(bytes, at, this.#events.body)
    if (this.#decoder.hasEnded) this.#end()
    return at
  }

  /**
   * The upstream sends no more.
   *
   * @throws {AnswerFault} when it owes more
   */
  close(): void {
    if (this.#framing !== 'until-close') throw new AnswerFault('broke off within its answer')
    this.#end()
  }

  // An interim answer (100, 103) says nothing that we asked for: RFC 9110 §15.2
  #takeHead(head: AnswerHead): void {
    if (head.status < 200) return
    this.#framing = head.framing.kind
    this.#decoder = createBodyDecoder(head.framing)
    this.#events.head(head)
  }

  #end(): void {
    this.#hasEnded = true
    this.#events.end()
  }
}
