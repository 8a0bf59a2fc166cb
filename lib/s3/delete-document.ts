import { S3Error } from './error.ts'
import { unescapeXml } from './xml.ts'

const OBJECT = /\s*<Object>((?:\s*<(\w+)>[^<]*<\/\2>)+)\s*<\/Object>/y
const QUIET = /\s*<Quiet>[^<]*<\/Quiet>/y
const OPEN = /^\uFEFF?\s*(?:<\?xml[^>]*\?>)?\s*<Delete(?:\s+xmlns(?::\w+)?="[^"<]*")*\s*>/
const CLOSE = /\s*<\/Delete>\s*$/y
const KEY = /<Key>([^<]*)<\/Key>/g

/**
 * The object keys that a DeleteObjects document names.
 *
 * The policy rules on these keys, while the provider reads the document itself; so anything that two XML readers might
 * read in two ways (comments, CDATA, prefixes, a DOCTYPE) is refused. No known client writes it.
 *
 * @throws {S3Error} `MalformedXML`
 */
export const parseDeleteKeys = (xml: string): readonly string[] => {
  const keys: string[] = []
  let at = OPEN.exec(xml)?.[0].length ?? -1
  while (at >= 0) {
    const object = matchAt(OBJECT, xml, at)
    if (object !== undefined) keys.push(keyOf(object[1] ?? ''))
    else if (matchAt(CLOSE, xml, at) !== undefined) return keys
    const step = object ?? matchAt(QUIET, xml, at)
    at = step === undefined ? -1 : at + step[0].length
  }
  throw new S3Error('MalformedXML')
}

const matchAt = (pattern: RegExp, text: string, at: number): RegExpExecArray | undefined => {
  pattern.lastIndex = at
  return pattern.exec(text) ?? undefined
}

const keyOf = (object: string): string => {
  const [key, another] = [...object.matchAll(KEY)]
  if (key?.[1] === undefined || another !== undefined) throw new S3Error('MalformedXML')
  return unescapeXml(key[1])
}
