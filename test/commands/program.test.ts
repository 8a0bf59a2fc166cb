import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { run } from '../../lib/commands/run.ts'
import { VERSION } from '../../lib/version.ts'
import { command } from './fixture.ts'

t.test('the version is that of package.json', async t => {
  const text = await readFile(join(import.meta.dirname, '../../package.json'), 'utf8')
  t.equal(VERSION, JSON.parse(text).version)
  t.strictSame(await command('/', ['--version']), { code: 0, out: `${VERSION}\n`, err: '' })
})

t.test('help tells every command, and every option of each', async t => {
  const { code, out } = await command('/', ['--help'])
  t.equal(code, 0)
  for (const name of ['serve', 'init', 'check', 'explain', 'keys', 'presign'])
    t.match(out, `\n  ${name} `)
  t.match((await command('/', ['keys', 'show', '--help'])).out, '--version <id>')
})

t.test('a slip on the command line is a usage fault', async t => {
  for (const words of [['chek'], ['check', '--conf'], ['explain', 'GET'], ['keys', 'shw'], []]) {
    const { code, err } = await command('/', words)
    t.equal(code, 1, words.join(' '))
    t.not(err, '')
  }
})

t.test('a fault is a sentence, with --debug a stack', async t => {
  const plain = await command('/', ['check', '--config', 'nope.yaml'])
  t.strictSame(plain, {
    code: 1,
    out: '',
    err: 'nope.yaml: does not exist. Create it, or correct the path.\n1 fault\n',
  })
  const debug = await command('/', ['check', '--config', 'nope.yaml', '--debug'])
  t.equal(debug.code, 1)
  t.match(debug.err, /ConfigError: .*nope\.yaml: does not exist.*\n +at /)
})

t.test('what fails at work ends with 2', async t => {
  const said: string[] = []
  const io = {
    stdout: { write: () => undefined },
    stderr: { write: (text: string) => said.push(text) },
    env: {},
    cwd: '/',
    now: () => new Date(),
  }
  t.equal(await run(io, false, () => Promise.reject(new Error('The disk is full.'))), 2)
  t.equal(await run(io, false, () => Promise.reject('no reason')), 2)
  t.strictSame(said, ['The disk is full.\n', 'no reason\n'])
})

t.test('serve refuses a faulty configuration with 1', async t => {
  const { code, err } = await command('/', ['serve', '--config', 'nope.yaml'])
  t.equal(code, 1)
  t.match(err, 'nope.yaml: does not exist.')
})

t.test('the program itself gives its exit code to the process', async t => {
  t.intercept(process, 'argv', { value: ['node', 'ssec-proxy', 'check', '--config', 'nope.yaml'] })
  const said = t.capture(process.stderr, 'write', () => true)
  const handlers = process.listenerCount('SIGUSR1')
  await import('../../bin/ssec-proxy.ts')
  t.equal(process.listenerCount('SIGUSR1'), handlers + 1, 'every command keeps debuggers out')
  const { exitCode } = process
  process.exitCode = 0
  t.equal(exitCode, 1)
  t.match(said()[0]?.args, ['nope.yaml: does not exist. Create it, or correct the path.\n'])
})
