import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import t, { type Test } from 'tap'
import { customerKey } from '../../lib/keys/customer-key.ts'
import { type Sending, send } from '../support/client.ts'
import { APP, UPSTREAM } from '../support/proxy.ts'
import { buildProgram, type Child, ENVIRONMENT, KEY, startChild } from './child.ts'

/*
 * Where a key or a secret may come to light besides the wire to the provider: all that a served process writes, shows,
 * or lets the kernel show of it.
 */

const KEYS = [...customerKey('main', 'v1', KEY).spellings().expose(), KEY.toString('latin1')]
const SECRETS = [APP.secretAccessKey, UPSTREAM.secretAccessKey]

const PROGRAM = await buildProgram(t)

const found = (text: string, words: readonly string[]): readonly string[] =>
  words.filter(word => text.includes(word))

const SENDINGS: readonly (readonly [number, Sending])[] = [
  [200, { method: 'PUT', path: '/bucket' }],
  [200, { method: 'PUT', path: '/bucket/key', body: 'hello' }],
  [200, { path: '/bucket/key' }],
  [404, { path: '/bucket/none' }],
  [403, { path: '/bucket/key', credentials: { ...APP, secretAccessKey: 'wrong' } }],
  [400, { method: 'PUT', path: '/bucket/key', body: 'hello', wireBody: 'hullo' }],
]

const LOST: Sending = { method: 'PUT', path: '/bucket/key', body: 'hello' }

/** Does what clients do, well and badly, and gives what they were answered. */
const work = async (t: Test, { proxy, loseUpstream }: Child): Promise<string> => {
  const answers: string[] = []
  for (const [status, sending] of SENDINGS) {
    const answer = await send(proxy, sending)
    t.equal(answer.status, status, `${sending.method ?? 'GET'} ${sending.path}`)
    answers.push(JSON.stringify(answer.headers), answer.text)
  }
  await loseUpstream()
  const { status, headers, text } = await send(proxy, LOST)
  t.ok(status >= 500)
  return [...answers, JSON.stringify(headers), text].join('\n')
}

const pages = async ({ admin }: Child): Promise<string> => {
  const texts = ['/', '/metrics', '/healthz', '/readyz', '/none'].map(async path =>
    (await fetch(`${admin}${path}`)).text(),
  )
  return (await Promise.all(texts)).join('\n')
}

const ofKernel = (child: Child, file: string): Promise<string> =>
  readFile(`/proc/${child.process.pid}/${file}`, 'latin1')

const stop = async (child: Child, signal: NodeJS.Signals): Promise<readonly unknown[]> => {
  const closed = once(child.process, 'close')
  child.process.kill(signal)
  return closed
}

t.test('nothing that is told, logged, shown or written has a key or a secret', async t => {
  const child = await startChild(t, PROGRAM)
  const answers = await work(t, child)
  t.match(answers, 'SignatureDoesNotMatch')
  const shown = await pages(child)
  t.match(shown, 'ssec_proxy_')
  t.strictSame(await stop(child, 'SIGTERM'), [0, null])
  t.match(child.out(), '"operation":"PutObject"')
  t.equal(child.err(), '')
  for (const text of [answers, shown, child.out()])
    t.strictSame(found(text, [...KEYS, ...SECRETS]), [])
  t.strictSame([...(await child.written())], [])
})

t.test('the kernel shows of it what the operator gave it, and signals open nothing', async t => {
  const child = await startChild(t, PROGRAM)
  const [words, environment] = [await ofKernel(child, 'cmdline'), await ofKernel(child, 'environ')]
  t.match(words, 'serve\0--config\0')
  t.strictSame(found(words, [...KEYS, ...SECRETS]), [])
  t.strictSame(found(environment, KEYS), [])
  const holding = environment.split('\0').filter(line => found(line, SECRETS).length > 0)
  const given = Object.entries(ENVIRONMENT).filter(([, value]) => SECRETS.includes(value))
  t.strictSame(holding.sort(), given.map(pair => pair.join('=')).sort())
  child.process.kill('SIGUSR1')
  await child.said('SIGUSR1 opens no debugger')
  t.equal((await fetch(`${child.admin}/healthz`)).status, 200)
  // By SIGUSR2 Node writes a report, when it was told to.
  t.strictSame(await stop(child, 'SIGUSR2'), [null, 'SIGUSR2'])
  // Of SIGUSR1 Node's own handler says where its debugger listens, or why it cannot.
  t.equal(child.err(), '')
  t.strictSame([...(await child.written())], [])
  t.notMatch(child.out(), 'Node was told')
})

t.test('whoever asks Node for reports is warned, as they hold the environment', async t => {
  const child = await startChild(t, PROGRAM, { NODE_OPTIONS: '--report-on-signal' })
  await child.said('"options":["--report-on-signal"]')
  child.process.kill('SIGUSR2')
  await child.complained('Node.js report completed')
  const [report = ''] = [...(await child.written()).values()]
  t.match(report, '"environmentVariables"')
  t.strictSame(found(report, SECRETS), SECRETS)
  t.strictSame(found(report, KEYS), [])
})
