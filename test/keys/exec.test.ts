import { existsSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { createExecProvider } from '../../lib/keys/providers/exec.ts'

const KEY = Buffer.alloc(32, 7).toString('base64')

const fetchFrom = (
  script: string,
  options: { readonly pass?: readonly string[]; readonly timeout?: number } = {},
  env: NodeJS.ProcessEnv = {},
) =>
  createExecProvider(
    { command: ['/bin/sh', '-c', script], pass: [], timeout: 5000, ...options },
    env,
  ).fetch()

const causeOf = async (fetched: Promise<unknown>): Promise<string> => {
  try {
    await fetched
    return ''
  } catch (error) {
    return String(error)
  }
}

t.test('a program prints a bare key, or a keyring', async t => {
  const [bare] = await fetchFrom(`echo ${KEY}`)
  t.strictSame([bare?.id, bare?.master.expose().toString('base64')], ['v1', KEY])
  const [versioned] = await fetchFrom(`echo 'versions: [{ id: v9, key: ${KEY} }]'`)
  t.equal(versioned?.id, 'v9')
})

t.test('it gets the variables that it is allowed, and no other', async t => {
  const env = { ALLOWED: KEY, FORBIDDEN: 'x', PATH: '/bin' }
  const script = `test -z "$FORBIDDEN" && echo $ALLOWED`
  t.equal((await fetchFrom(script, { pass: ['ALLOWED', 'MISSING'] }, env)).length, 1)
  t.match(await causeOf(fetchFrom(`echo $FORBIDDEN$ALLOWED`, {}, env)), /is not base64|32/)
})

t.test('no shell reads its arguments', async t => {
  const file = join(t.testdir({}), 'made')
  const provider = createExecProvider(
    { command: ['/bin/echo', `$(touch ${file})`], pass: [], timeout: 5000 },
    {},
  )
  await t.rejects(provider.fetch())
  t.notOk(existsSync(file))
})

t.test('a program that hangs is killed, with what it started', async t => {
  const file = join(t.testdir({}), 'later')
  const started = performance.now()
  const cause = await causeOf(fetchFrom(`(sleep 1; touch ${file}) & sleep 60`, { timeout: 200 }))
  t.match(cause, /took over 200 ms/)
  t.ok(performance.now() - started < 5000)
  await new Promise(resolve => setTimeout(resolve, 1200))
  t.notOk(existsSync(file))
})

t.test('a program that floods is stopped', async t => {
  t.match(await causeOf(fetchFrom('exec cat /dev/zero')), /printed over 1048576 bytes/)
})

t.test(
  'a program that fails, prints garbage or is not there says so, and nothing of a key',
  async t => {
    const failing = await causeOf(fetchFrom(`echo ${KEY}; echo ${KEY} >&2; exit 1`))
    t.match(failing, /the program \/bin\/sh ended with 1\. Run it by hand/)
    const killed = await causeOf(fetchFrom('kill -9 $$'))
    t.match(killed, /was ended by SIGKILL/)
    const garbage = await causeOf(fetchFrom(`echo "versions: [{ id: v1, key: x${KEY} }]"`))
    t.match(garbage, /the output of \/bin\/sh:1:22 versions\[0\]\.key: is not base64/)
    const nothing = await causeOf(fetchFrom(':'))
    t.match(nothing, /is base64 of 0 bytes/)
    const missing = createExecProvider({ command: ['/no/such'], pass: [], timeout: 5000 }, {})
    t.match(await causeOf(missing.fetch()), /the program \/no\/such cannot be run \(ENOENT\)/)
    for (const cause of [failing, killed, garbage]) t.notMatch(cause, KEY)
  },
)
