import { chmod, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { generateSecretAccessKey, generateVersion } from '../../lib/keys/generate.ts'
import type { Keyring } from '../../lib/keys/keyring.ts'
import { writeKeyringFile } from '../../lib/keys/providers/file.ts'
import { type KeyringSource, loadKeyring } from '../../lib/keys/providers/load.ts'
import { ConfigError } from '../../lib/yaml/fault.ts'

const keyOf = (n: number): string => Buffer.alloc(32, n).toString('base64')
const KEYS = { kind: 'env', variable: 'KEYS', derive: 'none' } as const

const versionsOf = ({ versions }: Keyring) =>
  versions.map(({ id, createdAt, master }) => [id, createdAt, master.expose().toString('base64')])

const loadText = (text: string): Promise<Keyring> =>
  loadKeyring('main', KEYS, { KEYS: text }, () => new Date())

const faultsOf = async (source: KeyringSource, env: NodeJS.ProcessEnv): Promise<string> => {
  try {
    await loadKeyring('main', source, env, () => new Date())
    return ''
  } catch (error) {
    if (error instanceof ConfigError) return error.message
    throw error
  }
}

t.test('a keyring document gives its versions in order', async t => {
  const text = `versions:
  - { id: v2, key: ${keyOf(2)}, createdAt: 2026-11-21T05:48:13Z }
  - { id: v1, key: ${keyOf(1)}, createdAt: 2026-01-02 }
  - { id: old_1-A, key: "${keyOf(0)}" }
`
  const keyring = await loadText(text)
  t.equal(keyring.name, 'main')
  t.strictSame(versionsOf(keyring), [
    ['v2', new Date('2026-11-21T05:48:13Z'), keyOf(2)],
    ['v1', new Date('2026-01-02'), keyOf(1)],
    ['old_1-A', undefined, keyOf(0)],
  ])
})

t.test('a bare key in the environment is version v1', async t => {
  t.strictSame(versionsOf(await loadText(`${keyOf(7)}\n`)), [['v1', undefined, keyOf(7)]])
})

const FAULTS: readonly (readonly [what: string, text: string, expected: string])[] = [
  ['nothing', ' \n', '$KEYS: is not set in the environment. Set it, or correct the name.'],
  ['a short bare key', 'AAAA', '$KEYS: is base64 of 3 bytes. It must be of 32.'],
  [
    'a bare key in hex',
    'ab'.repeat(32),
    '$KEYS: is base64 of 48 bytes. It must be of 32. It looks like hex: write the same bytes in base64.',
  ],
  [
    'a bare key in base64url',
    Buffer.alloc(32, 255).toString('base64url'),
    '$KEYS: is not base64. Write the base64 of 32 bytes.',
  ],
  ['no version', 'versions: []', '$KEYS:1:1 versions: must not be empty.'],
  [
    'no versions',
    'version: []',
    "$KEYS:1:1 versions: is missing. The keys, newest first: the newest encrypts, all decrypt.\n$KEYS:1:1: has an option 'version' that is unknown. Did you mean versions?",
  ],
  [
    'an id with a dot',
    `versions: [{ id: v.1, key: ${keyOf(1)} }]`,
    '$KEYS:1:14 versions[0].id: must be 1 to 32 letters, digits, hyphens and underscores.',
  ],
  [
    'an id that is a number',
    `versions: [{ id: 1, key: ${keyOf(1)} }]`,
    '$KEYS:1:14 versions[0].id: must be a text. Put it in quotes. Name of the version',
  ],
  [
    'no key',
    'versions: [{ id: v1 }]',
    '$KEYS:1:12 versions[0].key: must be a text: the base64 of 32 bytes.',
  ],
  [
    'a key without padding',
    `versions: [{ id: v1, key: ${keyOf(1).replace('=', '')} }]`,
    '$KEYS:1:22 versions[0].key: is not base64. Write the base64 of 32 bytes.',
  ],
  [
    'a date that is none',
    `versions: [{ id: v1, key: ${keyOf(1)}, createdAt: 2026-13-01 }]`,
    '$KEYS:1:73 versions[0].createdAt: must be a date such as 2026-11-21',
  ],
  [
    'an id twice',
    `versions: [{ id: v1, key: ${keyOf(1)} }, { id: v1, key: ${keyOf(2)} }]`,
    '$KEYS:1:77 versions[1].id: is the id of a version above, too. Give each its own.',
  ],
  [
    'a key twice',
    `versions: [{ id: v1, key: ${keyOf(1)} }, { id: v2, key: ${keyOf(1)} }]`,
    '$KEYS:1:85 versions[1].key: is the key of a version above, too. Give each its own.',
  ],
]

t.test('a faulty keyring says what is wrong, and never a key', async t => {
  for (const [what, text, expected] of FAULTS) {
    const faults = await faultsOf(KEYS, { KEYS: text })
    t.ok(faults.startsWith(expected), `${what}: ${faults}`)
    t.notMatch(faults, /[A-Za-z0-9+/]{20}/, what)
  }
})

t.test('a variable that is not set', async t => {
  t.equal(
    await faultsOf(KEYS, {}),
    '$KEYS: is not set in the environment. Set it, or correct the name.',
  )
})

t.test('what is written is what is read', async t => {
  const file = join(t.testdir({}), 'deep/keys.yaml')
  const versions = [
    generateVersion('null', new Date('2026-11-21T05:48:13Z')),
    generateVersion('1', undefined),
  ]
  await writeKeyringFile(file, versions)
  const keyring = await loadKeyring(
    'main',
    { kind: 'file', path: file, readableFor: 'owner', derive: 'none' },
    {},
    () => new Date(),
  )
  t.strictSame(versionsOf(keyring), versionsOf({ ...keyring, versions }))
  t.equal((await stat(file)).mode & 0o777, 0o600)
  t.match(await readFile(file, 'utf8'), /Keep a copy in a safe place/)
})

t.test('a keyring file is never replaced, and nothing is left beside it', async t => {
  const folder = t.testdir({ 'keys.yaml': 'precious' })
  const file = join(folder, 'keys.yaml')
  await t.rejects(writeKeyringFile(file, [generateVersion('v1', undefined)]), { code: 'EEXIST' })
  t.equal(await readFile(file, 'utf8'), 'precious')
  t.strictSame(await readdir(folder), ['keys.yaml'])
})

t.test('a keyring file that is not there, or open to others', async t => {
  const folder = t.testdir({})
  const file = join(folder, 'keys.yaml')
  const source = { kind: 'file', path: file, readableFor: 'owner', derive: 'none' } as const
  t.equal(await faultsOf(source, {}), `${file}: does not exist. Create it, or correct the path.`)
  await writeFile(file, `versions: [{ id: v1, key: ${keyOf(1)} }]`)
  for (const mode of [0o640, 0o604, 0o610, 0o602]) {
    await chmod(file, mode)
    t.match(
      await faultsOf(source, {}),
      `is open to others (mode 0${mode.toString(8)}). Run: chmod 600 ${file}`,
    )
  }
  await chmod(file, 0o400)
  t.equal(await faultsOf(source, {}), '')
})

t.test('a keyring file may be readable for its group where the configuration says so', async t => {
  const folder = t.testdir({ 'keys.yaml': `versions: [{ id: v1, key: ${keyOf(1)} }]` })
  const file = join(folder, 'keys.yaml')
  const source = { kind: 'file', path: file, readableFor: 'group', derive: 'none' } as const
  await chmod(file, 0o440)
  t.equal(await faultsOf(source, {}), '')
  for (const mode of [0o644, 0o620, 0o650]) {
    await chmod(file, mode)
    t.match(await faultsOf(source, {}), `Run: chmod 640 ${file}`)
  }
})

t.test('what is generated is random and of the right size', async t => {
  const masters = [1, 2].map(() => generateVersion('v1', undefined).master.expose())
  t.strictSame(
    masters.map(({ length }) => length),
    [32, 32],
  )
  t.notSame(masters[0], masters[1])
  t.match(generateSecretAccessKey(), /^[\w-]{40}$/)
  t.not(generateSecretAccessKey(), generateSecretAccessKey())
})
