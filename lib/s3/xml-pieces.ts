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
    if (this.#held.length > TAG_BYTES) throw new SyntaxError('a tag is too long')
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
    const opaque = OPAQUE.find(([begin]) => text.startsWith(begin, at))
    if (opaque === undefined) return mayBeOpaque(text, at) ? undefined : readTag(text, at)
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

const mayBeOpaque = (text: string, at: number): boolean => {
  const rest = text.slice(at, at + '<![CDATA['.length)
  return OPAQUE.some(([begin]) => begin.startsWith(rest))
}

const TAG = /^<(\/?)([A-Za-z_:\x80-\xff][\w:.\x80-\xff-]*)(?:\s[^]*?)?(\/?)>$/

const readTag = (text: string, at: number): Piece | undefined => {
  const to = tagEnd(text, at)
  if (to === undefined) return undefined
  const xml = text.slice(at, to)
  const [, closing, name, empty] = TAG.exec(xml) ?? []
  if (name === undefined) throw new SyntaxError('no XML tag')
  return { kind: closing ? 'close' : empty ? 'empty' : 'open', name, xml }
}

/** Behind the `>` of the tag at `at`; a quoted one does not count. */
const tagEnd = (text: string, at: number): number | undefined => {
  let quote: string | undefined
  for (let i = at + 1; i < text.length; i++) {
    const character = text[i]
    if (quote !== undefined) quote = character === quote ? undefined : quote
    else if (character === '"' || character === "'") quote = character
    else if (character === '>') return i + 1
    else if (character === '<') throw new SyntaxError('a tag in a tag')
  }
  return undefined
}
