import { chmod, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { readKeyringFile } from '../../lib/keys/providers/file.ts'
import { keyOf } from '../config/fixture.ts'
import { AWS, startSecrets } from '../keys/aws-server.ts'
import { startVault } from '../keys/vault-server.ts'
import { command, ENV, workFolder } from './fixture.ts'

const env = { ...ENV, APP_KEYRING: keyOf(5) }

const ROTATE = ['keys', 'rotate', '--keyring', 'main']

t.test('a file gets a fresh version on top, and stays as it was else', async t => {
  const folder = await workFolder(t)
  const file = join(folder, 'keys/main.yaml')
  const { code, out } = await command(folder, ROTATE, env)
  t.equal(code, 0)
  t.match(out, 'rotated: main/v3 encrypts within five seconds')
  const versions = await readKeyringFile(file, 'owner')
  t.strictSame(
    versions.map(({ id, createdAt, derive }) => [id, createdAt?.toISOString(), derive]),
    [
      ['v3', '2026-11-21T05:48:13.000Z', undefined],
      ['v2', undefined, undefined],
      ['v1', undefined, undefined],
    ],
  )
  const keys = versions.map(({ master }) => master.expose().toString('base64'))
  t.strictSame(keys.slice(1), [keyOf(2), keyOf(1)])
  t.notMatch(out, keys[0] ?? '')
  t.equal((await stat(file)).mode & 0o777, 0o600)
  t.strictSame(await readdir(join(folder, 'keys')), ['main.yaml'])
})

t.test('a new version may say how its keys are made, and those after it say the same', async t => {
  const folder = await workFolder(t)
  await command(folder, [...ROTATE, '--derive', 'object'], env)
  await command(folder, ROTATE, env)
  const versions = await readKeyringFile(join(folder, 'keys/main.yaml'), 'owner')
  t.strictSame(
    versions.map(({ id, derive }) => [id, derive]),
    [
      ['v4', 'object'],
      ['v3', 'object'],
      ['v2', undefined],
      ['v1', undefined],
    ],
  )
  const { code, err } = await command(folder, [...ROTATE, '--derive', 'key'], env)
  t.strictSame([code, err], [1, '--derive must be one of none, bucket, object.\n'])
})

t.test('a link stays a link, to a file that is as open as it was', async t => {
  const folder = await workFolder(t)
  const [file, kept] = [join(folder, 'keys/main.yaml'), join(folder, 'kept.yaml')]
  await writeFile(kept, await readFile(file, 'utf8'))
  await chmod(kept, 0o400)
  await rm(file)
  await symlink(kept, file)
  t.equal((await command(folder, ROTATE, env)).code, 0)
  t.equal((await stat(kept)).mode & 0o777, 0o400)
  t.match(await readFile(kept, 'utf8'), /id: v3/)
})

t.test('two at once do not lose a version', async t => {
  const folder = await workFolder(t)
  const outcomes = await Promise.all([1, 2, 3].map(() => command(folder, ROTATE, env)))
  const versions = await readKeyringFile(join(folder, 'keys/main.yaml'), 'owner')
  t.equal(versions.length, 2 + outcomes.filter(({ code }) => code === 0).length)
  for (const { code, err } of outcomes) {
    if (code !== 0) t.match(err, /Another rotation of this keyring is under way/)
  }
})

t.test('what others write is left to them', async t => {
  const folder = await workFolder(t)
  const { code, err } = await command(folder, ['keys', 'rotate', '--keyring', 'backup'], env)
  t.equal(code, 2)
  t.match(err, 'A keyring of provider env is written by others.')
  const unnamed = await command(folder, ['keys', 'rotate'], env)
  t.strictSame(
    [unnamed.code, unnamed.err],
    [1, 'Name a keyring with --keyring. There are: main, backup.\n'],
  )
})

t.test('a secret of a vault gets the next version', async t => {
  const vault = await startVault(t, keyOf(1))
  const folder = t.testdir({})
  await writeFile(
    join(folder, 'ssec-proxy.yaml'),
    `
upstreams: { main: { provider: aws, endpoint: 'https://s3.eu-central-1.amazonaws.com', credentials: { env: MAIN } } }
clients: [{ name: app, trusted: loopback, upstream: main }]
keyrings:
  main:
    provider: vault
    address: ${vault.address}
    path: ssec/main
    auth: { token: { insecureLiteral: root } }
rules: [{ name: all, encrypt: { keyring: main } }]
`,
  )
  const { code, out } = await command(folder, ['keys', 'rotate'])
  t.equal(code, 0)
  t.match(out, 'rotated: main/v2 encrypts in 300 s at the proxies that run')
  t.equal(vault.keys.length, 2)
  t.equal(Buffer.from(vault.keys[1] ?? '', 'base64').length, 32)
  t.match((await command(folder, ['keys', 'list'])).out, /main +v2 .*\nmain +v1 /)
})

t.test('a secret of AWS Secrets Manager gets a fresh version on top', async t => {
  const secrets = await startSecrets(t, keyOf(1))
  const folder = await workFolder(t)
  const main = {
    provider: 'awsSecretsManager',
    secretId: 'ssec/main',
    region: 'eu-central-1',
    endpoint: secrets.endpoint,
    credentials: { env: 'AWS' },
  }
  const file = join(folder, 'ssec-proxy.yaml')
  const config = JSON.parse(await readFile(file, 'utf8'))
  await writeFile(file, JSON.stringify({ ...config, keyrings: { ...config.keyrings, main } }))
  const { code, out, err } = await command(folder, [...ROTATE, '--derive', 'object'], {
    ...env,
    AWS_ACCESS_KEY_ID: AWS.accessKeyId,
    AWS_SECRET_ACCESS_KEY: AWS.secretAccessKey,
    AWS_SESSION_TOKEN: AWS.sessionToken,
  })
  t.equal(code, 0, err)
  t.match(out, 'rotated: main/v2 encrypts in 300 s')
  const { versions } = JSON.parse(secrets.values.get(secrets.labels.get('AWSCURRENT') ?? '') ?? '')
  t.match(versions, [
    { id: 'v2', createdAt: '2026-11-21T05:48:13.000Z', derive: 'object' },
    { id: 'v1', key: keyOf(1) },
  ])
  t.notMatch(out, versions[0].key)
})
