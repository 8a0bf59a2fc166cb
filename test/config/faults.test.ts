import t from 'tap'
import { CONFIG, type Data, faultsOf, folderFor, withoutPlace } from './fixture.ts'

type Case = readonly [
  what: string,
  part: { readonly [name: string]: Data },
  expected: readonly string[],
]

const [APP] = CONFIG.clients
const [RULE] = CONFIG.rules
const MAIN = CONFIG.upstreams.main

const EXAMPLE = 'Write scheme, host and port, such as https://s3.eu-central-1.amazonaws.com.'
const FORMS =
  'Write {env: NAME}, {file: path}, {vault: ...} or, if it must stand in this file, {insecureLiteral: ...}.'
const client = (part: { readonly [name: string]: Data }) => ({ clients: [{ ...APP, ...part }] })
const rule = (part: { readonly [name: string]: Data }) => ({ rules: [{ ...RULE, ...part }] })
const main = (part: { readonly [name: string]: Data }) => ({
  upstreams: { main: { ...MAIN, ...part } },
})

const SHAPE: readonly Case[] = [
  [
    'an unknown option',
    { domain: ['x'] },
    ["has an option 'domain' that is unknown. Did you mean domains?"],
  ],
  ['no listener', { listen: [] }, ['listen: must not be empty.']],
  ['an empty listener', { listen: [{}] }, ['listen[0]: must have exactly one of port, socket.']],
  [
    'a socket with a host',
    { listen: [{ socket: 's', host: 'x' }] },
    ['listen[0].host: has no meaning for a unix socket. Remove it.'],
  ],
  [
    'a port that is none',
    { listen: [{ port: 70000 }] },
    ['listen[0].port: must be at most 65535.'],
  ],
  ['an admin listener without a port', { admin: {} }, ['admin.port: is missing.']],
  [
    'a host that is none',
    { listen: [{ port: 1, host: '[::1]' }] },
    ['listen[0].host: must be a host name or an IP address, without brackets.'],
  ],
  [
    'a domain with a scheme',
    { domains: ['https://x'] },
    ['domains[0]: must be a host name, without scheme and port.'],
  ],
  [
    'a size in other units',
    { limits: { headerBytes: '64KB' } },
    ['limits.headerBytes: must be a size such as 65536, 64KiB, 8MiB or 1GiB.'],
  ],
  [
    'a size out of bounds',
    { limits: { headerBytes: '2MiB' } },
    ['limits.headerBytes: must be from 1KiB to 1MiB.'],
  ],
  [
    'a duration without unit',
    { limits: { idleTimeout: 30 } },
    ['limits.idleTimeout: must be a duration with its unit, such as 500ms, 30s, 5m or 1h.'],
  ],
  [
    'no time at all',
    { limits: { idleTimeout: '0s' } },
    ['limits.idleTimeout: must be from 1ms to 24h.'],
  ],
  [
    'a name with a space',
    { upstreams: { main: MAIN, 'a b': MAIN } },
    ['upstreams: must be a name of 1 to 64 letters, digits, dots, hyphens and underscores.'],
  ],
  [
    'a bare secret',
    client({ secretAccessKey: 'hunter2' }),
    [`clients[0].secretAccessKey: must not stand here in plain. ${FORMS}`],
  ],
  [
    'two places of a secret',
    client({ secretAccessKey: { env: 'A', file: 'b' } }),
    [`clients[0].secretAccessKey: must say in one way where the secret is. ${FORMS}`],
  ],
  [
    'half a key pair',
    { clients: [{ name: 'app', accessKeyId: 'A', upstream: 'main' }] },
    ['clients[0].secretAccessKey: is missing. The other half of the key pair needs it.'],
  ],
  [
    'an access key id with a slash',
    client({ accessKeyId: 'a/b' }),
    [
      'clients[0].accessKeyId: must be 1 to 128 printable characters without space, comma and slash.',
    ],
  ],
  [
    'two proofs',
    client({ anonymous: true }),
    ['clients[0]: must have exactly one of accessKeyId, trusted, anonymous.'],
  ],
  [
    'trust in anything',
    { clients: [{ name: 'a', trusted: 'all', upstream: 'main' }] },
    ['clients[0].trusted: must be loopback, unix or {tlsSubject: NAME}.'],
  ],
  [
    'credentials of another kind',
    client({ upstreamCredentials: 'sme' }),
    [
      'clients[0].upstreamCredentials: must be same, chain, {env: PREFIX} or {accessKeyId: ..., secretAccessKey: ...}.',
    ],
  ],
  [
    'a provider that is none',
    main({ provider: 'amazon' }),
    ['upstreams.main.provider: must be one of'],
  ],
  [
    'no endpoint',
    { upstreams: { main: { provider: 'minio', credentials: { env: 'MAIN' } } } },
    ['upstreams.main.endpoint: is missing. An upstream of this provider needs it.'],
  ],
  [
    'a folder of a real provider',
    main({ path: 'data' }),
    ['upstreams.main.path: has no meaning for an upstream of this provider. Remove it.'],
  ],
  [
    'an embedded upstream with an endpoint',
    { upstreams: { main: { provider: 'embedded', endpoint: 'https://x' } } },
    [
      'upstreams.main.path: is missing. An upstream of this provider needs it.',
      'upstreams.main.endpoint: has no meaning for an upstream of this provider. Remove it.',
    ],
  ],
  [
    'a keyring of no provider',
    { keyrings: { main: { provider: 'valt' } } },
    [
      'keyrings.main.provider: must be file, env, vault, vaultTransit, awsKms, awsSecretsManager or exec.',
    ],
  ],
  [
    'a keyring that is a text',
    { keyrings: { main: 'keys.yaml' } },
    ['keyrings.main: must be a group such as {provider: file, path: ...}.'],
  ],
  [
    'two effects',
    rule({ deny: true }),
    ['rules[0]: must have exactly one of encrypt, passthrough, deny.'],
  ],
  [
    'no effect',
    { rules: [{ name: 'r' }] },
    ['rules[0]: must have exactly one of encrypt, passthrough, deny.'],
  ],
  [
    'an encrypt option without encrypt',
    { rules: [{ name: 'r', deny: true, etag: 'mark' }] },
    ['rules[0].etag: has a meaning only with encrypt. Remove it.'],
  ],
  [
    'a glob with brackets',
    rule({ buckets: ['[ab]'] }),
    ['rules[0].buckets[0]: is no bucket glob. Use the letters of bucket names'],
  ],
  [
    'a glob with a prefix in it',
    rule({ buckets: ['a/b*'] }),
    ['rules[0].buckets[0]: is no bucket glob.'],
  ],
  ['an empty prefix', rule({ prefixes: [''] }), ['rules[0].prefixes[0]: must not be empty.']],
  ['an empty list', rule({ clients: [] }), ['rules[0].clients: must not be empty.']],
  [
    'an operation misspelt',
    rule({ operations: ['PutObjct'] }),
    ['rules[0].operations[0]: is no operation. Did you mean PutObject?'],
  ],
  [
    'an operation that is none',
    rule({ operations: ['everything'] }),
    [
      'rules[0].operations[0]: is no operation. Write an S3 operation such as PutObject, or one of read, write, list, delete, admin.',
    ],
  ],
]

const CROSS: readonly Case[] = [
  [
    'a client of no upstream',
    client({ upstream: 'mian' }),
    ['clients[0].upstream: names no upstream. Did you mean main?'],
  ],
  [
    'a rule of no keyring',
    rule({ encrypt: { keyring: 'other' } }),
    ['rules[0].encrypt.keyring: names no keyring. Known: main.'],
  ],
  [
    'a rule of no client',
    rule({ clients: ['app', 'ape'] }),
    ['rules[0].clients[1]: names no client. Did you mean app?'],
  ],
  [
    'two clients of a name and a pair',
    { clients: [APP, APP] },
    [
      'clients[1].name: is the name of an earlier client, too. Give each its own.',
      'clients[1].accessKeyId: belongs to an earlier client, too. Give each its own.',
    ],
  ],
  [
    'two rules of a name',
    { rules: [{ ...RULE, buckets: ['a'] }, RULE] },
    ['rules[1].name: is the name of an earlier rule, too. Give each its own.'],
  ],
  [
    'two anonymous clients',
    { clients: ['a', 'b'].map(name => ({ name, anonymous: true, upstream: 'main' })) },
    ['clients[1].anonymous: is what an earlier client is known by, too. Keep one of the two.'],
  ],
  [
    'two clients of loopback',
    { clients: ['a', 'b'].map(name => ({ name, trusted: 'loopback', upstream: 'main' })) },
    ['clients[1].trusted: is what an earlier client is known by, too. Keep one of the two.'],
  ],
  [
    'two clients of a subject',
    { clients: ['a', 'b'].map(name => ({ name, trusted: { tlsSubject: 'x' }, upstream: 'main' })) },
    ['clients[1].trusted: is what an earlier client is known by, too. Keep one of the two.'],
  ],
  [
    'the own pair of a client without one',
    {
      clients: [{ name: 'a', trusted: 'loopback', upstream: 'main', upstreamCredentials: 'same' }],
    },
    [
      'clients[0].upstreamCredentials: has no meaning for a client without a key pair. Give other credentials, or leave it out.',
    ],
  ],
  [
    'credentials of nobody',
    {
      clients: [
        { name: 'a', anonymous: true, upstream: 'main', upstreamCredentials: { env: 'MAIN' } },
      ],
    },
    [
      'clients[0].upstreamCredentials: has no meaning for the anonymous client, whose requests go on unsigned. Remove it.',
    ],
  ],
  [
    'nothing to sign with',
    { upstreams: { main: { provider: 'aws', endpoint: MAIN.endpoint } } },
    [
      'clients[0].upstream: has no credentials, and neither has this client for it. Give the upstream credentials, or the client upstreamCredentials.',
    ],
  ],
  [
    'an endpoint without scheme',
    main({ endpoint: 's3.example.com' }),
    [`upstreams.main.endpoint: is not a URL with https or http. ${EXAMPLE}`],
  ],
  [
    'an endpoint with a path',
    main({ endpoint: 'https://s3.example.com/bucket' }),
    [`upstreams.main.endpoint: has a path or a query. ${EXAMPLE}`],
  ],
  [
    'an endpoint with a query',
    main({ endpoint: 'https://s3.example.com/?x' }),
    [`upstreams.main.endpoint: has a path or a query. ${EXAMPLE}`],
  ],
  [
    'an endpoint with a user, in clear',
    main({ endpoint: 'http://me:hunter2@s3.example.com' }),
    [
      `upstreams.main.endpoint: has a user in it. ${EXAMPLE}`,
      'upstreams.main.endpoint: is plain http to another machine, and SSE-C keys travel in headers: everyone on the way could read them. Use https, or say insecure: true.',
    ],
  ],
  [
    'two listeners on a port',
    { listen: [{ port: 9000 }, { port: 9000 }] },
    ['listen[1].port: is taken by another listener. Choose another port.'],
  ],
  [
    'a listener on all addresses',
    { listen: [{ port: 9000 }, { host: '::', port: 9000, tls: { cert: 'no', key: 'no' } }] },
    [
      'listen[1].port: is taken by another listener. Choose another port.',
      'listen[1].tls.cert: names a file that does not exist. Create it, or correct the path.',
      'listen[1].tls.key: names a file that does not exist. Create it, or correct the path.',
    ],
  ],
  [
    'two listeners on a socket',
    { listen: [{ socket: 's' }, { socket: 's' }] },
    ['listen[1].socket: is taken by another listener. Choose another socket.'],
  ],
  [
    "the embedded upstream's port",
    { upstreams: { main: { provider: 'embedded', path: 'd', port: 9000 } } },
    ['upstreams.main.port: is taken by another listener. Choose another port.'],
  ],
]

const SOURCES: readonly Case[] = [
  [
    'a variable that is not set',
    client({ secretAccessKey: { env: 'hunter2' } }),
    [
      'clients[0].secretAccessKey.env: names a variable that the environment does not have. Set it, or correct the name.',
    ],
  ],
  [
    'a prefix that is not set',
    main({ credentials: { env: 'hunter2' } }),
    [
      'upstreams.main.credentials.env: names a prefix whose PREFIX_ACCESS_KEY_ID the environment does not have. Set it, or correct the name.',
      'upstreams.main.credentials.env: names a prefix whose PREFIX_SECRET_ACCESS_KEY the environment does not have. Set it, or correct the name.',
    ],
  ],
  [
    'a secret file that is not there',
    client({ secretAccessKey: { file: 'hunter2' } }),
    [
      'clients[0].secretAccessKey.file: names a file that does not exist. Create it, or correct the path.',
    ],
  ],
  [
    'a secret file that is empty',
    client({ secretAccessKey: { file: 'empty' } }),
    ['clients[0].secretAccessKey.file: names an empty file. Write the secret into it.'],
  ],
  [
    'a folder for a file',
    client({ secretAccessKey: { file: 'keys' } }),
    ['clients[0].secretAccessKey.file: names a file that is a folder. Name a file.'],
  ],
  [
    'a file below a file',
    client({ secretAccessKey: { file: 'empty/x' } }),
    [
      'clients[0].secretAccessKey.file: names a file that does not exist. Create it, or correct the path.',
    ],
  ],
  [
    'a file name that cannot be',
    client({ secretAccessKey: { file: 'a\u0000b' } }),
    ['clients[0].secretAccessKey.file: names a file that cannot be read (ERR_INVALID_ARG_VALUE).'],
  ],
  [
    'a CA that is none',
    main({ ca: 'empty' }),
    ['upstreams.main.ca: names a file without a PEM certificate. Name one with it.'],
  ],
  [
    'a keyring that is not there',
    { keyrings: { main: { provider: 'file', path: 'no.yaml' } } },
    ['keyrings.main.path: names a keyring that does not exist. Create it, or correct the path.'],
  ],
  [
    'a keyring variable that is not set',
    { keyrings: { main: { provider: 'env', variable: 'NO' } } },
    [
      'keyrings.main.variable: names a keyring that is not set in the environment. Set it, or correct the name.',
    ],
  ],
  [
    'a keyring variable that is no key',
    { keyrings: { main: { provider: 'env', variable: 'APP_SECRET' } } },
    ['keyrings.main.variable: names a keyring that is not base64. Write the base64 of 32 bytes.'],
  ],
]

for (const [kind, cases] of [
  ['shape', SHAPE],
  ['cross', CROSS],
  ['source', SOURCES],
] as const) {
  t.test(`${kind} faults are told with their path and remedy, and with no value`, async t => {
    for (const [what, part, expected] of cases) {
      const folder = await folderFor(t, { ...CONFIG, ...part }, { empty: '\n' })
      const faults = await faultsOf(folder)
      t.equal(faults.length, expected.length, `${what}: ${faults.join(' / ')}`)
      for (const [i, fault] of faults.entries()) {
        t.ok(withoutPlace(fault).startsWith(expected[i] ?? '?'), `${what}: ${fault}`)
        t.notMatch(fault, /hunter2/)
      }
    }
  })
}
