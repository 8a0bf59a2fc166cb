import { isAbsolute, relative, resolve } from 'node:path'

/** Somewhere to write text. */
export interface Output {
  write(text: string): unknown
  /** Whether a person looks on. */
  readonly isTTY?: boolean | undefined
  readonly columns?: number | undefined
}

/** All that a command has of the world around it, but for files. */
export interface Io {
  readonly stdout: Output
  readonly stderr: Output
  readonly env: NodeJS.ProcessEnv
  /** The folder that relative paths start from. */
  readonly cwd: string
  readonly now: () => Date
}

/** A command called with what it cannot work with. The message says what to do. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

/** A path as given on the command line, made absolute. */
export const toPath = ({ cwd }: Io, path: string): string => resolve(cwd, path)

/** An absolute path as a person there would write it. */
export const fromPath = ({ cwd }: Io, path: string): string => {
  if (!isAbsolute(path)) return path
  const near = relative(cwd, path)
  return near.startsWith('..') || near === '' ? path : near
}
