import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { keyOf } from '../config/fixture.ts'
import { command, ENV, workFolder } from './fixture.ts'

const KEYS = { APP_KEYRING: keyOf(5) }

t.test('a good configuration is told with its counts', async t => {
  const folder = await workFolder(t)
  t.strictSame(await command(folder, ['check'], { ...ENV, ...KEYS }), {
    code: 0,
    out: 'ok: 1 listener, 1 upstream, 2 clients, 2 keyrings, 5 rules, 0 warnings\n',
    err: '',
  })
})

t.test('every fault at once, file names as seen from here', async t => {
  const folder = await workFolder(t)
  await rm(join(folder, 'keys/main.yaml'))
  const { code, out, err } = await command(folder, ['check'], {})
  t.equal(code, 1)
  t.equal(out, '')
  t.equal(err.trim().split('\n').length, 7)
  t.match(err, /^ssec-proxy\.yaml:1:\d+ upstreams\.main\.credentials\.env: /)
  t.match(
    err,
    /\nssec-proxy\.yaml:1:\d+ keyrings\.main\.path: names a keyring that does not exist\./,
  )
  t.match(err, /\n6 faults\n$/)
  t.match(
    (await command('/usr', ['check', '--config', join(folder, 'config.yaml')], {})).err,
    folder,
  )
})

t.test('warnings leave a configuration good', async t => {
  const folder = await workFolder(t)
  const file = join(folder, 'ssec-proxy.yaml')
  await writeFile(
    file,
    `upstreams: { main: { provider: embedded, path: data } }
clients: [{ name: app, accessKeyId: app, secretAccessKey: { env: APP_SECRET }, upstream: main }]
`,
  )
  t.strictSame(await command(folder, ['check']), {
    code: 0,
    out: `warning: ssec-proxy.yaml:1:1 rules: has no rule, so every request is denied. Add one.
ok: 1 listener, 1 upstream, 1 client, 0 keyrings, 0 rules, 1 warning
`,
    err: '',
  })
})

t.test('what a quickstart configuration creates is told', async t => {
  const folder = await workFolder(t)
  await writeFile(
    join(folder, 'ssec-proxy.yaml'),
    `quickstart: true
upstreams: { main: { provider: embedded, path: data } }
clients: [{ name: app, accessKeyId: app, secretAccessKey: { file: s/app }, upstream: main }]
keyrings: { main: { provider: file, path: k/main.yaml } }
rules: [{ name: all, encrypt: { keyring: main } }]
`,
  )
  const { out } = await command(folder, ['check'])
  t.match(out, /^created: k\/main\.yaml\ncreated: s\/app\nok: /)
})
