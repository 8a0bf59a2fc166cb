import { chmod, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { readKeyringFile } from '../../lib/keys/providers/file.ts'
import { restore, retire } from '../../lib/keys/retire.ts'
import { Secret } from '../../lib/s3/secret.ts'
import { startVault } from '../keys/vault-server.ts'
import { BUCKET, keyText, startBulkStage } from '../support/bulk.ts'

const RETIRE = ['keys', 'retire', 'v1', `s3://${BUCKET}`, '--keyring', 'main']
const RESTORE = ['keys', 'restore', 'v1', '--keyring', 'main']

const idsIn = async (file: string): Promise<readonly string[]> =>
  (await readKeyringFile(file, 'owner')).map(({ id }) => id)

t.test('a version is retired when no object has it, and comes back', async t => {
  const stage = await startBulkStage(t)
  const file = join(stage.folder, 'keyring.yaml')
  await stage.store('old', 'old', 'v1')
  await stage.store('new', 'new', 'v2')
  const refused = await stage.run(...RETIRE)
  t.equal(refused.code, 3)
  t.match(refused.out, /data\s+main\/v1\s+1/)
  t.match(refused.err, /Not retired: main\/v1 may still be needed/)
  t.strictSame(await idsIn(file), ['v2', 'v1'])

  await stage.run('rekey', `s3://${BUCKET}`)
  const retired = await stage.run(...RETIRE)
  t.equal(retired.code, 0, retired.err)
  t.match(retired.out, /retired: main\/v1 is out of use, and kept: .*keyring\.yaml\.retired/)
  t.notMatch(retired.out, keyText('v1'))
  t.strictSame(await idsIn(file), ['v2'])
  t.equal((await stat(`${file}.retired`)).mode & 0o777, 0o600)
  const [kept] = await readKeyringFile(`${file}.retired`, 'owner')
  t.equal(kept?.master.expose().toString('base64'), keyText('v1'))

  t.equal((await stage.run('keys', 'rotate')).code, 0)
  t.strictSame(await idsIn(file), ['v3', 'v2'])
  t.match((await stage.run(...RESTORE)).out, 'restored: main/v1 decrypts again')
  t.strictSame(await idsIn(file), ['v3', 'v2', 'v1'])
  t.strictSame(
    (await readdir(stage.folder)).filter(name => name.startsWith('keyring')),
    ['keyring.yaml'],
  )
  t.match((await stage.run(...RESTORE)).err, /The keyring has no version v1/)
})

t.test('the id of a retired version is not given again', async t => {
  const stage = await startBulkStage(t)
  const file = join(stage.folder, 'keyring.yaml')
  stage.writeKeyring('v1', 'v2')
  const words = ['keys', 'retire', 'v2', `s3://${BUCKET}`]
  t.equal((await stage.run(...words)).code, 0)
  await stage.run('keys', 'rotate')
  t.strictSame(await idsIn(file), ['v3', 'v1'])
})

t.test('what cannot be told apart from the version stands against it', async t => {
  const stage = await startBulkStage(t)
  await stage.store('foreign', 'foreign', 'another key')
  const { code, out } = await stage.run(...RETIRE)
  t.equal(code, 3)
  t.match(out, /data\s+unreadable\s+1/)
})

t.test('the version that encrypts stays, and so does the one before a moment ago', async t => {
  const stage = await startBulkStage(t)
  const newest = await stage.run('keys', 'retire', 'v2', `s3://${BUCKET}`)
  t.equal(newest.code, 2)
  t.match(newest.err, /Version v2 encrypts, or did a moment ago\. Rotate first/)
  await stage.run('keys', 'rotate')
  t.match((await stage.run('keys', 'retire', 'v2', `s3://${BUCKET}`)).err, /did a moment ago/)
  t.match((await stage.run('keys', 'retire', 'v9', `s3://${BUCKET}`)).err, /has no version v9/)
})

t.test('every bucket that the rules name must be looked at', async t => {
  const encrypt = { keyring: 'main' }
  const rules = [
    { name: 'one', buckets: [BUCKET], encrypt },
    { name: 'logs', buckets: ['logs-*'], encrypt },
  ]
  const stage = await startBulkStage(t, { rules })
  const { code, err } = await stage.run(...RETIRE)
  t.equal(code, 1)
  t.match(err, /Rule 'logs' encrypts logs-\* with main\. Name every bucket/)
  t.match((await stage.run('keys', 'retire', 'v1', `s3://${BUCKET}/part/`)).err, /Rule 'one'/)
})

t.test('a crash between the two files loses nothing', async t => {
  const stage = await startBulkStage(t)
  const file = join(stage.folder, 'keyring.yaml')
  const before = await readFile(file, 'utf8')
  await stage.run(...RETIRE)
  await writeFile(file, before)
  await chmod(file, 0o600)
  t.equal((await stage.run(...RETIRE)).code, 0, 'again, with the key kept already')
  t.strictSame(await idsIn(`${file}.retired`), ['v1'])
  await writeFile(file, before)
  t.equal((await stage.run(...RESTORE)).code, 0)
  t.strictSame(await idsIn(file), ['v2', 'v1'])
})

t.test('a vault deletes the version, and destroys nothing', async t => {
  const keyOf = (n: number): string => Buffer.alloc(32, n).toString('base64')
  const vault = await startVault(t, keyOf(1), keyOf(2))
  const source = {
    kind: 'vault',
    connection: {
      address: vault.address,
      namespace: undefined,
      ca: undefined,
      timeout: 2000,
      auth: { kind: 'token', token: new Secret('root') },
    },
    mount: 'secret',
    path: 'ssec/main',
    refresh: { ttl: 1000, grace: 1000 },
    derive: 'none',
  } as const
  const around = { env: {}, now: () => new Date() }
  t.match(await retire(source, 'v1', around), 'deleted and not destroyed')
  t.ok(vault.calls.includes('POST /v1/secret/delete/ssec/main'))
  t.notOk(vault.calls.some(call => call.includes('destroy')))
  await t.rejects(retire(source, 'v1', around), { message: /has no version v1/ })
  await t.rejects(retire(source, 'v2', around), { message: /Version v2 encrypts/ })
  await restore(source, 'v1', around)
  t.match(await retire(source, 'v1', around), 'deleted')
  const env = { kind: 'env', variable: 'X', derive: 'none' } as const
  await t.rejects(retire(env, 'v1', around), { message: /provider env are not retired/ })
  await t.rejects(restore(env, 'v1', around), { message: /provider env are not retired/ })
})
