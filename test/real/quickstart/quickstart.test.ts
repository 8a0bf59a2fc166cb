import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { bytesOf, MIB } from '../bytes.ts'
import { installClient } from '../clients/programs.ts'
import { run } from '../command.ts'
import { ensurePackages } from '../servers/debian.ts'
import type { ClientName } from '../stage.ts'

// What a newcomer does: clone, npm ci, npm start, and paste the printed lines into another shell.

const REPOSITORY = fileURLToPath(new URL('../../..', import.meta.url))

const FOLDER = await mkdtemp(join(tmpdir(), 'ssec-proxy-quickstart-'))

const [CLONE, SHELL] = [join(FOLDER, 'clone'), join(FOLDER, 'shell')]

/** Starts the clone, and gives the lines that it prints to be pasted: they are indented. */
const start = async (): Promise<{
  readonly child: ChildProcess
  readonly lines: readonly string[]
}> => {
  const child = spawn('npm', ['start'], {
    cwd: CLONE,
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: true,
  })
  const lines: string[] = []
  for await (const line of createInterface({ input: child.stdout })) {
    if (line.startsWith('  ')) lines.push(line.trim())
    if (line.startsWith('  curl ')) break
  }
  child.stdout.resume()
  return { child, lines }
}

const stop = async (child: ChildProcess): Promise<void> => {
  const exited = once(child, 'exit')
  // npm and the shell under it are of one process group with the proxy.
  process.kill(-(child.pid ?? 0), 'SIGTERM')
  await exited
}

/** Runs lines in a shell, with the folder of an awscli before all others on its path. */
const paste = (lines: readonly string[], program: string): Promise<string> =>
  run('bash', ['-ec', lines.join('\n')], {
    cwd: SHELL,
    env: { PATH: `${join(program, '..')}:${process.env['PATH']}`, AWS_PAGER: '' },
  })

const storedFiles = async (path: string): Promise<readonly Buffer[]> => {
  const entries = await readdir(path, { recursive: true, withFileTypes: true })
  const files = entries.filter(entry => entry.isFile())
  return Promise.all(files.map(file => readFile(join(file.parentPath, file.name))))
}

const RANDOM = bytesOf(MIB, 'quick start')

/** What else a newcomer may try: a list, and a file there and back. */
const FURTHER = [
  'aws --endpoint-url "$AWS_ENDPOINT_URL" s3 cp --only-show-errors random s3://demo/random',
  'aws --endpoint-url "$AWS_ENDPOINT_URL" s3 cp --only-show-errors s3://demo/random back',
  'cmp random back && echo identical',
  'aws --endpoint-url "$AWS_ENDPOINT_URL" s3 ls s3://demo/',
  'aws --endpoint-url "$AWS_ENDPOINT_URL" s3 rb --force s3://demo',
]

const testPasted = async (t: Test, name: ClientName, lines: readonly string[]): Promise<void> => {
  const client = await installClient(name)
  if ('lacks' in client) {
    t.ok(true, name, { skip: client.lacks })
    return
  }
  await writeFile(join(SHELL, 'random'), RANDOM)
  const output = await paste([...lines, ...FURTHER], client.is.path)
  t.match(output, /^attack at dawn$/m, 'hello.txt comes back')
  t.match(output, /^not there: stored encrypted$/m, 'the stored bytes are not the plaintext')
  t.match(output, /^HTTP\/1\.1 400 /m, 'the upstream itself does not give it without the key')
  // Behind the XML that curl prints, which does not end its line.
  t.match(output, /identical$/m, 'a download is byte-identical')
  t.match(output, / 15 hello\.txt$/m, 'hello.txt is listed')
}

/** The folder that the printed `grep` looks through. */
const storeIn = (lines: readonly string[]): string =>
  lines.map(line => /^grep -r '.*' (\S+)/.exec(line)?.[1]).find(path => path !== undefined) ?? ''

const testStored = async (t: Test, lines: readonly string[]): Promise<void> => {
  const upload = lines.filter(line => !/^(grep|curl) | s3 rb /.test(line))
  const client = await installClient('awscli-debian')
  if ('lacks' in client) {
    t.ok(true, 'stored files', { skip: client.lacks })
    return
  }
  await paste([...upload, ...FURTHER.slice(0, 1)], client.is.path)
  const files = await storedFiles(storeIn(lines))
  t.ok(
    files.some(file => file.length >= RANDOM.length),
    'the object is there',
  )
  for (const file of files) {
    t.notOk(file.includes('attack at dawn') || file.includes(RANDOM.subarray(0, 32)))
  }
}

t.test('a newcomer', async t => {
  t.teardown(() => rm(FOLDER, { recursive: true, force: true }))
  await ensurePackages(['git', 'curl'])
  await run('git', ['clone', '--quiet', REPOSITORY, CLONE])
  await run('mkdir', [SHELL])
  await run('npm', ['ci'], { cwd: CLONE, timeout: 600_000 })
  const { child, lines } = await start()
  t.teardown(() => stop(child))
  for (const name of ['awscli-debian', 'awscli'] as const) {
    await t.test(`the printed lines work with ${name}`, t => testPasted(t, name, lines))
  }
  await t.test('no stored file has the plaintext', t => testStored(t, lines))
})
