import { readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { loadKeyring } from '../../lib/keys/providers/load.ts'
import { readWrappedFile } from '../../lib/keys/providers/wrapped-file.ts'
import { CONFIG, folderFor, keyOf, load } from '../config/fixture.ts'
import { AWS, type AwsServer, startKms } from '../keys/aws-server.ts'
import { command, ENV } from './fixture.ts'

const env = {
  ...ENV,
  KMS_ACCESS_KEY_ID: AWS.accessKeyId,
  KMS_SECRET_ACCESS_KEY: AWS.secretAccessKey,
  KMS_SESSION_TOKEN: AWS.sessionToken,
}

const folderWith = (t: Test, { endpoint }: AwsServer): Promise<string> => {
  const main = {
    provider: 'awsKms',
    path: 'keys/wrapped.yaml',
    keyId: 'one',
    region: 'eu-central-1',
    endpoint,
    credentials: { env: 'KMS' },
    timeout: '500ms',
  }
  const text = JSON.stringify({ ...CONFIG, keyrings: { main } })
  return folderFor(t, text, { 'ssec-proxy.yaml': text })
}

const md5sOf = async (folder: string): Promise<readonly (string | undefined)[]> => {
  const { out } = await command(folder, ['keys', 'list'], env)
  return out
    .split('\n')
    .slice(1, -1)
    .map(line => line.split(/ +/)[3])
}

t.test('a first key is made and wrapped by KMS, and then rotated', async t => {
  const kms = await startKms(t)
  const folder = await folderWith(t, kms)
  const missing = await command(folder, ['check'], env)
  t.match(missing, { code: 1, err: /keyrings\.main\.path: names a keyring that does not exist/ })
  const made = await command(folder, ['keys', 'generate', '--keyring', 'main'], env)
  t.match(made, { code: 0, out: /^created: keys\/wrapped.yaml\n/ })
  t.equal((await command(folder, ['check'], env)).code, 0)
  const rotated = await command(folder, ['keys', 'rotate', '--derive', 'object'], env)
  t.match(rotated, { code: 0, out: /^rotated: main\/v2 encrypts in 300 s / })
  const versions = await readWrappedFile(join(folder, 'keys/wrapped.yaml'))
  t.strictSame(
    versions.map(({ id, createdAt, derive }) => [id, createdAt?.toISOString(), derive]),
    [
      ['v2', '2026-11-21T05:48:13.000Z', 'object'],
      ['v1', '2026-11-21T05:48:13.000Z', undefined],
    ],
  )
  t.notOk(
    kms.calls.some(({ target }) => target.endsWith('.Decrypt')),
    'whoever rotates needs no right to decrypt',
  )
  t.equal(new Set(await md5sOf(folder)).size, 2)
  const [v2, v1] = kms.calls.filter(({ target }) => target.endsWith('.Decrypt'))
  t.match(v2?.fields['EncryptionContext'], { 'ssec-proxy:version': 'v2' })
  t.match(v1?.fields['EncryptionContext'], { 'ssec-proxy:version': 'v1' })
})

t.test('no file is replaced, and nothing is written when KMS refuses', async t => {
  const kms = await startKms(t)
  const folder = await folderWith(t, kms)
  const generate = ['keys', 'generate', '--keyring', 'main']
  kms.errors.push('AccessDeniedException')
  const denied = await command(folder, generate, env)
  t.match(denied, { code: 2, err: /AccessDeniedException to GenerateDataKeyWithoutPlaintext/ })
  await t.rejects(stat(join(folder, 'keys/wrapped.yaml')), { code: 'ENOENT' })
  await command(folder, generate, env)
  const before = await readFile(join(folder, 'keys/wrapped.yaml'), 'utf8')
  const again = await command(folder, generate, env)
  t.match(again, { code: 1, err: /keys\/wrapped.yaml is there already/ })
  kms.errors.push('AccessDeniedException')
  t.equal((await command(folder, ['keys', 'rotate'], env)).code, 2)
  t.equal(await readFile(join(folder, 'keys/wrapped.yaml'), 'utf8'), before)
})

t.test('two rotations at once do not lose a version', async t => {
  const folder = await folderWith(t, await startKms(t))
  await command(folder, ['keys', 'generate', '--keyring', 'main'], env)
  const outcomes = await Promise.all([1, 2, 3].map(() => command(folder, ['keys', 'rotate'], env)))
  const versions = await readWrappedFile(join(folder, 'keys/wrapped.yaml'))
  t.equal(versions.length, 1 + outcomes.filter(({ code }) => code === 0).length)
  for (const { code, err } of outcomes) {
    if (code !== 0) t.match(err, /Another rotation of this keyring is under way/)
  }
})

t.test('the keys of a file are wrapped, and stay what they are', async t => {
  const folder = await folderWith(t, await startKms(t))
  const done = await command(folder, ['keys', 'import', '--keyring', 'main', 'keys/main.yaml'], env)
  t.match(done, { code: 0, out: /^created: keys\/wrapped.yaml/ })
  t.notMatch(await readFile(join(folder, 'keys/wrapped.yaml'), 'utf8'), keyOf(2))
  const { config } = await load(folder, env)
  const source = config.keyrings.get('main')
  if (source === undefined) throw new Error('no keyring')
  const { versions } = await loadKeyring('main', source, env, () => new Date())
  t.strictSame(
    versions.map(({ id, master }) => [id, master.expose().toString('base64')]),
    [
      ['v2', keyOf(2)],
      ['v1', keyOf(1)],
    ],
  )
})

t.test('a keyring that nobody wraps, and options that say nothing', async t => {
  const folder = await folderWith(t, await startKms(t))
  await writeFile(join(folder, 'ssec-proxy.yaml'), JSON.stringify(CONFIG))
  const plain = await command(folder, ['keys', 'generate', '--keyring', 'main'], env)
  t.match(plain, { code: 1, err: /no keyring of that name whose keys are wrapped/ })
  const both = await command(folder, ['keys', 'generate', '--keyring', 'main', '--bare'], env)
  t.match(both, { code: 1, err: /--out and --bare say nothing/ })
})
