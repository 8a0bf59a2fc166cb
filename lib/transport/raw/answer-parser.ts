import { type BodyDecoder, createBodyDecoder } from '../../http1/body-decoder.ts'
import { MessageFault } from '../../http1/fault.ts'
import { HeadReader } from '../../http1/head-reader.ts'
import { type AnswerHead, parseAnswerHead } from './answer-head.ts'

/** Bytes of all the heads of one answer, the interim ones among them. */
export const HEAD_BYTES = 64 * 1024

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
  readonly #heads = new HeadReader(HEAD_BYTES)
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
   * @throws {MessageFault}
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
   * @throws {MessageFault} when it owes more
   */
  close(): void {
    if (this.#framing !== 'until-close') throw new MessageFault('broke off within its answer')
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
