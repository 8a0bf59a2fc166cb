import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import { type AddressInfo, connect, createServer } from 'node:net'
import { setTimeout } from 'node:timers/promises'

/** The proxy has a core to itself; both its ends share the other. */
export const CORES = { proxy: 0, ends: 1 }

/** Milliseconds: a proxy that stalls must not stall the bench. */
const RUN_LIMIT = 600_000

export interface Command {
  readonly core: number
  readonly program: string
  readonly args: readonly string[]
  readonly env?: Readonly<Record<string, string>>
}

/** A running process. */
export interface Child {
  readonly pid: number
  stop(): Promise<void>
}

/** Starts a process pinned to its core; its output goes to the file `log`. */
export const startChild = (command: Command, log: string): Child => {
  const file = openSync(log, 'a')
  const spawned = spawnPinned(command, ['ignore', file, file])
  closeSync(file)
  return toChild(spawned)
}

/** Starts a process pinned to its core, and waits for the line that it prints when it is ready. */
export const startTalkingChild = async (
  command: Command,
): Promise<{ readonly child: Child; readonly line: string }> => {
  const spawned = spawnPinned(command, ['ignore', 'pipe', 'inherit'])
  return { child: toChild(spawned), line: await firstOutput(spawned) }
}

/** Runs a process pinned to its core to its end, and gives what it printed. */
export const runChild = async (command: Command): Promise<string> => {
  const spawned = spawnPinned(command, ['ignore', 'pipe', 'pipe'], RUN_LIMIT)
  const [output, errors, [code]] = await Promise.all([
    textOf(spawned.stdout),
    textOf(spawned.stderr),
    once(spawned, 'exit'),
  ])
  if (code !== 0) throw new Error(`${command.program} ${command.args.join(' ')}:\n${errors}`)
  return output
}

const spawnPinned = (
  { core, program, args, env }: Command,
  stdio: readonly ('ignore' | 'inherit' | 'pipe' | number)[],
  timeout?: number,
): ChildProcess =>
  // Whatever ends the bench ends its children: prctl(2), PR_SET_PDEATHSIG.
  spawn('setpriv', ['--pdeathsig', 'KILL', 'taskset', '-c', String(core), program, ...args], {
    stdio: [...stdio],
    timeout,
    env: { ...process.env, ...env },
  })

const toChild = (spawned: ChildProcess): Child => {
  const ended = once(spawned, 'exit')
  return {
    pid: spawned.pid ?? 0,
    stop: async () => {
      spawned.kill('SIGKILL')
      await ended
    },
  }
}

const firstOutput = async ({ stdout }: ChildProcess): Promise<string> => {
  for await (const chunk of stdout ?? []) return String(chunk).trim()
  throw new Error('a process ended before it was ready')
}

const textOf = async (stream: ChildProcess['stdout']): Promise<string> => {
  let text = ''
  if (stream !== null) for await (const chunk of stream.setEncoding('utf8')) text += String(chunk)
  return text
}

/** A TCP port that nobody listens on just now. */
export const findFreePort = async (): Promise<number> => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  return port
}

/** Whether somebody listens on `port` within ten seconds. */
export const untilListening = async (port: number): Promise<boolean> => {
  for (let tries = 0; tries < 100; tries++) {
    if (await isListening(port)) return true
    await setTimeout(100)
  }
  return false
}

const isListening = (port: number): Promise<boolean> =>
  new Promise(resolve => {
    const socket = connect({ host: '127.0.0.1', port })
    socket.on('error', () => resolve(false))
    socket.on('connect', () => {
      resolve(true)
      socket.destroy()
    })
  })
