import { type ChildProcess, spawn } from 'node:child_process'
import { parseKeyringText } from './document.ts'
import { type KeyProvider, KeyProviderError } from './provider.ts'

/** A program that prints a keyring. */
export interface ExecSource {
  /** The program's absolute path, then its arguments. No shell reads them. */
  readonly command: readonly [string, ...string[]]
  /** Names of the environment variables that it gets, and no other. */
  readonly pass: readonly string[]
  /** Milliseconds until it is killed. */
  readonly timeout: number
}

/** Bytes that it may print: a thousand versions take no more than a quarter. */
const OUTPUT_BYTES = 1024 * 1024

const passed = (names: readonly string[], env: NodeJS.ProcessEnv): NodeJS.ProcessEnv =>
  Object.fromEntries(names.flatMap(name => (env[name] === undefined ? [] : [[name, env[name]]])))

/** Ends it with all that it started, which might hold its output open. */
const kill = ({ pid }: ChildProcess): void => {
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGKILL')
  } catch {
    // It has ended by itself.
  }
}

const ended = (code: number | null, signal: string | null): string =>
  code === null ? `was ended by ${signal}` : `ended with ${code}`

const outputOf = (source: ExecSource, env: NodeJS.ProcessEnv): Promise<Buffer> =>
  new Promise((resolve, reject) => {
    const [program, ...args] = source.command
    const child = spawn(program, args, {
      env: passed(source.pass, env),
      cwd: '/',
      // A group of its own, to be ended whole. Its error output may hold keys, so nobody reads it.
      detached: true,
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    const chunks: Buffer[] = []
    let bytes = 0
    const fail = (what: string): void => {
      clearTimeout(timer)
      kill(child)
      for (const chunk of chunks.splice(0)) chunk.fill(0)
      reject(new KeyProviderError(`the program ${program} ${what}. Run it by hand to see why.`))
    }
    const timer = setTimeout(() => fail(`took over ${source.timeout} ms`), source.timeout)
    child.stdout.on('data', (chunk: Buffer) => {
      bytes += chunk.length
      chunks.push(chunk)
      if (bytes > OUTPUT_BYTES) fail(`printed over ${OUTPUT_BYTES} bytes`)
    })
    child.once('error', error =>
      fail(`cannot be run (${'code' in error ? error.code : error.name})`),
    )
    child.once('close', (code, signal) => {
      if (code !== 0) return fail(ended(code, signal))
      clearTimeout(timer)
      resolve(Buffer.concat(chunks))
      for (const chunk of chunks) chunk.fill(0)
    })
  })

/** A key provider of any make: a program that prints the keyring document, or one bare key, and ends with 0. */
export const createExecProvider = (source: ExecSource, env: NodeJS.ProcessEnv): KeyProvider => ({
  fetch: async () => {
    const output = await outputOf(source, env)
    const text = output.toString('utf8')
    output.fill(0)
    return parseKeyringText(`the output of ${source.command[0]}`, text)
  },
})
