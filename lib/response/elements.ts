import type { BodyFilter } from '../s3/body.ts'
import { type Piece, PieceReader } from '../s3/xml-pieces.ts'

/** A listed object has a few hundred bytes; a key of 1024 that is all entities, seven thousand. */
const ELEMENT_BYTES = 64 * 1024

/** A whole element, from its opening tag to its closing one. */
export type Element = readonly Piece[]

/** An element to its new XML; as everywhere here, one character stands for one byte (`latin1`). */
export type RewriteElement = (element: Element) => string

/** An element's XML. */
export const xmlOf = (element: Element): string => element.map(({ xml }) => xml).join('')

const localName = (name: string): string => name.slice(name.indexOf(':') + 1)

/** Holds the pieces of wanted elements until they are whole, and rewrites them. */
class ElementRewriter {
  readonly #names: ReadonlySet<string>
  readonly #rewrite: RewriteElement
  #pieces: Piece[] = []
  #open: string[] = []
  #bytes = 0
  constructor(names: ReadonlySet<string>, rewrite: RewriteElement) {
    this.#names = names
    this.#rewrite = rewrite
  }

  /** The XML that this piece lets go: its own, that of the element it ends, or none yet. */
  take(piece: Piece): string {
    if (this.#open.length === 0 && !this.#begins(piece)) return piece.xml
    this.#nest(piece)
    this.#bytes += piece.xml.length
    if (this.#bytes > ELEMENT_BYTES) throw new SyntaxError('an element is too long')
    this.#pieces.push(piece)
    return this.#open.length === 0 ? this.#release() : ''
  }

  /** @throws {SyntaxError} when an element has not ended */
  end(): void {
    if (this.#open.length > 0) throw new SyntaxError('cut off in an element')
  }

  #begins(piece: Piece): boolean {
    return piece.kind === 'open' && this.#names.has(localName(piece.name))
  }

  #nest(piece: Piece): void {
    if (piece.kind === 'open') this.#open.push(piece.name)
    else if (piece.kind === 'close' && this.#open.pop() !== piece.name) {
      throw new SyntaxError('an end tag ends another element')
    }
  }

  #release(): string {
    const element = this.#pieces
    this.#pieces = []
    this.#bytes = 0
    return this.#rewrite(element)
  }
}

/**
 * Rewrites the elements of these names (whatever their prefix) as the document flows by; all else passes untouched.
 *
 * What is held is one such element, or one tag. A document that cannot be read on is refused rather than passed on as
 * it is: a listing that is right to its middle would be taken for right to its end.
 *
 * @throws {SyntaxError} from the filter, when the document is not XML, ends too soon, or holds an endless element
 */
export const rewriteElements = (
  names: ReadonlySet<string>,
  rewrite: RewriteElement,
): BodyFilter => {
  const reader = new PieceReader()
  const rewriter = new ElementRewriter(names, rewrite)
  return {
    push: chunk => {
      const xml = reader
        .push(chunk.toString('latin1'))
        .map(piece => rewriter.take(piece))
        .join('')
      return xml === '' ? [] : [Buffer.from(xml, 'latin1')]
    },
    end: () => {
      reader.end()
      rewriter.end()
      return []
    },
  }
}

/** How deep each piece stands: an element's own tags at 0, those of its children at 1. */
const depthsOf = (element: Element): readonly number[] => {
  let open = 0
  return element.map(({ kind }) => (kind === 'open' ? open++ : kind === 'close' ? --open : open))
}

/** Where the content of an element's first child `name` stands among its pieces. */
const childRange = (
  element: Element,
  name: string,
): readonly [from: number, to: number] | undefined => {
  const depths = depthsOf(element)
  const opening = element.findIndex(
    (piece, at) => depths[at] === 1 && piece.kind === 'open' && localName(piece.name) === name,
  )
  return opening < 0 ? undefined : [opening + 1, depths.indexOf(1, opening + 1)]
}

/** The XML inside of an element's first child `name`. */
export const childXml = (element: Element, name: string): string | undefined => {
  const range = childRange(element, name)
  return range && xmlOf(element.slice(...range))
}

/** An element's XML, with what is inside of its first child `name` changed. */
export const withChildXml = (
  element: Element,
  name: string,
  change: (xml: string) => string,
): string => {
  const range = childRange(element, name)
  if (range === undefined) return xmlOf(element)
  const [from, to] = range
  const inside = change(xmlOf(element.slice(from, to)))
  return `${xmlOf(element.slice(0, from))}${inside}${xmlOf(element.slice(to))}`
}

/** An element's XML, with what is inside of it changed. */
export const withInnerXml = (element: Element, change: (xml: string) => string): string =>
  `${xmlOf(element.slice(0, 1))}${change(xmlOf(element.slice(1, -1)))}${xmlOf(element.slice(-1))}`
