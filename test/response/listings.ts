import fc from 'fast-check'
import { escapeXml } from '../../lib/s3/xml.ts'

/** An object as a listing may tell of it. */
export interface Listed {
  readonly tag: 'Contents' | 'Version'
  readonly objectKey: string
  /** Without quotes. */
  readonly etag: string
  readonly quote: string
  /** What stands between the children, in turn. */
  readonly between: readonly string[]
  readonly etagFirst: boolean
  /** How the key is written. */
  readonly spelling: 'escaped' | 'numeric' | 'cdata'
}

/** A listing: objects, what else stands there, and how it writes element names. */
export interface Listing {
  readonly start: string
  /** With its colon. */
  readonly prefix: string
  readonly isUrlEncoded: boolean
  readonly items: readonly (Listed | string)[]
}

/** What lies under this prefix is not encrypted. Each encoding writes it in a way of its own. */
export const PLAIN = 'ä b+/'

const HEX = 'd41d8cd98f00b204e9800998ecf8427e'

const SPELLINGS: Readonly<Record<Listed['spelling'], (text: string) => string>> = {
  escaped: escapeXml,
  numeric: text => [...text].map(each => `&#${each.codePointAt(0)};`).join(''),
  cdata: text => `<![CDATA[${text}]]>`,
}

const keyXml = ({ objectKey, spelling }: Listed, isUrlEncoded: boolean): string =>
  SPELLINGS[spelling](
    isUrlEncoded ? encodeURIComponent(objectKey).replaceAll('%20', '+') : objectKey,
  )

/**
 * Writes a listing with each ETag as `show` has it: what the rewriter shall make of the same listing written with each
 * ETag as it is, found without reading any XML.
 */
export const render = (listing: Listing, show: (listed: Listed) => string): Buffer => {
  const { prefix, isUrlEncoded, items, start } = listing
  const element = (name: string, inside: string): string =>
    `<${prefix}${name}>${inside}</${prefix}${name}>`
  const object = (listed: Listed): string => {
    const key = element('Key', keyXml(listed, isUrlEncoded))
    const etag = element('ETag', `${listed.quote}${show(listed)}${listed.quote}`)
    const children = listed.etagFirst ? [etag, '<Size>1</Size>', key] : [key, etag]
    const inside = children.map((child, i) => (listed.between[i] ?? '') + child).join('')
    return element(listed.tag, `${inside}${listed.between[3] ?? ''}`)
  }
  const body = items.map(item => (typeof item === 'string' ? item : object(item))).join('')
  return Buffer.from(`${start}<${prefix}Result a="1>2">${body}</${prefix}Result>`)
}

/** What must pass untouched, though some of it looks like more. */
const noise = fc.constantFrom(
  '\n  ',
  ' ä ',
  `<!-- <Contents><Key>k</Key><ETag>"${HEX}"</ETag></Contents> -->`,
  `<![CDATA[</Contents><ETag>"${HEX}"</ETag>]]>`,
  '<?contents <Contents> ?>',
  '<IsTruncated>false</IsTruncated>',
  '<Contents/>',
  "<Owner id='>'><ID>\"</ID></Owner>",
  `<CommonPrefixes><Prefix>${HEX}</Prefix></CommonPrefixes>`,
)

/** What may stand within an object; its own key and ETag are others. */
const within = fc.oneof(
  noise.filter(each => !each.startsWith('<Contents')),
  fc.constant(`<UserMetadata><Key>${PLAIN}</Key><ETag>"${HEX}"</ETag></UserMetadata>`),
)

const hex = fc
  .array(fc.constantFrom(...'0123456789abcdef'), { minLength: 32, maxLength: 32 })
  .map(digits => digits.join(''))

const etag = fc.oneof(
  { weight: 4, arbitrary: hex },
  hex.map(digits => `${digits}-7`),
  hex.map(digits => `${digits}-0`),
  fc.constantFrom('', 'null', '0x8D93B14D4A2F66A'),
)

const objectKey = fc
  .tuple(fc.constantFrom('', PLAIN), fc.string({ unit: 'grapheme', maxLength: 8 }))
  .map(([prefix, name]) => prefix + name.replaceAll(']]>', ''))
  // XML has no way to write most control characters; that is what encoding-type=url is for.
  .filter(text => !/[\p{Cc}\p{Cs}]/u.test(text))

const listed: fc.Arbitrary<Listed> = fc.record({
  tag: fc.constantFrom('Contents', 'Version'),
  objectKey,
  etag,
  quote: fc.constantFrom('"', '&quot;', '&#34;', ''),
  between: fc.array(within, { maxLength: 4 }),
  etagFirst: fc.boolean(),
  spelling: fc.constantFrom('escaped', 'numeric', 'cdata'),
})

/** Listings of every shape that providers write, and of some that none does. */
export const listings: fc.Arbitrary<Listing> = fc.record({
  start: fc.constantFrom('', '<?xml version="1.0" encoding="UTF-8"?>\n', '\ufeff', '  \n'),
  prefix: fc.constantFrom('', 's3:'),
  isUrlEncoded: fc.boolean(),
  items: fc.array(fc.oneof({ weight: 3, arbitrary: listed }, noise), { maxLength: 8 }),
})
