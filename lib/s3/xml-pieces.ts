/**
 * A piece of an XML document. The pieces in a row are the document, byte for byte.
 *
 * A tag is one piece. Text and everything else (comments, CDATA sections, processing instructions) may come in several.
 */
export type Piece =
  | { readonly kind: 'open' | 'close' | 'empty'; readonly name: string; readonly xml: string }
  | { readonly kind: 'text' | 'other'; readonly xml: string }

/** Longer than any tag of S3's, whose roots name a namespace or two. */
const TAG_BYTES = 4096

/** What may be of any length, and hold what looks like tags: how it begins and how it ends. */
const OPAQUE: readonly (readonly [begin: string, end: string])[] = [
  ['<!--', '-->'],
  ['<![CDATA[', ']]>'],
  ['<?', '?>'],
]

/**
 * Cuts a document into pieces as it comes, holding back no more than an unfinished tag.
 *
 * It reads what stands where, and judges no more than that: a `<` that begins nothing it knows, a DOCTYPE (it could
 * redefine entities) or an endless tag is a SyntaxError. One character stands for one byte (`latin1`): what XML is
 * marked up with is ASCII, so a chunk may end in the middle of a UTF-8 sequence.
 */
export class PieceReader {
  #held = ''
  #opaqueEnd: string | undefined

  /** @throws {SyntaxError} */
  push(chunk: string): readonly Piece[] {
    const text = this.#held + chunk
    const pieces: Piece[] = []
    let at = 0
    for (let piece = this.#read(text, at); piece !== undefined; piece = this.#read(text, at)) {
      pieces.push(piece)
      at += piece.xml.length
    }
    this.#held = text.slice(at)
    checkTagLength(this.#held)
    return pieces
  }

  /** @throws {SyntaxError} when the document ends inside of markup */
  end(): void {
    if (this.#held !== '' || this.#opaqueEnd !== undefined) throw new SyntaxError('cut off')
  }

  /** The piece at `at`; none when its end is not here yet. */
  #read(text: string, at: number): Piece | undefined {
    if (at === text.length) return undefined
    if (this.#opaqueEnd !== undefined) return this.#readOpaque(text, at, this.#opaqueEnd)
    if (text[at] !== '<') return readText(text, at)
    const next = text[at + 1]
    return next === '!' || next === '?' ? this.#enterOpaque(text, at) : readTag(text, at)
  }

  #enterOpaque(text: string, at: number): Piece | undefined {
    const opaque = OPAQUE.find(([begin]) => text.startsWith(begin, at))
    if (opaque === undefined) return refuseUnlessUnfinished(text.slice(at))
    const [begin, end] = opaque
    this.#opaqueEnd = end
    return { kind: 'other', xml: begin }
  }

  #readOpaque(text: string, at: number, end: string): Piece | undefined {
    const found = text.indexOf(end, at)
    if (found >= 0) this.#opaqueEnd = undefined
    // All but what may be the beginning of the end.
    const to = found >= 0 ? found + end.length : text.length - end.length + 1
    return to > at ? { kind: 'other', xml: text.slice(at, to) } : undefined
  }
}

const readText = (text: string, at: number): Piece => {
  const to = text.indexOf('<', at)
  return { kind: 'text', xml: to < 0 ? text.slice(at) : text.slice(at, to) }
}

const refuseUnlessUnfinished = (rest: string): undefined => {
  if (!OPAQUE.some(([begin]) => begin.startsWith(rest))) throw new SyntaxError('no XML')
}

const checkTagLength = ({ length }: string): void => {
  if (length > TAG_BYTES) throw new SyntaxError('a tag is too long')
}

// What is quoted may hold a `>`. A quote ends each part, so that a tag without an end is given up in one pass.
const ATTRIBUTES = /\s[^<>"']*(?:"[^<"]*"[^<>"']*|'[^<']*'[^<>"']*)*/.source
const TAG = new RegExp(
  `<(/?)([A-Za-z_:\\x80-\\xff][\\w:.\\x80-\\xff-]*)(?:${ATTRIBUTES})?(/?)>`,
  'y',
)
const UNFINISHED_TAG = /<[^<>"']*(?:"[^<"]*"[^<>"']*|'[^<']*'[^<>"']*)*(?:"[^<"]*|'[^<']*)?$/y

const readTag = (text: string, at: number): Piece | undefined => {
  TAG.lastIndex = at
  const [xml, closing, name, empty] = TAG.exec(text) ?? []
  if (xml === undefined || name === undefined) return refuseUnlessUnfinishedTag(text, at)
  checkTagLength(xml)
  return { kind: closing ? 'close' : empty ? 'empty' : 'open', name, xml }
}

const refuseUnlessUnfinishedTag = (text: string, at: number): undefined => {
  UNFINISHED_TAG.lastIndex = at
  if (!UNFINISHED_TAG.test(text)) throw new SyntaxError('no XML tag')
}
