import t from 'tap'
import {
  CONFIG,
  type Data,
  faultsOf,
  folderFor,
  load,
  warningsOf,
  withoutPlace,
} from './fixture.ts'

const NATIVE = {
  ...CONFIG,
  listen: [{ port: 0 }, { port: 0, api: 'b2', url: 'https://b2.example.com' }],
  upstreams: {
    main: {
      provider: 'b2-native',
      endpoint: 'https://api.backblazeb2.com',
      credentials: { env: 'MAIN' },
    },
  },
} as const satisfies Data

const linesOf = (lines: readonly string[]): string[] => lines.map(withoutPlace)

t.test('a listener for B2 native clients is one with api: b2', async t => {
  const folder = await folderFor(t, NATIVE)
  const { config } = await load(folder)
  const [s3, b2] = config.listen
  t.equal(s3?.b2, undefined)
  t.strictSame(b2?.b2, { url: 'https://b2.example.com', s3Url: undefined })
  t.strictSame(await warningsOf(folder), [])
  const socket = { ...NATIVE, listen: [{ socket: 'b2.sock', api: 'b2' }] }
  const loaded = await load(await folderFor(t, socket))
  t.strictSame(loaded.config.listen[0]?.b2, { url: undefined, s3Url: undefined })
})

t.test('what the lane could not serve is a fault', async t => {
  const cases: readonly (readonly [Data, string])[] = [
    [
      {
        ...NATIVE,
        listen: [{ port: 0, api: 'b2' }],
        clients: [{ name: 'app', trusted: 'loopback', upstream: 'main' }],
      },
      'clients[0].upstream: speaks B2 native, whose clients prove themselves with an application key. Give the client accessKeyId and secretAccessKey.',
    ],
    [
      { ...NATIVE, keyrings: {}, rules: [{ name: 'all', passthrough: true }] },
      'listen[1].api: needs a keyring: tokens and upload URLs are sealed with a subkey. Add one.',
    ],
    [
      { ...NATIVE, listen: [{ port: 0, api: 'b2', url: 'https://b2.example.com/path' }] },
      'listen[0].url: must be scheme and host, such as https://b2.example.com, without a path.',
    ],
    [
      { ...NATIVE, listen: [{ port: 0, s3Url: 'https://s3.example.com' }] },
      'listen[0].s3Url: has a meaning only with api: b2. Remove it.',
    ],
  ]
  for (const [config, fault] of cases) {
    const lines = linesOf(await faultsOf(await folderFor(t, config)))
    t.ok(lines.includes(fault), JSON.stringify(lines))
  }
})

t.test(
  'a lane that nobody has is remarked on; an upstream of B2 is reached by S3, too',
  async t => {
    const clients = [{ name: 'app', trusted: 'loopback', upstream: 'main' }]
    const listen = NATIVE.listen
    const nobody = await warningsOf(await folderFor(t, { ...CONFIG, clients, listen }))
    t.match(nobody.join(), /serves nobody, since no client has an accessKeyId/)
    const front = await warningsOf(await folderFor(t, { ...CONFIG, listen }))
    t.strictSame(front, [], 'clients of an upstream that is no B2 are served, too')
    const reached = { ...NATIVE, listen: [{ port: 0 }], clients }
    t.strictSame(await warningsOf(await folderFor(t, reached)), [])
  },
)
