import { CommanderError } from 'commander'
import { S3Error } from '../s3/error.ts'
import { ConfigError, type Fault, faultText } from '../yaml/fault.ts'
import { fromPath, type Io, UsageError } from './io.ts'

/** What a command ends with; `found` is what an examination found that is not as it should be. */
export const EXIT = { ok: 0, fault: 1, failure: 2, found: 3 } as const

/** A fault or warning as people read it. */
export const shownFault = (io: Io, fault: Fault): string =>
  faultText({ ...fault, file: fromPath(io, fault.file) })

const showFaults = (io: Io, { faults }: ConfigError): void => {
  for (const fault of faults) io.stderr.write(`${shownFault(io, fault)}\n`)
  io.stderr.write(faults.length === 1 ? '1 fault\n' : `${faults.length} faults\n`)
}

const isFault = (error: unknown): error is Error =>
  error instanceof UsageError || error instanceof S3Error

const sentenceOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error)

const stackOf = (error: unknown): string =>
  error instanceof Error ? (error.stack ?? error.message) : String(error)

/** Tells what went wrong, as sentences, and gives the exit code that says so. */
const fail = (io: Io, error: unknown, debug: boolean): number => {
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.fault
  if (debug) io.stderr.write(`${stackOf(error)}\n`)
  else if (error instanceof ConfigError) showFaults(io, error)
  else io.stderr.write(`${sentenceOf(error)}\n`)
  return error instanceof ConfigError || isFault(error) ? EXIT.fault : EXIT.failure
}

/** Runs a command to its exit code, whatever happens. */
export const run = async (
  io: Io,
  debug: boolean,
  command: () => Promise<number>,
): Promise<number> => {
  try {
    return await command()
  } catch (error) {
    return fail(io, error, debug)
  }
}
