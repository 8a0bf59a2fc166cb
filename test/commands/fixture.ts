import { join } from 'node:path'
import type { Test } from 'tap'
import type { Io } from '../../lib/commands/io.ts'
import { runCommand } from '../../lib/commands/program.ts'
import { folderFor } from '../config/fixture.ts'

/** What a command left behind. */
export interface Outcome {
  readonly code: number
  readonly out: string
  readonly err: string
}

export const ENV = {
  MAIN_ACCESS_KEY_ID: 'PROVIDERKEY',
  MAIN_SECRET_ACCESS_KEY: 'provider/secret+1',
  APP_SECRET: 'client/secret+1',
}

/** Runs a command line as if in `cwd`. */
export const command = async (
  cwd: string,
  words: readonly string[],
  env: NodeJS.ProcessEnv = ENV,
): Promise<Outcome> => {
  const written = { out: '', err: '' }
  const io: Io = {
    stdout: { write: text => (written.out += text) },
    stderr: { write: text => (written.err += text) },
    env,
    cwd,
    now: () => new Date('2026-11-21T05:48:13Z'),
  }
  const code = await runCommand(words, io)
  return { code, ...written }
}

/** A folder with a configuration of two clients, two keyrings and rules of every kind, under the default name. */
export const workFolder = async (t: Test): Promise<string> => {
  const signing = (name: string) => ({
    name,
    accessKeyId: name,
    secretAccessKey: { env: 'APP_SECRET' },
    upstream: 'main',
  })
  const config = {
    upstreams: {
      main: {
        provider: 'aws',
        endpoint: 'https://s3.eu-central-1.amazonaws.com',
        region: 'eu-central-1',
        credentials: { env: 'MAIN' },
      },
    },
    clients: [signing('app'), signing('backup')],
    keyrings: {
      main: { provider: 'file', path: 'keys/main.yaml' },
      backup: { provider: 'env', variable: 'APP_KEYRING' },
    },
    rules: [
      { name: 'public', buckets: ['assets-*'], passthrough: true },
      { name: 'frozen', buckets: ['archive'], operations: ['write', 'delete'], deny: true },
      { name: 'backup', clients: ['backup'], encrypt: { keyring: 'backup' } },
      { name: 'old', buckets: ['mixed'], encrypt: { keyring: 'main' }, plaintextReads: 'allow' },
      { name: 'default', clients: ['app'], encrypt: { keyring: 'main' } },
    ],
  }
  const text = JSON.stringify(config)
  const folder = await folderFor(t, text, { 'ssec-proxy.yaml': text })
  return join(folder)
}
