/**
 * HTTP headers as a value: lower-case names, duplicates joined with `,` in the order received,
 * as SigV4's canonical headers want them.
 *
 * Values are binary strings (one character per byte), as node:http gives them: UTF-8 metadata
 * survives only when it is hashed and sent as latin1.
 */
export type Headers = ReadonlyMap<string, string>

/** Pairs `[name, value, name, value, …]`, node:http's `rawHeaders`, as a value. */
export const headersFromRaw = (raw: readonly string[]): Headers => {
  const headers = new Map<string, string>()
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const name = (raw[i] ?? '').toLowerCase()
    const value = raw[i + 1] ?? ''
    const before = headers.get(name)
    headers.set(name, before === undefined ? value : `${before},${value}`)
  }
  return headers
}

/** The pairs of `headers` as one flat list, the form that undici and node:http write. */
export const rawFromHeaders = (headers: Headers): string[] => {
  const raw: string[] = []
  for (const [name, value] of headers) raw.push(name, value)
  return raw
}

/** `headers` with `entries` set over them. */
export const withHeaders = (
  headers: Headers,
  entries: readonly (readonly [name: string, value: string])[],
): Headers => {
  if (entries.length === 0) return headers
  const result = new Map(headers)
  for (const [name, value] of entries) result.set(name, value)
  return result
}

/** `headers` less every one whose name `drop` answers true to. */
export const withoutHeaders = (headers: Headers, drop: (name: string) => boolean): Headers => {
  if (!someHeader(headers, drop)) return headers
  // Filled anew: a map that entries are deleted from is built again behind the scenes.
  const result = new Map<string, string>()
  for (const [name, value] of headers) if (!drop(name)) result.set(name, value)
  return result
}

/** Whether `test` answers true to the name of any of `headers`. */
export const someHeader = (headers: Headers, test: (name: string) => boolean): boolean => {
  for (const name of headers.keys()) if (test(name)) return true
  return false
}

const HOP_BY_HOP = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

const isHopByHop = (name: string): boolean => HOP_BY_HOP.has(name)

/** Tells which of `headers` end at us (RFC 9110 §7.6.1): the ones that `Connection` names among them. */
export const endsAtHop = (headers: Headers): ((name: string) => boolean) => {
  const connection = headers.get('connection')
  if (connection === undefined) return isHopByHop
  const named = new Set(connection.split(',').map(name => name.trim().toLowerCase()))
  return name => HOP_BY_HOP.has(name) || named.has(name)
}

/** `headers` less those that end at us. */
export const withoutHopByHop = (headers: Headers): Headers =>
  withoutHeaders(headers, endsAtHop(headers))
