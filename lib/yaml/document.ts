import {
  type Document,
  type ErrorCode,
  isAlias,
  isMap,
  isNode,
  isScalar,
  isSeq,
  LineCounter,
  parseDocument,
  type YAMLError,
  type YAMLMap,
} from 'yaml'
import type { Fault, Finding, Path } from './fault.ts'

/** A YAML text as plain data that still knows the line of each value. */
export interface YamlDocument {
  readonly file: string
  /** Undefined when the text is not YAML; there are faults, then. */
  readonly value: unknown
  /** What is wrong with the text as YAML. */
  readonly faults: readonly Fault[]
  /** Gives a finding its place: that of the value, or of the nearest one around it. */
  locate(finding: Finding): Fault
}

// Where the library's own words quote the text, which may be a secret, or speak to programmers, these stand in.
const WORDS: Partial<Record<ErrorCode, string>> = {
  BAD_COLLECTION_TYPE: 'This tag does not fit the value. Leave it out.',
  BAD_DIRECTIVE: 'This YAML directive is unknown. Leave it out.',
  BAD_DQ_ESCAPE:
    'This escape is unknown in double quotes. Write \\\\ for a backslash, or use single quotes.',
  DUPLICATE_KEY: 'This option stands here a second time. Keep one of the two.',
  MULTIPLE_DOCS: 'A second document begins here. Keep one, without a --- line.',
  NON_STRING_KEY: 'An option must have a plain name. Write `name: value`.',
  RESOURCE_EXHAUSTION: 'This is nested too deeply. Write it flatter.',
  TAG_RESOLVE_FAILED: 'This tag is unknown. Leave it out.',
  UNEXPECTED_TOKEN:
    'This cannot stand here. Check indentation, quotes and brackets just before it.',
}

const sentence = ({ code, message }: YAMLError): string => WORDS[code] ?? `${message}.`

const positionIn = (lines: LineCounter, offset: number): Pick<Fault, 'line' | 'column'> => {
  const { line, col } = lines.linePos(offset)
  return { line, column: col }
}

/** One slip makes the parser stumble over all the rest of a line: the first word on it is enough. */
const firstOfEachLine = (faults: readonly Fault[]): Fault[] => {
  const seen = new Set<number | undefined>()
  return faults.filter(({ line }) => !seen.has(line) && seen.add(line))
}

const pairAt = (map: YAMLMap, name: string | number) =>
  map.items.find(({ key }) => isScalar(key) && String(key.value) === String(name))

interface Step {
  readonly node: unknown
  readonly offset: number | undefined
}

const step = (node: unknown, name: string | number): Step | undefined => {
  if (isMap(node)) {
    const pair = pairAt(node, name)
    return pair && { node: pair.value, offset: isNode(pair.key) ? pair.key.range?.[0] : undefined }
  }
  const item = isSeq(node) && typeof name === 'number' ? node.items[name] : undefined
  return isNode(item) ? { node: item, offset: item.range?.[0] } : undefined
}

/** The offset of the value at `path`, of its name where it has one, or of the nearest place around it. */
const offsetOf = (document: Document, path: Path): number => {
  let node: unknown = document.contents
  let offset = document.contents?.range?.[0] ?? 0
  for (const name of path) {
    const next = step(isAlias(node) ? node.resolve(document) : node, name)
    if (next === undefined) break
    node = next.node
    offset = next.offset ?? offset
  }
  return offset
}

const toValue = (document: Document): { readonly value: unknown; readonly broken: boolean } => {
  try {
    return { value: document.toJS(), broken: false }
  } catch {
    // Thrown for an alias without an anchor, and for aliases that would multiply without end.
    return { value: undefined, broken: true }
  }
}

/** Reads a YAML 1.2 text strictly: unknown tags, doubled options and stray documents are faults. */
export const parseYaml = (file: string, text: string): YamlDocument => {
  const lines = new LineCounter()
  const document = parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
    strict: true,
    stringKeys: true,
    logLevel: 'error',
  })
  const locate = ({ path, at, message }: Finding): Fault => ({
    file,
    ...positionIn(lines, offsetOf(document, at ?? path)),
    path,
    message,
  })
  const faults = [...document.errors, ...document.warnings].map(error => ({
    file,
    ...positionIn(lines, error.pos[0]),
    path: [],
    message: sentence(error),
  }))
  const isData = document.errors.every(({ code }) => code === 'DUPLICATE_KEY')
  const { value, broken } = isData ? toValue(document) : { value: undefined, broken: false }
  const alias = 'An alias (*name) has no anchor (&name) before it. Write the value out.'
  return {
    file,
    value,
    faults: broken ? [locate({ path: [], message: alias })] : firstOfEachLine(faults),
    locate,
  }
}
