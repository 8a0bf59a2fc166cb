import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { ensurePackages } from './debian.ts'
import { findFreePort, untilListening } from './ports.ts'

const PROGRAM = fileURLToPath(new URL('b2_simulator.py', import.meta.url))

/** The application key that b2sdk's simulator begins with. */
export const SIMULATOR_KEY = { accessKeyId: 'account-0', secretAccessKey: 'masterKey-0' }

export interface B2Simulator {
  readonly origin: string
  stop(): Promise<void>
}

/** Starts the simulator that b2sdk tests itself with, behind HTTP. */
export const startB2Simulator = async (): Promise<B2Simulator> => {
  await ensurePackages(['python3-b2sdk'])
  const port = await findFreePort()
  // Whatever ends the tests ends it: prctl(2), PR_SET_PDEATHSIG.
  const words = ['--pdeathsig', 'KILL', '/usr/bin/python3', PROGRAM, String(port)]
  const child: ChildProcess = spawn('setpriv', words, { stdio: ['ignore', 'ignore', 'inherit'] })
  await untilListening(port, () =>
    child.exitCode === null ? undefined : `the simulator ended with ${child.exitCode}`,
  )
  return {
    origin: `http://127.0.0.1:${port}`,
    stop: async () => {
      const exited = once(child, 'exit')
      child.kill('SIGKILL')
      await exited
    },
  }
}
