import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import t from 'tap'

/**
 * What each room may import besides itself. A room not listed may import nothing; `s3` is the vocabulary of all.
 * Types travel freely along the journey, so a room may name what comes before it, never what comes after.
 */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  s3: [],
  yaml: [],
  sigv4: ['s3'],
  sigv2: ['s3'],
  form: ['s3'],
  authenticate: ['s3', 'sigv2', 'sigv4', 'form', 'dialect'],
  policy: ['s3', 'authenticate'],
  keys: ['s3', 'policy', 'sigv4', 'yaml'],
  credentials: ['s3'],
  body: ['s3'],
  dialect: ['s3', 'body', 'transport'],
  sign: ['s3', 'sigv4', 'sigv2', 'dialect', 'transport'],
  http1: [],
  transport: ['s3', 'body', 'sign', 'dialect', 'http1'],
  ssec: ['s3', 'body', 'keys', 'policy', 'dialect', 'response'],
  response: ['s3', 'dialect', 'form', 'keys', 'ssec', 'transport'],
  amend: ['s3', 'copy', 'dialect', 'response', 'ssec'],
  copy: ['s3', 'authenticate', 'body', 'dialect', 'keys', 'response', 'ssec'],
  walk: ['s3', 'body', 'dialect', 'response', 'exchange'],
  audit: ['s3', 'dialect', 'keys', 'policy', 'ssec', 'walk'],
  shards: ['s3', 'audit', 'body', 'keys', 'policy', 'ssec', 'walk'],
  rekey: [
    's3',
    'audit',
    'authenticate',
    'body',
    'copy',
    'dialect',
    'keys',
    'policy',
    'ssec',
    'walk',
  ],
  doctor: ['s3', 'body', 'dialect', 'exchange', 'keys', 'response', 'ssec', 'transport'],
  listener: ['s3', 'dialect', 'config', 'observe', 'proxy', 'http1'],
  workers: ['observe'],
  observe: ['s3', 'config'],
  config: ['s3', 'authenticate', 'credentials', 'policy', 'transport', 'keys', 'dialect', 'yaml'],
  b2: ['s3', 'authenticate', 'body', 'dialect', 'keys', 'policy', 'response', 'sign', 'transport'],
  'b2-upstream': ['s3', 'b2', 'body', 'dialect', 'response', 'sign', 'transport'],
  b2front: ['s3', 'authenticate', 'b2', 'dialect', 'response', 'transport'],
  embedded: ['s3'],
  negotiate: ['s3', 'authenticate'],
  preflight: ['s3', 'authenticate', 'body', 'exchange'],
  version: [],
  proxy: ['s3', 'form', 'authenticate', 'policy', 'keys', 'ssec'],
}

/** Where everything is put together. */
const KNOW_EVERYTHING = [
  'compose',
  'compose-b2',
  'exchange',
  'serving',
  'operators',
  'index',
  'commands',
]

const lib = join(import.meta.dirname, '..', 'lib')
const files = readdirSync(lib, { recursive: true, encoding: 'utf8' }).filter(file =>
  file.endsWith('.ts'),
)

const roomOf = (file: string): string => (file.split('/')[0] ?? '').replace(/\.ts$/, '')
const importsOf = (file: string): readonly string[] =>
  [...readFileSync(join(lib, file), 'utf8').matchAll(/from '(\.[^']+)'/g)].map(([, path]) =>
    relative(lib, join(lib, dirname(file), path ?? '')),
  )

t.test('a room imports only what the table allows', async t => {
  for (const file of files) {
    const room = roomOf(file)
    if (KNOW_EVERYTHING.includes(room)) continue
    const allowed = [room, ...(MAY_IMPORT[room] ?? [])]
    for (const path of importsOf(file)) {
      t.ok(allowed.includes(roomOf(path)), `${file} imports ${path}`)
    }
  }
})

t.test('a secret is exposed only where it must be', async t => {
  const exposing = files
    .filter(file => /\.expose\(\)/.test(readFileSync(join(lib, file), 'utf8')))
    .sort()
  t.strictSame(exposing, [
    'b2/account.ts',
    'b2/encryption.ts',
    'b2/session.ts',
    'b2/upstream.ts',
    'commands/keys-show.ts',
    'commands/keys.ts',
    'commands/quickstart.ts',
    'keys/held.ts',
    'keys/keyring.ts',
    'keys/providers/aws/call.ts',
    'keys/providers/file.ts',
    'keys/providers/vault/session.ts',
    'keys/rotate.ts',
    'keys/wrap.ts',
    'response/scrub.ts',
    'sign/cos.ts',
    'sign/sign.ts',
    'sigv2/string-to-sign.ts',
    'sigv4/signature.ts',
    'ssec/headers.ts',
  ])
})

t.test('no file reads the environment or the clock behind the back of its caller', async t => {
  const edges = ['commands', 'serving', 'operators']
  for (const file of files.filter(file => !edges.includes(roomOf(file)))) {
    const text = readFileSync(join(lib, file), 'utf8')
    t.notMatch(text, /process\.env\b/, `${file} reads the environment`)
    if (roomOf(file) !== 'embedded')
      t.notMatch(text, /Date\.now\(\)|new Date\(\)/, `${file} reads the clock`)
  }
})

t.test('no file is longer than a person reads at once', async t => {
  for (const file of files) {
    const lines = readFileSync(join(lib, file), 'utf8').split('\n').length
    t.ok(lines <= 320, `${file} has ${lines} lines`)
  }
})
