import { join } from 'node:path'
import t from 'tap'
import { Secret } from '../../lib/s3/secret.ts'
import { CONFIG, type Data, ENV, faultsOf, folderFor, load, withoutPlace } from './fixture.ts'

const VAULT = {
  provider: 'vault',
  address: 'https://vault.internal:8200/',
  path: 'ssec/main',
} as const

const withKeyring = (main: Data): Data => ({ ...CONFIG, keyrings: { main } })

const sourceOf = async (folder: string) => (await load(folder)).config.keyrings.get('main')

t.test('a vault, by each way to log in', async t => {
  const ways: readonly (readonly [auth: Data, expected: object])[] = [
    [{ token: { env: 'APP_SECRET' } }, { kind: 'token', token: new Secret(ENV.APP_SECRET) }],
    [
      { appRole: { roleId: 'r', secretId: { env: 'APP_SECRET' } } },
      { kind: 'appRole', mount: 'approle', roleId: 'r', secretId: new Secret(ENV.APP_SECRET) },
    ],
    [
      { kubernetes: { role: 'ssec' } },
      {
        kind: 'kubernetes',
        mount: 'kubernetes',
        role: 'ssec',
        jwtFile: '/var/run/secrets/kubernetes.io/serviceaccount/token',
      },
    ],
  ]
  for (const [auth, expected] of ways) {
    const source = await sourceOf(await folderFor(t, withKeyring({ ...VAULT, auth })))
    t.match(source, {
      kind: 'vault',
      connection: { address: 'https://vault.internal:8200', timeout: 5000, auth: expected },
      mount: 'secret',
      path: 'ssec/main',
      refresh: { ttl: 300_000, grace: 43_200_000 },
      derive: 'none',
    })
  }
})

t.test('a program, by its path from the configuration', async t => {
  const folder = await folderFor(t, withKeyring({ provider: 'exec', command: ['bin/keys', '-x'] }))
  t.match(await sourceOf(folder), {
    kind: 'exec',
    command: [join(folder, 'bin/keys'), '-x'],
    pass: [],
    timeout: 10_000,
  })
})

t.test('faults of a vault', async t => {
  const auth = { token: { env: 'APP_SECRET' } }
  const cases: readonly (readonly [Data, string])[] = [
    [
      { ...VAULT, auth, address: 'http://vault.internal:8200' },
      'keyrings.main.address: is plain http to another machine',
    ],
    [{ ...VAULT, auth, address: 'vault' }, 'keyrings.main.address: is not a URL'],
    [
      { ...VAULT, auth: { token: { env: 'NO' } } },
      'keyrings.main.auth.token.env: names a variable',
    ],
    [{ ...VAULT, auth, ca: 'no.pem' }, 'keyrings.main.ca: names a file that does not exist'],
    [{ ...VAULT, auth: 'root' }, 'keyrings.main.auth: must be {token: ...}, {appRole: ...}'],
    [{ ...VAULT, auth, path: '/ssec' }, 'keyrings.main.path: must be the path of a secret'],
    [{ provider: 'exec', command: [] }, 'keyrings.main.command: must not be empty'],
  ]
  for (const [keyring, expected] of cases) {
    const [fault = ''] = await faultsOf(await folderFor(t, withKeyring(keyring)))
    t.ok(withoutPlace(fault).startsWith(expected), fault)
  }
})
