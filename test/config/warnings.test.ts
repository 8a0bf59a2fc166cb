import t from 'tap'
import { CONFIG, type Data, folderFor, load, warningsOf, withoutPlace } from './fixture.ts'

type Case = readonly [
  what: string,
  part: { readonly [name: string]: Data },
  expected: readonly string[],
]

const ENCRYPT = { encrypt: { keyring: 'main' } }
const NEVER = 'takes every request that would fit. Move it up, or remove it.'
const shadowed = (...rules: readonly { readonly [name: string]: Data }[]) => ({
  rules: rules.map((rule, i) => ({ name: `r${i}`, ...ENCRYPT, ...rule })),
})

const CASES: readonly Case[] = [
  ['nothing to say', {}, []],
  ['no rule', { rules: [] }, ['rules: has no rule, so every request is denied. Add one.']],
  [
    'a listener that others can reach in clear',
    { listen: [{ host: '0.0.0.0', port: 9000 }] },
    [
      'listen[0]: is reachable from other machines without TLS: objects can be read on the way. Add tls.',
    ],
  ],
  [
    'an admin listener that others can reach',
    { admin: { host: '0.0.0.0', port: 9090 } },
    [
      'admin: is reachable from other machines, and asks nobody who they are: it shows names of clients, rules and buckets. Keep it inside of your network.',
    ],
  ],
  ['an admin listener on loopback', { admin: { port: 9090 } }, []],
  [
    'trust in a socket that is not there',
    { clients: [{ name: 'a', trusted: 'unix', upstream: 'main' }] },
    [
      'clients[0].trusted: never comes true, since no listener has a socket. Add {socket: path} to listen.',
    ],
  ],
  [
    'trust in a certificate that nobody asks for',
    { clients: [{ name: 'a', trusted: { tlsSubject: 'x' }, upstream: 'main' }] },
    [
      'clients[0].trusted: never comes true, since no listener asks for client certificates. Add tls.clientCa to one.',
    ],
  ],
  [
    'a rule behind one about everything',
    shadowed({}, { buckets: ['a'] }),
    [`rules[1]: never decides: 'r0' above ${NEVER}`],
  ],
  [
    'a rule behind a wider one',
    shadowed({ buckets: ['a*'] }, { buckets: ['b'] }, { buckets: ['ab', 'ac*'] }),
    [`rules[2]: never decides: 'r0' above ${NEVER}`],
  ],
  ['a rule in front of a wider one', shadowed({ buckets: ['ab'] }, { buckets: ['a*'] }), []],
]

t.test('what is legal and hardly meant is warned of', async t => {
  for (const [what, part, expected] of CASES) {
    const warnings = await warningsOf(await folderFor(t, { ...CONFIG, ...part }))
    t.strictSame(warnings.map(withoutPlace), expected, what)
  }
})

t.test(
  'plain http to another machine is accepted by explicit word, and always to this one',
  async t => {
    for (const [endpoint, insecure] of [
      ['http://s3.example.com', true],
      ['http://127.0.0.1:7480', false],
      ['http://[::1]:7480', false],
      ['http://localhost', false],
      ['http://s3.localhost:9001', false],
    ] as const) {
      const upstreams = { main: { ...CONFIG.upstreams.main, endpoint, insecure } }
      const { config } = await load(await folderFor(t, { ...CONFIG, upstreams }))
      t.equal(config.upstreams.get('main')?.endpoint, endpoint)
    }
  },
)

t.test('thousands of rules are checked in no time', async t => {
  const rules = Array.from({ length: 3000 }, (_, i) => ({
    name: `r${i}`,
    buckets: [`bucket-${i}-*`],
    operations: ['write'],
    ...ENCRYPT,
  }))
  const folder = await folderFor(t, { ...CONFIG, rules })
  const start = process.cpuUsage().user
  t.equal((await load(folder)).config.rules.length, 3000)
  t.ok(process.cpuUsage().user - start < 5_000_000, 'less than 5 s')
})
