import { join } from 'node:path'
import t from 'tap'
import { loadConfig } from '../../lib/config/load.ts'
import { credentialsNow } from '../../lib/s3/credentials.ts'
import { Secret } from '../../lib/s3/secret.ts'
import { CONFIG, type Data, ENV, folderFor, keyOf, load } from './fixture.ts'

/** A value with its secrets laid open. */
const exposed = (value: unknown): unknown => {
  if (value instanceof Secret) return { secret: value.expose() }
  if (value instanceof Map) return new Map([...value].map(([name, each]) => [name, exposed(each)]))
  if (Array.isArray(value)) return value.map(exposed)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, exposed(each)]))
}

const ENCRYPT = {
  kind: 'encrypt',
  encrypt: { keyring: 'main' },
  plaintextReads: 'deny',
  clientKeys: 'reject',
  conflicts: 'remove',
  onUnconfirmed: 'delete',
  responseHeaders: 'show',
  etag: undefined,
}

t.test('a small configuration gets every default', async t => {
  const folder = await folderFor(t, CONFIG)
  const { config, warnings, created } = await load(folder)
  t.strictSame(warnings, [])
  t.strictSame(created, [])
  t.strictSame(exposed(config), {
    quickstart: false,
    watch: true,
    admin: undefined,
    front: 'node',
    listen: [{ kind: 'tcp', host: '127.0.0.1', port: 9000, tls: undefined }],
    domains: [],
    limits: {
      headerBytes: 32 * 1024,
      connections: 10_000,
      headersTimeout: 30_000,
      bodyIdleTimeout: 60_000,
      idleTimeout: 75_000,
      documentBytes: 8 * 1024 * 1024,
      drainTimeout: 30_000,
    },
    log: { level: 'info' },
    transport: 'raw',
    upstreams: new Map([
      [
        'main',
        {
          name: 'main',
          provider: 'aws',
          endpoint: 'https://s3.eu-central-1.amazonaws.com',
          region: 'eu-central-1',
          credentials: {
            accessKeyId: 'PROVIDERKEY',
            secretAccessKey: { secret: 'provider/secret+1' },
            sessionToken: undefined,
          },
          addressing: undefined,
          signature: undefined,
          etag: undefined,
          copy: undefined,
          ca: undefined,
          connections: 256,
          timeouts: { connect: 10_000, firstByte: 300_000, idle: 60_000 },
        },
      ],
    ]),
    clients: [
      {
        name: 'app',
        proof: {
          kind: 'signature',
          accessKeyId: 'APP',
          secretAccessKey: { secret: 'client/secret+1' },
        },
        upstream: 'main',
        upstreamCredentials: { kind: 'upstream' },
      },
    ],
    keyrings: new Map([
      [
        'main',
        {
          kind: 'file',
          path: join(folder, 'keys/main.yaml'),
          readableFor: 'owner',
          derive: 'none',
        },
      ],
    ]),
    rules: [
      {
        name: 'default',
        match: { clients: undefined, buckets: ['*'], prefixes: undefined, operations: undefined },
        effect: ENCRYPT,
      },
    ],
    embedded: new Map(),
  })
})

t.test('loadConfig gives the same configuration', async t => {
  const folder = await folderFor(t, CONFIG)
  const config = await loadConfig(join(folder, 'config.yaml'), ENV)
  t.strictSame(exposed(config), exposed((await load(folder)).config))
})

const withPart = (part: { readonly [name: string]: Data }): Data => ({ ...CONFIG, ...part })

t.test('every option says what it is for', async t => {
  const folder = await folderFor(
    t,
    withPart({
      listen: [{ port: 0 }, { host: '::1', port: 9443 }, { socket: 'run/s3.sock' }],
      domains: ['s3.localhost'],
      limits: {
        headerBytes: 65536,
        connections: 5,
        headersTimeout: '500ms',
        bodyIdleTimeout: '2m',
        idleTimeout: '1h',
        documentBytes: '1GiB',
        drainTimeout: '5s',
      },
      log: { level: 'debug' },
      transport: 'undici',
    }),
  )
  const { config } = await load(folder)
  t.strictSame(config.listen, [
    { kind: 'tcp', host: '127.0.0.1', port: 0, tls: undefined },
    { kind: 'tcp', host: '::1', port: 9443, tls: undefined },
    { kind: 'unix', path: join(folder, 'run/s3.sock') },
  ])
  t.strictSame(config.domains, ['s3.localhost'])
  t.strictSame(config.limits, {
    headerBytes: 65_536,
    connections: 5,
    headersTimeout: 500,
    bodyIdleTimeout: 120_000,
    idleTimeout: 3_600_000,
    documentBytes: 2 ** 30,
    drainTimeout: 5000,
  })
  t.equal(config.log.level, 'debug')
})

t.test('rules of every kind', async t => {
  const rules = [
    { name: 'public', buckets: ['assets-*'], passthrough: true },
    { name: 'frozen', prefixes: ['a/'], operations: ['write', 'DeleteObject'], deny: true },
    {
      name: 'app',
      clients: ['app'],
      encrypt: { keyring: 'main' },
      plaintextReads: 'allow',
      clientKeys: 'accept',
      conflicts: 'reject',
      onUnconfirmed: 'keep',
      responseHeaders: 'hide',
      etag: 'mark',
    },
  ]
  const { config } = await load(await folderFor(t, withPart({ rules })))
  const nothing = {
    clients: undefined,
    buckets: undefined,
    prefixes: undefined,
    operations: undefined,
  }
  t.strictSame(config.rules, [
    {
      name: 'public',
      match: { ...nothing, buckets: ['assets-*'] },
      effect: { kind: 'passthrough' },
    },
    {
      name: 'frozen',
      match: { ...nothing, prefixes: ['a/'], operations: ['write', 'DeleteObject'] },
      effect: { kind: 'deny' },
    },
    {
      name: 'app',
      match: { ...nothing, clients: ['app'] },
      effect: {
        kind: 'encrypt',
        encrypt: { keyring: 'main' },
        plaintextReads: 'allow',
        clientKeys: 'accept',
        conflicts: 'reject',
        onUnconfirmed: 'keep',
        responseHeaders: 'hide',
        etag: 'mark',
      },
    },
  ])
})

t.test('the rules may stand in a file of their own', async t => {
  const { rules, ...rest } = CONFIG
  const folder = await folderFor(
    t,
    { ...rest, policy: 'policy/rules.yaml' },
    { 'policy/rules.yaml': JSON.stringify({ rules }) },
  )
  const { config } = await load(folder)
  t.strictSame(
    config.rules.map(({ name }) => name),
    ['default'],
  )
})

t.test('an embedded upstream is an upstream of its own address, without credentials', async t => {
  const upstreams = {
    main: { provider: 'embedded', path: 'data' },
    other: { provider: 'embedded', path: '/srv/data', host: '::1', port: 9002 },
  }
  const folder = await folderFor(t, withPart({ upstreams }))
  const { config } = await load(folder)
  t.strictSame(
    [...config.upstreams.values()].map(({ endpoint, credentials }) => [endpoint, credentials]),
    [
      ['http://127.0.0.1:9001', undefined],
      ['http://[::1]:9002', undefined],
    ],
  )
  t.strictSame(
    [...config.embedded],
    [
      ['main', { path: join(folder, 'data'), host: '127.0.0.1', port: 9001 }],
      ['other', { path: '/srv/data', host: '::1', port: 9002 }],
    ],
  )
})

t.test('an endpoint is brought to scheme, host and port', async t => {
  const main = { ...CONFIG.upstreams.main, endpoint: 'HTTPS://S3.Example.com:443/' }
  const { config } = await load(await folderFor(t, withPart({ upstreams: { main } })))
  t.equal(config.upstreams.get('main')?.endpoint, 'https://s3.example.com')
})

t.test('clients of every kind', async t => {
  const clients = [
    { name: 'a', trusted: 'loopback', upstream: 'main' },
    { name: 'b', trusted: 'unix', upstream: 'main' },
    { name: 'c', trusted: { tlsSubject: 'side.car' }, upstream: 'main' },
    { name: 'd', anonymous: true, upstream: 'main' },
    {
      name: 'e',
      accessKeyId: 'E',
      secretAccessKey: { insecureLiteral: 'plain' },
      upstream: 'main',
      upstreamCredentials: 'same',
    },
    {
      name: 'f',
      accessKeyId: 'F',
      secretAccessKey: { file: 'f' },
      upstream: 'main',
      upstreamCredentials: { env: 'MAIN' },
    },
    {
      name: 'g',
      accessKeyId: 'G',
      secretAccessKey: { file: 'g' },
      upstream: 'main',
      upstreamCredentials: {
        accessKeyId: 'OTHER',
        secretAccessKey: { env: 'APP_SECRET' },
        sessionToken: { file: 'f' },
      },
    },
  ]
  const folder = await folderFor(t, withPart({ clients }), { f: 'one\n', g: 'two\n\n' })
  const { config } = await load(folder)
  const proofs = config.clients.map(({ proof }) => exposed(proof))
  t.strictSame(proofs, [
    { kind: 'loopback' },
    { kind: 'unix' },
    { kind: 'tlsSubject', subject: 'side.car' },
    { kind: 'anonymous' },
    { kind: 'signature', accessKeyId: 'E', secretAccessKey: { secret: 'plain' } },
    { kind: 'signature', accessKeyId: 'F', secretAccessKey: { secret: 'one' } },
    { kind: 'signature', accessKeyId: 'G', secretAccessKey: { secret: 'two\n' } },
  ])
  const credentials = config.clients.map(({ upstreamCredentials }) => exposed(upstreamCredentials))
  t.strictSame(credentials, [
    { kind: 'upstream' },
    { kind: 'upstream' },
    { kind: 'upstream' },
    { kind: 'none' },
    { kind: 'same' },
    {
      kind: 'own',
      credentials: {
        accessKeyId: 'PROVIDERKEY',
        secretAccessKey: { secret: 'provider/secret+1' },
        sessionToken: undefined,
      },
    },
    {
      kind: 'own',
      credentials: {
        accessKeyId: 'OTHER',
        secretAccessKey: { secret: 'client/secret+1' },
        sessionToken: { secret: 'one' },
      },
    },
  ])
})

t.test('a session token comes from the environment where there is one', async t => {
  const folder = await folderFor(t, CONFIG)
  const { config } = await load(folder, { ...ENV, MAIN_SESSION_TOKEN: 'token' })
  const credentials = config.upstreams.get('main')?.credentials
  t.equal(credentials && (await credentialsNow(credentials)).sessionToken?.expose(), 'token')
})

t.test('a keyring may stand in the environment', async t => {
  const keyrings = { main: { provider: 'env', variable: 'KEYS' } }
  const folder = await folderFor(t, withPart({ keyrings }))
  const { config } = await load(folder, { ...ENV, KEYS: keyOf(7) })
  t.strictSame([...config.keyrings], [['main', { kind: 'env', variable: 'KEYS', derive: 'none' }]])
})

t.test('a configuration prints no secret', async t => {
  const { config } = await load(await folderFor(t, CONFIG))
  t.notMatch(JSON.stringify([...config.upstreams, ...config.clients]), /secret\+1/)
})
