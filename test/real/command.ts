import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

const execFileAsync = promisify(execFile)

export interface CommandOptions {
  readonly env?: Readonly<Record<string, string>>
  readonly cwd?: string
  /** Milliseconds. */
  readonly timeout?: number
}

/** How much a command may print. */
const OUTPUT_BYTES = 16 * 1024 * 1024

/**
 * Runs a program to its end, and gives what it printed.
 *
 * @throws {Error} with what it printed on its error output, when it fails
 */
export const run = async (
  program: string,
  args: readonly string[],
  { env, ...options }: CommandOptions = {},
): Promise<string> => {
  const { stdout } = await execFileAsync(program, args, {
    timeout: 300_000,
    maxBuffer: OUTPUT_BYTES,
    ...options,
    env: { ...process.env, ...env },
  })
  return stdout.trim()
}

/** The last line of an error's message: of a failed command, the one that says why. */
export const causeOf = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)).trim().split('\n').at(-1) ?? ''
