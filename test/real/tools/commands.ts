import { run } from '../command.ts'
import type { Transfers } from './transfer-steps.ts'

/** An installed program with what each call of it needs. */
export interface Program {
  readonly path: string
  readonly globals: readonly string[]
  readonly env: Readonly<Record<string, string>>
}

/** Runs one command of a program, to its end. */
export const runProgram = (
  { path, globals, env }: Program,
  args: readonly string[],
  options: { readonly cwd?: string } = {},
): Promise<string> => run(path, [...globals, ...args], { env, ...options })

/** The words of a program for each thing to do. */
export type Verbs = Readonly<
  Record<'put' | 'get' | 'stream' | 'copy' | 'move' | 'sync', readonly string[]>
> & { readonly compares: Transfers['compares']; readonly check?: readonly string[] }

/** The shell's `program … < file`. */
const runWithInput = (program: Program, args: readonly string[], input: string) =>
  runProgram(
    {
      path: '/bin/sh',
      globals: ['-c', 'exec "$@" < "$INPUT"', 'sh', program.path, ...program.globals],
      env: { ...program.env, INPUT: input },
    },
    args,
  )

/** A program that moves files, told by its verbs alone. */
export const createTransfers = (
  program: Program,
  verbs: Verbs,
  url: Transfers['url'],
): Transfers => {
  const doing =
    (verb: readonly string[]) =>
    async (from: string, to: string): Promise<void> => {
      await runProgram(program, [...verb, from, to])
    }
  return {
    url,
    put: doing(verbs.put),
    get: doing(verbs.get),
    stream: async (from, to) => {
      await runWithInput(program, [...verbs.stream, to], from)
    },
    copy: doing(verbs.copy),
    move: doing(verbs.move),
    sync: doing(verbs.sync),
    compares: verbs.compares,
    check: verbs.check && doing(verbs.check),
  }
}
