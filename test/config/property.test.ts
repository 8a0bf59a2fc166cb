import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import fc from 'fast-check'
import t from 'tap'
import { stringify } from 'yaml'
import { readConfig } from '../../lib/config/load.ts'
import { ConfigError, faultText } from '../../lib/yaml/fault.ts'
import { CONFIG, type Data, ENV, folderFor, KEYRING } from './fixture.ts'

/** No name may look like this, so that it can only be a secret. */
const SECRET = 's3cr3t/+'

/** A secret that could as well be a name. */
const PLAIN_SECRET = 'Hunter2Hunter2'

/** Every option there is, somewhere. */
const FULL: Data = {
  ...CONFIG,
  quickstart: false,
  listen: [
    { host: '127.0.0.1', port: 9000, tls: { cert: 'a', key: 'b', clientCa: 'c' } },
    { socket: 's' },
  ],
  domains: ['s3.localhost'],
  limits: { headerBytes: '32KiB', connections: 5, headersTimeout: '30s', documentBytes: 1024 },
  log: { level: 'info' },
  transport: 'raw',
  upstreams: {
    ...CONFIG.upstreams,
    other: {
      provider: 'generic',
      endpoint: 'http://localhost',
      credentials: {
        accessKeyId: 'A',
        secretAccessKey: { insecureLiteral: SECRET },
        sessionToken: { file: 'f' },
      },
      addressing: 'path',
      etag: 'mark',
      copy: 'none',
      ca: 'ca.pem',
      insecure: true,
      connections: 7,
      timeouts: { connect: '1s', firstByte: '1s', idle: '1s' },
    },
    embedded: { provider: 'embedded', path: 'data', host: '127.0.0.1', port: 9001 },
  },
  clients: [
    ...CONFIG.clients,
    {
      name: 'b',
      trusted: { tlsSubject: 'x' },
      upstream: 'other',
      upstreamCredentials: { env: 'MAIN' },
    },
    { name: 'c', anonymous: true, upstream: 'main' },
    {
      name: 'd',
      accessKeyId: 'D',
      secretAccessKey: { insecureLiteral: SECRET },
      upstream: 'main',
      upstreamCredentials: 'same',
    },
  ],
  keyrings: { ...CONFIG.keyrings, env: { provider: 'env', variable: 'KEYS' } },
  rules: [
    ...CONFIG.rules,
    {
      name: 'x',
      clients: ['b'],
      prefixes: ['p'],
      operations: ['read'],
      passthrough: true,
      etag: 'mark',
    },
    { name: 'y', deny: true, plaintextReads: 'allow' },
  ],
}

type Path = readonly (string | number)[]

const pathsIn = (value: Data): Path[] => {
  if (typeof value !== 'object' || value === null) return [[]]
  const entries: (readonly [string | number, Data])[] = Array.isArray(value)
    ? [...value.entries()]
    : Object.entries(value)
  return [[], ...entries.flatMap(([step, each]) => pathsIn(each).map(path => [step, ...path]))]
}

const replaced = (value: Data, [step, ...rest]: Path, by: Data): Data => {
  if (step === undefined) return by
  if (Array.isArray(value))
    return value.map((each, i) => (i === step ? replaced(each, rest, by) : each))
  const group = value as { readonly [name: string]: Data }
  return { ...group, [step]: replaced(group[step] ?? null, rest, by) }
}

const anyString = fc.oneof(
  fc.constantFrom(
    SECRET,
    `https://${SECRET}`,
    `${SECRET}\n`,
    `${SECRET} x`,
    '',
    '*',
    '10s',
    '1KiB',
  ),
  fc.string({ unit: 'binary', maxLength: 6 }).map(text => `${text}${SECRET}`),
)
const anyName = fc.oneof(
  anyString,
  fc.constantFrom(
    'env',
    'file',
    'insecureLiteral',
    'keyring',
    'provider',
    'path',
    'name',
    '__proto__',
    'constructor',
  ),
)
const anyValue: fc.Arbitrary<Data> = fc.letrec<{ value: Data }>(tie => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    anyString,
    fc.constantFrom(null, true, false, 0, -1, 1.5, 1e300, Number.MAX_SAFE_INTEGER),
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(anyName, tie('value'), { maxKeys: 3, noNullPrototype: true }),
  ),
})).value

const anyConfig = fc
  .tuple(
    fc.array(fc.tuple(fc.constantFrom(...pathsIn(FULL)), anyValue), { maxLength: 3 }),
    fc.boolean(),
  )
  .map(([changes, block]) => {
    const config = changes.reduce<Data>((value, [path, by]) => changed(value, path, by), FULL)
    return block ? stringify(config) : JSON.stringify(config)
  })

/** A change whose place an earlier change took away changes nothing. */
const changed = (value: Data, path: Path, by: Data): Data =>
  pathsIn(value).some(each => each.join('\0') === path.join('\0'))
    ? replaced(value, path, by)
    : value

/** Texts that are hardly YAML any more. */
const brokenText = fc
  .tuple(
    anyConfig,
    fc.nat(),
    fc.constantFrom(
      '"',
      "'",
      '[',
      '}',
      ':',
      '\t',
      '\n',
      '- ',
      '&a ',
      '*a ',
      '!x ',
      '%',
      '@',
      '|\n',
      '\0',
      '---\n',
      '#',
    ),
  )
  .map(([text, at, cut]) => {
    const place = at % (text.length + 1)
    return text.slice(0, place) + cut + text.slice(place)
  })

const env = { ...ENV, APP_SECRET: SECRET, MAIN_SECRET_ACCESS_KEY: SECRET, KEYS: SECRET }

/** All that is said of the configuration in a folder. */
const saidOf = async (folder: string): Promise<string> => {
  try {
    const { warnings } = await readConfig(join(folder, 'config.yaml'), env)
    return warnings.map(faultText).join('\n')
  } catch (error) {
    if (error instanceof ConfigError && error.faults.length > 0) return error.message
    throw error
  }
}

const holds =
  (folder: string, name: string) =>
  async (text: string): Promise<void> => {
    await writeFile(join(folder, name), text)
    const said = await saidOf(folder)
    if (said.includes(SECRET)) throw new Error(`leaks: ${said}`)
  }

t.test(
  'property: whatever a configuration says, a ConfigError comes out, and no secret',
  async t => {
    const property = holds(await folderFor(t, ''), 'config.yaml')
    const anyDocument = fc.oneof(anyConfig, brokenText)
    await fc.assert(fc.asyncProperty(anyDocument, property), { numRuns: 400 })
  },
)

t.test(
  'a secret in the place of any other text is not told, though it could be a name',
  async t => {
    const folder = await folderFor(t, '')
    const isName = (path: Path): boolean => path.at(-1) === 'name'
    for (const path of pathsIn(FULL).filter(each => !isName(each))) {
      await writeFile(join(folder, 'config.yaml'), stringify(replaced(FULL, path, PLAIN_SECRET)))
      t.notOk((await saidOf(folder)).includes(PLAIN_SECRET), path.join('.'))
    }
  },
)

t.test('property: whatever a keyring file says, likewise', async t => {
  const property = holds(await folderFor(t, CONFIG), 'keys/main.yaml')
  const keyring: Data = {
    versions: [
      { id: 'v2', key: SECRET, createdAt: '2026-11-21' },
      { id: 'v1', key: 'AAAA' },
    ],
  }
  const anyKeyring = fc
    .tuple(fc.constantFrom(...pathsIn(keyring)), anyValue)
    .map(([path, by]) => stringify(replaced(keyring, path, by)))
  const anySlip = fc
    .tuple(fc.nat(KEYRING.length), anyString)
    .map(([at, text]) => KEYRING.slice(0, at) + text + KEYRING.slice(at))
  await fc.assert(fc.asyncProperty(fc.oneof(anyKeyring, anySlip), property), { numRuns: 300 })
})
