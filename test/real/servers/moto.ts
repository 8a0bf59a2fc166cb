import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createVenv } from '../venv.ts'
import { findFreePort, untilListening } from './ports.ts'

export interface Moto {
  readonly endpoint: string
  /** Breaks it off: it forgets all. */
  stop(): Promise<void>
}

/** Starts moto's server, which plays AWS's services; here KMS and Secrets Manager. https://docs.getmoto.org */
export const startMoto = async (): Promise<Moto> => {
  const venv = await createVenv('moto', ['moto[kms,secretsmanager,server]'])
  const port = await findFreePort()
  const server = join(venv, 'bin', 'moto_server')
  // Whatever ends the tests ends it: prctl(2), PR_SET_PDEATHSIG.
  const words = ['--pdeathsig', 'KILL', server, '-H', '127.0.0.1', '-p', String(port)]
  const child: ChildProcess = spawn('setpriv', words, { stdio: 'ignore' })
  await untilListening(port, () =>
    child.exitCode === null ? undefined : `moto ended with ${child.exitCode}`,
  )
  return {
    endpoint: `http://127.0.0.1:${port}`,
    stop: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return
      const exited = once(child, 'exit')
      child.kill('SIGKILL')
      await exited
    },
  }
}
