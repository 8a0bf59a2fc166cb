import { chmod, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { loadConfig } from '../../lib/config/load.ts'
import { CONFIG, ENV, faultsOf, folderFor, folderWith, keyOf, load, warningsOf } from './fixture.ts'

const tls = (name: string): Promise<string> =>
  readFile(join(import.meta.dirname, '../fixtures/tls', name), 'utf8')

t.test('one report tells every fault, of all files, with line and column', async t => {
  const config = `\
listen: [{ prt: 9000 }]
upstreams:
  main: { provider: aws, endpoint: http://s3.example.com, credentials: { env: NOPE } }
clients:
  - { name: app, accessKeyId: 12345, secretAccessKey: hunter2, upstream: mian }
keyrings:
  main: { provider: file, path: keys/main.yaml }
policy: rules.yaml
`
  const rules = `\
rules:
  - { name: all, operations: [PutObjct], encrypt: { keyring: mian } }
`
  const keyring = `\
versions:
  - { id: v1, key: ${Buffer.alloc(16).toString('base64')} }
`
  const folder = await folderFor(t, config, { 'rules.yaml': rules, 'keys/main.yaml': keyring })
  t.strictSame(await faultsOf(folder), [
    'config.yaml:1:10 listen[0]: must have exactly one of port, socket.',
    "config.yaml:1:12 listen[0]: has an option 'prt' that is unknown. Did you mean port?",
    'config.yaml:3:26 upstreams.main.endpoint: is plain http to another machine, and SSE-C keys travel in headers: everyone on the way could read them. Use https, or say insecure: true.',
    'config.yaml:3:74 upstreams.main.credentials.env: names a prefix whose PREFIX_ACCESS_KEY_ID the environment does not have. Set it, or correct the name.',
    'config.yaml:3:74 upstreams.main.credentials.env: names a prefix whose PREFIX_SECRET_ACCESS_KEY the environment does not have. Set it, or correct the name.',
    'config.yaml:5:18 clients[0].accessKeyId: must be a text. Put it in quotes. Access key id that the client signs with; with `secretAccessKey`.',
    'config.yaml:5:38 clients[0].secretAccessKey: must not stand here in plain. Write {env: NAME}, {file: path}, {vault: ...} or, if it must stand in this file, {insecureLiteral: ...}.',
    'config.yaml:5:64 clients[0].upstream: names no upstream. Did you mean main?',
    'keys/main.yaml:2:15 versions[0].key: is base64 of 16 bytes. It must be of 32.',
    'rules.yaml:2:31 rules[0].operations[0]: is no operation. Did you mean PutObject?',
    'rules.yaml:2:53 rules[0].encrypt.keyring: names no keyring. Did you mean main?',
  ])
})

t.test('a configuration that is no YAML, empty, or not there', async t => {
  t.strictSame(await faultsOf(await folderFor(t, 'listen: [\n')), [
    'config.yaml:2:1: Flow sequence in block collection must be sufficiently indented and end with a ].',
  ])
  t.strictSame(await faultsOf(await folderFor(t, '# nothing')), ['config.yaml:1:1: is empty.'])
  t.strictSame(await faultsOf(await folderWith(t, {})), [
    'config.yaml: does not exist. Create it, or correct the path.',
  ])
})

t.test('an option that stands twice is told beside the other faults', async t => {
  const text = `${JSON.stringify(CONFIG).slice(0, -1)}, "rules": [], "domain": 1}`
  t.strictSame(await faultsOf(await folderFor(t, text)), [
    `config.yaml:1:${text.lastIndexOf('"rules"') + 1}: This option stands here a second time. Keep one of the two.`,
    `config.yaml:1:${text.lastIndexOf('"domain"') + 1}: has an option 'domain' that is unknown. Did you mean domains?`,
  ])
})

const { rules, ...NO_RULES } = CONFIG

t.test('a policy file that is not there, or has more than rules', async t => {
  t.strictSame(await faultsOf(await folderFor(t, { ...NO_RULES, policy: 'p.yaml' })), [
    'config.yaml:28:3 policy: names a file that does not exist. Create it, or correct the path.',
  ])
  const policy = JSON.stringify({ rules, clients: [] })
  const folder = await folderFor(t, { ...NO_RULES, policy: 'p.yaml' }, { 'p.yaml': policy })
  t.strictSame(await faultsOf(folder), [
    `p.yaml:1:${policy.indexOf('"clients"') + 1}: has an option here that is unknown. Known: rules.`,
  ])
})

t.test('rules here and in a policy file', async t => {
  const policy = JSON.stringify({ rules })
  const folder = await folderFor(t, { ...CONFIG, policy: 'p.yaml' }, { 'p.yaml': policy })
  t.strictSame(await faultsOf(folder), [
    'config.yaml:39:3 policy: stands beside rules. Keep one of the two.',
  ])
})

t.test('a keyring file that others may read is refused, and says how to mend it', async t => {
  const folder = await folderFor(t, CONFIG)
  await chmod(join(folder, 'keys/main.yaml'), 0o640)
  t.strictSame(await faultsOf(folder), [
    'config.yaml:25:7 keyrings.main.path: names a keyring that holds keys and is open to others (mode 0640). Run: chmod 600 keys/main.yaml',
  ])
})

t.test('a secret file that others may read is warned of', async t => {
  const clients = [{ ...CONFIG.clients[0], secretAccessKey: { file: 's' } }]
  const folder = await folderFor(t, { ...CONFIG, clients }, { s: 'secret' })
  await chmod(join(folder, 's'), 0o604)
  t.strictSame(await warningsOf(folder), [
    'config.yaml:17:9 clients[0].secretAccessKey.file: names a file that is open to others (mode 0604). Run: chmod 600 s',
  ])
})

t.test('faults of a keyring in the environment name its variable', async t => {
  const keyrings = { main: { provider: 'env', variable: 'KEYS' } }
  const folder = await folderFor(t, { ...CONFIG, keyrings })
  const KEYS = `versions:\n  - { id: v1, key: ${keyOf(1)}, created: 2026 }\n`
  t.strictSame(await faultsOf(folder, { ...ENV, KEYS }), [
    "$KEYS:2:66 versions[0]: has an option 'created' that is unknown. Did you mean createdAt?",
  ])
})

t.test('certificates and their keys are read', async t => {
  const files = {
    'cert.pem': await tls('server.pem'),
    'key.pem': await tls('server.key'),
    'ca.pem': await tls('ca.pem'),
  }
  const listen = [{ port: 1, tls: { cert: 'cert.pem', key: 'key.pem', clientCa: 'ca.pem' } }]
  const upstreams = { main: { ...CONFIG.upstreams.main, ca: 'ca.pem' } }
  const { config } = await load(await folderFor(t, { ...CONFIG, listen, upstreams }, files))
  t.strictSame(config.listen, [
    {
      kind: 'tcp',
      host: '127.0.0.1',
      port: 1,
      tls: { cert: files['cert.pem'], key: files['key.pem'], clientCa: files['ca.pem'] },
    },
  ])
  t.equal(config.upstreams.get('main')?.ca, files['ca.pem'])
})

t.test('a private key that is not that of the certificate', async t => {
  const files = { 'cert.pem': await tls('server.pem'), 'key.pem': await tls('client.key') }
  const listen = [{ port: 1, tls: { cert: 'cert.pem', key: 'key.pem' } }]
  const folder = await folderFor(t, { ...CONFIG, listen }, files)
  t.match(await faultsOf(folder), [/listen\[0\]\.tls\.key: is not the key of the certificate\./])
})

t.test('certificate and key in each other’s place', async t => {
  const files = { 'cert.pem': await tls('server.pem'), 'key.pem': await tls('server.key') }
  const listen = [{ port: 1, tls: { cert: 'key.pem', key: 'cert.pem', clientCa: 'key.pem' } }]
  const faults = await faultsOf(await folderFor(t, { ...CONFIG, listen }, files))
  t.match(faults, [
    /tls\.cert: names a file without a PEM certificate/,
    /tls\.key: names a file without a PEM private key/,
    /tls\.clientCa: names a file without a PEM certificate/,
  ])
})

t.test('only a ConfigError comes out', async t => {
  const folder = await folderFor(t, 'nothing right')
  await t.rejects(loadConfig(join(folder, 'config.yaml'), {}), { name: 'ConfigError' })
})
