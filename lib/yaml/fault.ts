/** Where a value stands in a document, such as `['clients', 0, 'upstream']`. */
export type Path = readonly (string | number)[]

/** Something to say about the value at a path. The message tells what is wrong, and what to do. */
export interface Finding {
  readonly path: Path
  /**
   * Quotes nothing of the document but names that the proxy itself knows: any other text there may be a secret in the
   * wrong place. The line tells which one is meant.
   */
  readonly message: string
  /** What to point at, when it is not the value at the path. */
  readonly at?: Path | undefined
}

/** A finding with its place in a file. */
export interface Fault {
  /** File name, or `$NAME` for a document in an environment variable. */
  readonly file: string
  /** Counted from 1; undefined when it is the file itself that is wrong. */
  readonly line: number | undefined
  readonly column: number | undefined
  readonly path: Path
  readonly message: string
}

/** A path as people write it: `clients[0].upstream`. */
export const pathText = (path: Path): string =>
  path
    .map((step, i) => (typeof step === 'number' ? `[${step}]` : i === 0 ? step : `.${step}`))
    .join('')

/** A fault as one line: `file:line:column path: what is wrong. what to do`. */
export const faultText = ({ file, line, column, path, message }: Fault): string => {
  const place = line === undefined ? file : `${file}:${line}:${column}`
  return path.length === 0 ? `${place}: ${message}` : `${place} ${pathText(path)}: ${message}`
}

/** Sorts faults as they stand in their files. */
export const byPlace = (a: Fault, b: Fault): number => {
  if (a.file !== b.file) return a.file < b.file ? -1 : 1
  return (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0)
}

/** A fault of a whole file. */
export const fileFault = (file: string, message: string): Fault => ({
  file,
  line: undefined,
  column: undefined,
  path: [],
  message,
})

/** A faulty configuration: every fault of it at once, and never a secret's value. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
  readonly faults: readonly Fault[]
  constructor(faults: readonly Fault[]) {
    super(faults.map(faultText).join('\n'))
    this.faults = faults
  }
}
