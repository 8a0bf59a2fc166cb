import { S3Error } from '../../s3/error.ts'

export interface Collation {
  /** All names begin with it. */
  readonly prefix: string
  /** Names that have it behind the prefix are rolled up; empty for none. */
  readonly delimiter: string
  /** The page begins behind it. */
  readonly marker: string
  /** Items and common prefixes together. */
  readonly max: number
}

/** One page of a listing. */
export interface Page<Item> {
  readonly items: readonly Item[]
  readonly commonPrefixes: readonly string[]
  readonly isTruncated: boolean
  /** The name or common prefix that the page ends with; empty for an empty page. */
  readonly last: string
}

/**
 * Makes a page of items: those alike up to the delimiter become one common prefix.
 *
 * @param items in order, each with the prefix and behind the marker
 */
export const collate = <Item>(
  items: Iterable<Item>,
  nameOf: (item: Item) => string,
  { prefix, delimiter, marker, max }: Collation,
): Page<Item> => {
  const found: Item[] = []
  const commonPrefixes: string[] = []
  let last = ''
  let isTruncated = false
  for (const item of items) {
    const name = nameOf(item)
    const common = commonPrefixOf(name, prefix, delimiter)
    if (isTold(common, commonPrefixes.at(-1), marker)) continue
    isTruncated = found.length + commonPrefixes.length >= max
    if (isTruncated) break
    if (common === undefined) found.push(item)
    else commonPrefixes.push(common)
    last = common ?? name
  }
  // Who asks for nothing has been given all of it.
  return { items: found, commonPrefixes, isTruncated: isTruncated && max > 0, last }
}

/** A common prefix is listed once; and a marker within it says that it was, on the page before. */
const isTold = (common: string | undefined, before: string | undefined, marker: string): boolean =>
  common !== undefined && (common === before || marker.startsWith(common))

const commonPrefixOf = (name: string, prefix: string, delimiter: string): string | undefined => {
  const at = delimiter === '' ? -1 : name.indexOf(delimiter, prefix.length)
  return at < 0 ? undefined : name.slice(0, at + delimiter.length)
}

/** A marker that clients take for opaque. */
export const encodeToken = (name: string): string => Buffer.from(name).toString('base64url')

/** @throws {S3Error} `InvalidArgument` */
export const decodeToken = (token: string): string => {
  const name = Buffer.from(token, 'base64url').toString()
  if (encodeToken(name) !== token) {
    throw new S3Error('InvalidArgument', 'The continuation token provided is incorrect')
  }
  return name
}
