import { createHash } from 'node:crypto'
import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { loadKeyring } from '../../lib/keys/providers/load.ts'
import { keyOf } from '../config/fixture.ts'
import { command, ENV, workFolder } from './fixture.ts'

const env = { ...ENV, APP_KEYRING: keyOf(5) }
const md5Of = (n: number): string => createHash('md5').update(Buffer.alloc(32, n)).digest('base64')
const WARNING = 'What follows is secret: whoever has it can read what it encrypts.\n'

t.test('generate --out writes a keyring file, once', async t => {
  const folder = t.testdir({})
  const words = ['keys', 'generate', '--out', 'keys/new.yaml']
  const { code, out } = await command(folder, words)
  t.equal(code, 0)
  t.match(out, 'created: keys/new.yaml\nKeep a copy in a safe place')
  const path = join(folder, 'keys/new.yaml')
  t.equal((await stat(path)).mode & 0o777, 0o600)
  const { versions } = await loadKeyring(
    'new',
    { kind: 'file', path, readableFor: 'owner', derive: 'none' },
    {},
    () => new Date(),
  )
  t.strictSame(
    versions.map(({ id, createdAt }) => [id, createdAt]),
    [['v1', new Date('2026-11-21T05:48:13Z')]],
  )
  const before = await readFile(path, 'utf8')
  const again = await command(folder, words)
  t.equal(again.code, 1)
  t.match(again.err, 'keys/new.yaml is there already')
  t.equal(await readFile(path, 'utf8'), before)
})

t.test('generate that cannot write is a failure', async t => {
  const folder = t.testdir({ file: '' })
  t.equal((await command(folder, ['keys', 'generate', '--out', 'file/a/b'])).code, 2)
})

t.test('generate prints a document, or with --bare a key, and warns beside it', async t => {
  const document = await command('/', ['keys', 'generate'])
  t.equal(document.err, WARNING)
  const keyring = await loadKeyring(
    'k',
    { kind: 'env', variable: 'K', derive: 'none' },
    { K: document.out },
    () => new Date(),
  )
  t.equal(keyring.versions.length, 1)
  const bare = await command('/', ['keys', 'generate', '--bare'])
  t.equal(bare.err, WARNING)
  t.equal(Buffer.from(bare.out.trim(), 'base64').length, 32)
})

t.test('generate does one of two things', async t => {
  const { code, err } = await command('/', ['keys', 'generate', '--bare', '--out', 'x'])
  t.equal(code, 1)
  t.match(err, 'Give one of them.')
})

t.test('list shows the versions, and never a key', async t => {
  const folder = await workFolder(t)
  const { code, out } = await command(folder, ['keys', 'list'], env)
  t.equal(code, 0)
  t.equal(
    out,
    `KEYRING  VERSION  CREATED  KEY MD5
main     v2       -        ${md5Of(2)}
main     v1       -        ${md5Of(1)}
backup   v1       -        ${md5Of(5)}
`,
  )
})

t.test('list may show one keyring', async t => {
  const folder = await workFolder(t)
  const { out } = await command(folder, ['keys', 'list', '--keyring', 'backup'], env)
  t.match(out, /^KEYRING.*\nbackup .*\n$/)
  const { code, err } = await command(folder, ['keys', 'list', '--keyring', 'bakup'], env)
  t.equal(code, 1)
  t.equal(err, 'The configuration has no keyring of that name. It has: main, backup.\n')
})

t.test('show prints the newest key of an object, and a line to read it with', async t => {
  const folder = await workFolder(t)
  const url = "s3://photos/it's a cat?.jpg"
  const { code, out, err } = await command(folder, ['keys', 'show', url, '--client', 'app'], env)
  t.equal(code, 0)
  t.equal(err, WARNING)
  t.equal(
    out,
    `version  main/v2
key      ${keyOf(2)}
key MD5  ${md5Of(2)}

With the provider's own credentials:

aws s3api get-object \\
  --endpoint-url https://s3.eu-central-1.amazonaws.com --region eu-central-1 \\
  --bucket photos --key 'it'\\''s a cat?.jpg' \\
  --sse-customer-algorithm AES256 \\
  --sse-customer-key ${keyOf(2)} --sse-customer-key-md5 ${md5Of(2)} \\
  object.bin
`,
  )
})

t.test('show takes an older version', async t => {
  const folder = await workFolder(t)
  const words = ['keys', 'show', 's3://photos/cat.jpg', '--client', 'app', '--version']
  t.match((await command(folder, [...words, 'v1'], env)).out, keyOf(1))
  const { code, out, err } = await command(folder, [...words, 'v3'], env)
  t.strictSame([code, out], [1, ''])
  t.equal(err, 'Keyring main has no version of that id. It has: v2, v1.\n')
})

t.test('show needs a client only where the rules differ by client', async t => {
  const folder = await workFolder(t)
  const show = (url: string) => command(folder, ['keys', 'show', url], env)
  t.match(
    (await show('s3://photos/cat.jpg')).err,
    'several keyrings there: main, backup. Name a client',
  )
  t.equal((await show('s3://assets-1/logo.png')).err, 'No rule encrypts this object.\n')
  const { err } = await command(folder, ['keys', 'show', 's3://a/b', '--client', 'x'], env)
  t.equal(err, 'The configuration has no client of that name. It has: app, backup.\n')
})

t.test('show wants an object', async t => {
  for (const url of ['s3://photos', 's3://photos/', 'photos/cat.jpg', 's3:///cat.jpg', 's3://']) {
    const { code, err } = await command('/', ['keys', 'show', url], env)
    t.equal(code, 1, url)
    t.match(err, 'Write s3://bucket/key')
  }
})
