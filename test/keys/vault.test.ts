import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { KeyProviderError } from '../../lib/keys/providers/provider.ts'
import { addKvVersion, createKvProvider } from '../../lib/keys/providers/vault/kv.ts'
import { createVaultSession, type VaultAuth } from '../../lib/keys/providers/vault/session.ts'
import { Secret } from '../../lib/s3/secret.ts'
import { startVault, type VaultServer } from './vault-server.ts'

const keyOf = (n: number): string => Buffer.alloc(32, n).toString('base64')
const PLACE = { mount: 'secret', path: 'ssec/main' }
const TOKEN: VaultAuth = { kind: 'token', token: new Secret('root') }
const APP_ROLE: VaultAuth = {
  kind: 'appRole',
  mount: 'approle',
  roleId: 'role',
  secretId: new Secret('secret-id'),
}

const sessionOf = ({ address }: VaultServer, auth: VaultAuth, now = () => new Date(0)) =>
  createVaultSession(
    { address, namespace: undefined, ca: undefined, timeout: 2000, auth },
    now,
    () => 0,
  )

const providerOf = (vault: VaultServer, auth: VaultAuth = TOKEN, now?: () => Date) =>
  createKvProvider(sessionOf(vault, auth, now), PLACE)

t.test('the versions of a secret are those of the keyring, newest first', async t => {
  const vault = await startVault(t, keyOf(1), keyOf(2), keyOf(3))
  vault.keys[1] = undefined
  const versions = await providerOf(vault).fetch()
  t.strictSame(
    versions.map(({ id, createdAt, master }) => [
      id,
      createdAt?.toISOString(),
      master.expose().toString('base64'),
    ]),
    [
      ['v3', '2020-11-21T05:48:13.123Z', keyOf(3)],
      ['v1', '2020-11-21T05:48:13.123Z', keyOf(1)],
    ],
  )
})

t.test('a key is fetched once, and a new version is found', async t => {
  const vault = await startVault(t, keyOf(1))
  const provider = providerOf(vault)
  await provider.fetch()
  vault.keys.push(keyOf(2))
  t.strictSame(
    (await provider.fetch()).map(({ id }) => id),
    ['v2', 'v1'],
  )
  const reads = vault.calls.filter(call => call.includes('/data/'))
  t.strictSame(reads, [
    'GET /v1/secret/data/ssec/main?version=1',
    'GET /v1/secret/data/ssec/main?version=2',
  ])
})

t.test('a login by AppRole, renewed in its last third, and anew when it was revoked', async t => {
  const vault = await startVault(t, keyOf(1))
  let ms = 0
  const provider = providerOf(vault, APP_ROLE, () => new Date(ms))
  await provider.fetch()
  ms = 2_300_000
  await provider.fetch()
  t.notOk(vault.calls.includes('POST /v1/auth/token/renew-self'))
  ms = 2_500_000
  await provider.fetch()
  t.equal(vault.calls.filter(call => call === 'POST /v1/auth/token/renew-self').length, 1)
  vault.tokens.clear()
  await provider.fetch()
  t.equal(vault.calls.filter(call => call === 'POST /v1/auth/approle/login').length, 2)
})

t.test('a login by Kubernetes reads the token anew', async t => {
  const vault = await startVault(t, keyOf(1))
  const jwtFile = join(t.testdir({ token: 'old' }), 'token')
  const auth = { kind: 'kubernetes', mount: 'kubernetes', role: 'ssec', jwtFile } as const
  const provider = providerOf(vault, auth)
  await t.rejects(provider.fetch(), { message: /answered 400 to the login/ })
  await writeFile(jwtFile, 'jwt\n')
  t.equal((await provider.fetch()).length, 1)
  const gone = providerOf(vault, { ...auth, jwtFile: '/nowhere' })
  await t.rejects(gone.fetch(), { message: "the service account's token /nowhere cannot be read." })
})

t.test('faults say what to do, and quote no key', async t => {
  const vault = await startVault(t, keyOf(1))
  const faults: readonly (readonly [number, RegExp])[] = [
    [503, /answered 503 to the look-up of the token\. It is sealed/],
    [403, /answered 403 .* The token may not do that/],
    [0, /cannot be reached/],
  ]
  for (const [fault, message] of faults) {
    vault.fault = fault
    await t.rejects(providerOf(vault).fetch(), { name: 'KeyProviderError', message })
  }
  vault.fault = undefined
  vault.keys[0] = 'c2hvcnQ='
  const error = await providerOf(vault)
    .fetch()
    .catch((error: unknown) => error)
  t.match(String(error), /is base64 of 5 bytes/)
  t.notMatch(String(error), /c2hvcnQ/)
  vault.keys[0] = undefined
  await t.rejects(providerOf(vault).fetch(), {
    message: 'Vault has no key at secret/ssec/main.',
  })
})

t.test('a vault that stumbles is asked again', async t => {
  const vault = await startVault(t, keyOf(1))
  vault.fault = 503
  const fetched = providerOf(vault).fetch()
  while (vault.calls.length === 0) await new Promise(resolve => setTimeout(resolve, 5))
  vault.fault = undefined
  t.equal((await fetched).length, 1)
})

t.test('a new version is written where nobody else was faster', async t => {
  const vault = await startVault(t, keyOf(1))
  const session = sessionOf(vault, TOKEN)
  t.equal(await addKvVersion(session, PLACE, { key: keyOf(2) }), 'v2')
  t.strictSame(vault.keys, [keyOf(1), keyOf(2)])
  const both = await Promise.allSettled([
    addKvVersion(session, PLACE, { key: keyOf(3) }),
    addKvVersion(session, PLACE, { key: keyOf(4) }),
  ])
  t.strictSame(both.map(({ status }) => status).sort(), ['fulfilled', 'rejected'])
  t.equal(vault.keys.length, 3)
})

t.test('a version that would have the oldest key destroyed is not written', async t => {
  const vault = await startVault(t, ...Array.from({ length: 10 }, (_, i) => keyOf(i)))
  const session = sessionOf(vault, TOKEN)
  await t.rejects(addKvVersion(session, PLACE, { key: keyOf(99) }), {
    message: /keeps 10 versions .* destroy the oldest key.* -max-versions=1000 ssec\/main/,
  })
  t.equal(vault.keys.length, 10)
  vault.maxVersions = 11
  t.equal(await addKvVersion(session, PLACE, { key: keyOf(99) }), 'v11')
  await t.rejects(addKvVersion(session, PLACE, { key: keyOf(98) }), KeyProviderError)
})
