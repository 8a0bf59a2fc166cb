import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { promisify } from 'node:util'
import type { Test } from 'tap'
import { startEmbedded } from '../../lib/embedded/server.ts'
import { APP, keyBytes, UPSTREAM } from '../support/proxy.ts'

const ROOT = join(import.meta.dirname, '../..')

/** Builds the program as `npm run build` does, but for the checks, into a folder of the test; gives its path. */
export const buildProgram = async (t: Test): Promise<string> => {
  const folder = t.testdir({})
  const tsc = join(ROOT, 'node_modules/typescript/bin/tsc')
  const options = ['--noCheck', '--declaration', 'false', '--outDir', folder]
  const words = [tsc, '-p', join(ROOT, 'tsconfig.build.json'), ...options]
  await promisify(execFile)(process.execPath, words)
  return join(folder, 'bin/ssec-proxy.js')
}

const configOf = (endpoint: string): string => `
listen: [{ port: 0 }]
admin: { port: 0 }
log: { level: debug }
upstreams:
  main: { provider: generic, endpoint: '${endpoint}', region: us-east-1, credentials: { env: MAIN } }
clients:
  - { name: app, accessKeyId: ${APP.accessKeyId}, secretAccessKey: { env: APP_SECRET }, upstream: main }
keyrings:
  main: { provider: file, path: main.yaml }
rules:
  - { name: only, encrypt: { keyring: main } }
`

/** Bytes of the customer key that the process writes with. */
export const KEY = keyBytes('served')

const keyringText = (): string => `versions: [{ id: v1, key: ${KEY.toString('base64')} }]\n`

/** What the operator puts into the environment of the process. */
export const ENVIRONMENT = {
  PATH: '/usr/bin:/bin',
  MAIN_ACCESS_KEY_ID: UPSTREAM.accessKeyId,
  MAIN_SECRET_ACCESS_KEY: UPSTREAM.secretAccessKey,
  APP_SECRET: APP.secretAccessKey,
}

const PLACES = ['home', 'work', 'tmp']

/** `serve` as a process of its own. */
export interface Child {
  readonly process: ChildProcess
  readonly proxy: string
  readonly admin: string
  /** All that it wrote so far. */
  readonly out: () => string
  readonly err: () => string
  /** Waits until it has written `text` to its log. */
  said(text: string): Promise<void>
  /** Waits until it has written `text` to stderr. */
  complained(text: string): Promise<void>
  /** Stops the provider behind it. */
  loseUpstream(): Promise<void>
  /** Texts of the files in its working directory, home and temporary folder, by name. */
  written(): Promise<ReadonlyMap<string, string>>
}

const gather = (stream: ChildProcess['stdout']): (() => string) => {
  let text = ''
  stream?.setEncoding('utf8').on('data', chunk => {
    text += chunk
  })
  return () => text
}

const readAll = async (folder: string): Promise<ReadonlyMap<string, string>> => {
  const found = new Map<string, string>()
  for (const place of PLACES)
    for (const file of await readdir(join(folder, place), { recursive: true, withFileTypes: true }))
      if (file.isFile())
        found.set(file.name, await readFile(join(file.parentPath, file.name), 'latin1'))
  return found
}

const addressIn = (out: string, field: string): string =>
  new RegExp(`"${field}":"(http://[^"/]+)`).exec(out)?.[1] ?? ''

/** Starts `serve` in `folder`, with a keyring in a file and all else that is secret in the environment. */
const spawnIn = (
  program: string,
  folder: string,
  env: Readonly<Record<string, string>>,
): ChildProcess =>
  spawn(process.execPath, [program, 'serve', '--config', join(folder, 'config.yaml')], {
    cwd: join(folder, 'work'),
    env: { ...ENVIRONMENT, HOME: join(folder, 'home'), TMPDIR: join(folder, 'tmp'), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })

const until = async (what: string, isSo: () => boolean): Promise<void> => {
  for (let tries = 0; tries < 1000 && !isSo(); tries++) await setTimeout(20)
  if (!isSo()) throw new Error(`${what}: not within 20 seconds`)
}

/** Starts one of `program` in front of an embedded upstream of this process; both are stopped at the test's end. */
export const startChild = async (
  t: Test,
  program: string,
  env: Readonly<Record<string, string>> = {},
): Promise<Child> => {
  const folder = t.testdir({})
  for (const place of [...PLACES, 'data']) await mkdir(join(folder, place))
  const upstream = await startEmbedded({ path: join(folder, 'data'), host: '127.0.0.1', port: 0 })
  t.teardown(() => upstream.close())
  await writeFile(join(folder, 'config.yaml'), configOf(upstream.origin))
  await writeFile(join(folder, 'main.yaml'), keyringText(), { mode: 0o600 })
  const child = spawnIn(program, folder, env)
  t.teardown(async () => {
    if (child.exitCode === null && child.signalCode === null && child.kill('SIGKILL'))
      await once(child, 'exit')
  })
  const [out, err] = [gather(child.stdout), gather(child.stderr)]
  await until('serving', () => addressIn(out(), 'listen') !== '' || child.exitCode !== null)
  if (child.exitCode !== null) throw new Error(`it did not start: ${out()}${err()}`)
  return {
    process: child,
    proxy: addressIn(out(), 'listen'),
    admin: addressIn(out(), 'admin'),
    out,
    err,
    said: text => until(text, () => out().includes(text)),
    complained: text => until(text, () => err().includes(text)),
    loseUpstream: () => upstream.close(),
    written: () => readAll(folder),
  }
}
