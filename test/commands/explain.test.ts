import { createHash } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { keyOf } from '../config/fixture.ts'
import { command, ENV, workFolder } from './fixture.ts'

const env = { ...ENV, APP_KEYRING: keyOf(5) }
const md5Of = (n: number): string => createHash('md5').update(Buffer.alloc(32, n)).digest('base64')

type Case = readonly [words: readonly string[], expected: string]

const HEAD = `client     app
upstream   main (aws, https://s3.eu-central-1.amazonaws.com)
`
const named = (prefix: string, n: number): string => `\
header     ${prefix}-customer-algorithm: AES256
header     ${prefix}-customer-key: [secret]
header     ${prefix}-customer-key-md5: ${md5Of(n)}
`
const OBJECT = named('x-amz-server-side-encryption', 2)
const SOURCE = named('x-amz-copy-source-server-side-encryption', 2)
const V2 = `main/v2 (key MD5 ${md5Of(2)})`
const V1 = `main/v1 (key MD5 ${md5Of(1)})`
const DEFAULT = 'encrypt with keyring main (rule default)'

const CASES: readonly Case[] = [
  [
    ['PUT', 's3://photos/cat.jpg'],
    `operation  PutObject (write)
${HEAD}decision   ${DEFAULT}
${OBJECT}attempt    1. ${V2}
`,
  ],
  [
    ['get', 's3://photos/cat.jpg?versionId=3'],
    `operation  GetObject (read)
${HEAD}decision   ${DEFAULT}
${OBJECT}attempt    1. ${V2}
attempt    2. ${V1}
`,
  ],
  [
    ['GET', 's3://mixed/cat.jpg'],
    `operation  GetObject (read)
${HEAD}decision   encrypt with keyring main (rule old)
${OBJECT}attempt    1. ${V2}
attempt    2. ${V1}
attempt    3. no key
`,
  ],
  [
    ['PUT', 's3://photos/cat.jpg', '--header', 'X-Amz-Copy-Source: mixed/cat.jpg'],
    `operation  CopyObject (write)
${HEAD}decision   ${DEFAULT}
source     encrypt with keyring main (rule old)
${OBJECT}${SOURCE}attempt    1. source with ${V2}, object with ${V2}
attempt    2. source with ${V1}, object with ${V2}
attempt    3. source with no key, object with ${V2}
`,
  ],
  [
    ['PUT', 's3://photos/cat.jpg?partNumber=1&uploadId=x'],
    `operation  UploadPart (write)
${HEAD}decision   ${DEFAULT}
upload     the upload id says with which version, and only that one is tried
${OBJECT}attempt    1. ${V2}
`,
  ],
  [
    ['DELETE', 's3://archive/cat.jpg'],
    `operation  DeleteObject (delete)
${HEAD}decision   deny: Rule 'frozen' denies DeleteObject here.
`,
  ],
  [
    ['GET', 's3://assets-1/logo.png'],
    `operation  GetObject (read)
${HEAD}decision   pass through (rule public)
attempt    1. no key
`,
  ],
  [
    ['GET', 's3://photos?list-type=2&prefix=2026/'],
    `operation  ListObjectsV2 (list)
${HEAD}decision   ${DEFAULT}
attempt    1. no key
`,
  ],
  [
    ['GET', 's3://photos/what?now?'],
    `operation  GetObject (read)
${HEAD}decision   ${DEFAULT}
${OBJECT}attempt    1. ${V2}
attempt    2. ${V1}
`,
  ],
]

t.test('explain tells what would happen, without the key', async t => {
  const folder = await workFolder(t)
  for (const [words, expected] of CASES) {
    const { code, out, err } = await command(folder, ['explain', ...words, '--client', 'app'], env)
    t.strictSame([code, err], [0, ''])
    t.equal(out, expected, words.join(' '))
    t.notMatch(out, keyOf(2))
  }
})

t.test('a copy from where nothing may be read is denied', async t => {
  const folder = await workFolder(t)
  const words = ['explain', 'GET', 's3://', '--client', 'app']
  t.match((await command(folder, words, env)).out, 'operation  ListBuckets (list)')
  const header = ['--header', 'x-amz-copy-source: photos/cat.jpg']
  const copy = ['explain', 'PUT', 's3://archive/x', ...header, '--client', 'app']
  const { out } = await command(folder, copy, env)
  t.match(out, "decision   deny: Rule 'frozen' denies CopyObject here.")
  t.match(out, `source     ${DEFAULT}`)
  t.notMatch(out, 'attempt')
})

t.test('explain tells who carries a copy out', async t => {
  const folder = await workFolder(t)
  const file = join(folder, 'ssec-proxy.yaml')
  const text = await readFile(file, 'utf8')
  await writeFile(file, text.replace('"provider":"aws"', '"provider":"ceph"'))
  const header = ['--header', 'x-amz-copy-source: photos/cat.jpg', '--client', 'app']
  const copied = (url: string) => command(folder, ['explain', 'PUT', url, ...header], env)
  const part = await copied('s3://photos/d?partNumber=1&uploadId=x')
  t.match((await copied('s3://photos/dog.jpg')).out, /copy {7}read and written here/)
  t.match(part.out, /copy {7}by the provider where/)
})

const FAULTS: readonly Case[] = [
  [
    ['GET', 's3://photos/cat.jpg'],
    'There are several clients. Name one with --client: app, backup.\n',
  ],
  [
    ['GET', 's3://photos?foo', '--client', 'app'],
    "The query parameter 'foo' is not implemented by this proxy.\n",
  ],
  [
    ['PATCH', 's3://photos/x', '--client', 'app'],
    'The specified method is not allowed against this resource.\n',
  ],
  [
    ['GET', 'photos/x', '--client', 'app'],
    'The place is no s3:// URL. Write s3://bucket/key, s3://bucket or s3://.\n',
  ],
  [
    ['GET', 's3:///x', '--client', 'app'],
    'The URL has a key and no bucket. Write s3://bucket/key, s3://bucket or s3://.\n',
  ],
  [['GET', 's3://a b/x', '--client', 'app'], 'The specified bucket is not valid.\n'],
  [
    ['PUT', 's3://photos/x', '--header', 'nonsense', '--client', 'app'],
    "--header wants a name and a value: --header 'x-amz-copy-source: bucket/key'.\n",
  ],
]

t.test('what cannot be explained is a usage fault', async t => {
  const folder = await workFolder(t)
  for (const [words, expected] of FAULTS) {
    const { code, err } = await command(folder, ['explain', ...words], env)
    t.equal(code, 1)
    t.equal(err, expected)
  }
})
