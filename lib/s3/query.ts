import { percentDecode, uriEncode } from './encoding.ts'

/** One query parameter, decoded. `?acl` and `?acl=` are the same parameter with an empty value. */
export interface QueryParameter {
  readonly name: string
  readonly value: string
}

/** The query's parameters, decoded, in the order received. */
export type Query = readonly QueryParameter[]

/**
 * Parses a raw query (without `?`). A literal `+` stays a `+`: S3 clients escape a space as `%20`.
 *
 * @throws {S3Error} `InvalidURI` for a broken escape.
 */
export const parseQuery = (raw: string): Query =>
  raw
    .split('&')
    .filter(part => part !== '')
    .map(parseParameter)

const parseParameter = (part: string): QueryParameter => {
  const at = part.indexOf('=')
  return at < 0
    ? { name: percentDecode(part), value: '' }
    : { name: percentDecode(part.slice(0, at)), value: percentDecode(part.slice(at + 1)) }
}

/** The value of the first parameter of that name. */
export const queryValue = (query: Query, name: string): string | undefined =>
  query.find(parameter => parameter.name === name)?.value

/** Whether the query has a parameter of that name. */
export const hasParameter = (query: Query, name: string): boolean =>
  query.some(parameter => parameter.name === name)

/** `query` with every value of parameter `name` mapped by `change`. */
export const mapParameter = (
  query: Query,
  name: string,
  change: (value: string) => string,
): Query =>
  query.map(parameter =>
    parameter.name === name ? { name, value: change(parameter.value) } : parameter,
  )

/**
 * SigV4's canonical query string: encoded, sorted by encoded name, then by encoded value.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/create-signed-request.html
 */
export const canonicalQuery = (query: Query): string => {
  if (query.length === 0) return ''
  const encoded = query.map(({ name, value }) => [uriEncode(name), uriEncode(value)] as const)
  encoded.sort(([aName, aValue], [bName, bValue]) =>
    aName === bName ? compare(aValue, bValue) : compare(aName, bName),
  )
  return encoded.map(([name, value]) => `${name}=${value}`).join('&')
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)
