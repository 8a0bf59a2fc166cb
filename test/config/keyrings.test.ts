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

const KMS = {
  provider: 'awsKms',
  path: 'keys/wrapped.yaml',
  keyId: 'arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab',
} as const

const WRAPPED = { 'keys/wrapped.yaml': 'versions: [{ id: v1, wrapped: YQ== }]' }

t.test('AWS KMS, in the region of its key, with the credentials of the AWS chain', async t => {
  const folder = await folderFor(t, withKeyring(KMS), WRAPPED)
  const source = await sourceOf(folder)
  t.match(source, {
    kind: 'awsKms',
    path: join(folder, 'keys/wrapped.yaml'),
    keyId: KMS.keyId,
    olderKeyIds: [],
    connection: {
      endpoint: 'https://kms.eu-central-1.amazonaws.com',
      region: 'eu-central-1',
      timeout: 5000,
    },
    refresh: { ttl: 300_000, grace: 43_200_000 },
    derive: 'none',
  })
  t.ok(source?.kind === 'awsKms' && 'current' in source.connection.credentials)
})

t.test('AWS KMS as it is said to be', async t => {
  const regions = [
    ['us-gov-west-1', 'https://kms.us-gov-west-1.amazonaws.com'],
    ['cn-north-1', 'https://kms.cn-north-1.amazonaws.com.cn'],
  ] as const
  for (const [region, endpoint] of regions) {
    const keyring = withKeyring({ ...KMS, keyId: 'alias/ssec', region })
    t.match(await sourceOf(await folderFor(t, keyring, WRAPPED)), {
      connection: { endpoint, region },
    })
  }
  const folder = await folderFor(
    t,
    withKeyring({
      ...KMS,
      endpoint: 'https://vpce-1.kms.eu-central-1.vpce.amazonaws.com/',
      olderKeyIds: ['alias/old'],
      credentials: { env: 'MAIN' },
    }),
    WRAPPED,
  )
  t.match(await sourceOf(folder), {
    olderKeyIds: ['alias/old'],
    connection: {
      endpoint: 'https://vpce-1.kms.eu-central-1.vpce.amazonaws.com',
      credentials: { accessKeyId: 'PROVIDERKEY' },
    },
  })
  t.ok((await load(folder)).files.includes(join(folder, 'keys/wrapped.yaml')))
})

t.test('faults of AWS KMS', async t => {
  const cases: readonly (readonly [Data, string])[] = [
    [{ ...KMS, keyId: 'alias/ssec' }, 'keyrings.main.region: is missing, and no ARN says it.'],
    [{ ...KMS, keyId: 'a key' }, 'keyrings.main.keyId: must be the id or ARN of a KMS key'],
    [{ ...KMS, endpoint: 'http://kms.internal' }, 'keyrings.main.endpoint: is plain http'],
    [{ ...KMS, credentials: { env: 'NO' } }, 'keyrings.main.credentials.env: names a prefix'],
    [{ ...KMS, path: 'none' }, 'keyrings.main.path: names a keyring that does not exist'],
    [{ ...KMS, path: 'keys/main.yaml' }, 'versions[0]'],
  ]
  for (const [keyring, expected] of cases) {
    const [fault = ''] = await faultsOf(await folderFor(t, withKeyring(keyring), WRAPPED))
    t.ok(withoutPlace(fault).startsWith(expected), fault)
  }
})

t.test('AWS Secrets Manager, by name or by ARN', async t => {
  const secretId = 'arn:aws:secretsmanager:eu-west-1:111122223333:secret:ssec/main-AbCdEf'
  const provider = 'awsSecretsManager'
  t.match(await sourceOf(await folderFor(t, withKeyring({ provider, secretId }))), {
    kind: 'awsSecretsManager',
    secretId,
    connection: {
      endpoint: 'https://secretsmanager.eu-west-1.amazonaws.com',
      region: 'eu-west-1',
    },
    refresh: { ttl: 300_000, grace: 43_200_000 },
  })
  const named = withKeyring({ provider, secretId: 'ssec/main' })
  const [fault = ''] = await faultsOf(await folderFor(t, named))
  t.match(withoutPlace(fault), /^keyrings\.main\.region: is missing/)
})
