import type { ErrorDetails } from './error.ts'

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  '\r': '&#13;',
}

/** Text as XML character data. */
export const escapeXml = (text: string): string =>
  text.replace(/[&<>"\r]/g, character => ENTITIES[character] ?? character)

const NAMED: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }

const character = (code: number, entity: string): string =>
  code <= 0x10ffff ? String.fromCodePoint(code) : entity

/** XML character data as text: the five named entities and the numeric ones. */
export const unescapeXml = (xml: string): string =>
  xml.replace(/&(?:#(\d+)|#x([0-9a-fA-F]+)|([a-z]+));/g, (entity, decimal, hex, name) => {
    if (decimal !== undefined) return character(Number.parseInt(decimal, 10), entity)
    if (hex !== undefined) return character(Number.parseInt(hex, 16), entity)
    return NAMED[name] ?? entity
  })

/** The text inside of an element: entities and CDATA sections as text, comments and instructions left out. */
export const characterData = (xml: string): string =>
  xml.replace(
    /<!\[CDATA\[([\s\S]*?)\]\]>|<!--[\s\S]*?-->|<\?[\s\S]*?\?>|[^<]+/g,
    (piece: string, cdata: string | undefined) =>
      cdata ?? (piece.startsWith('<') ? '' : unescapeXml(piece)),
  )

/** `xml` with the text of every element `name` mapped by `change` (text in, text out; escaping is done here). */
export const mapElementText = (
  xml: string,
  name: string,
  change: (text: string) => string,
): string =>
  xml.replace(
    new RegExp(`(<${name}(?:\\s[^>]*)?>)([^<]*)(</${name}>)`, 'g'),
    (_, open: string, text: string, close: string) =>
      open + escapeXml(change(unescapeXml(text))) + close,
  )

/** The text of the first element `name`, unescaped. */
export const elementText = (xml: string, name: string): string | undefined => {
  const match = new RegExp(`<${name}(?:\\s[^>]*)?>([^<]*)</${name}>`).exec(xml)
  return match?.[1] === undefined ? undefined : unescapeXml(match[1])
}

export interface ErrorDocument {
  readonly code: string
  readonly message: string
  readonly resource: string
  readonly requestId: string
  readonly details: ErrorDetails
}

/** S3's error document. https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html */
export const errorXml = (error: ErrorDocument): string => {
  const elements = {
    Code: error.code,
    Message: error.message,
    ...error.details,
    Resource: error.resource,
    RequestId: error.requestId,
  }
  const body = Object.entries(elements).map(
    ([name, text]) => `<${name}>${escapeXml(text)}</${name}>`,
  )
  return `<?xml version="1.0" encoding="UTF-8"?>\n<Error>${body.join('')}</Error>`
}
