import { generateKeyPairSync, randomBytes, sign } from 'node:crypto'
import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import type { KeyProvider } from '../../lib/keys/providers/provider.ts'
import { addKvVersion, createKvProvider } from '../../lib/keys/providers/vault/kv.ts'
import { createVaultSession, type VaultAuth } from '../../lib/keys/providers/vault/session.ts'
import { restore, retire } from '../../lib/keys/retire.ts'
import { Secret } from '../../lib/s3/secret.ts'
import { causeOf } from './command.ts'
import { ask } from './provider.ts'
import { APP, command, createSite, setKeyring, startProxy } from './proxy.ts'
import { fieldOf, type RealVault, startVault, vaultAt } from './servers/vault.ts'
import { readStage } from './stage.ts'

// The key provider `vault` before HashiCorp Vault itself.

/** As docs/keys.md has it. */
const LEAST_POLICY = `
path "secret/metadata/ssec/main" { capabilities = ["read"] }
path "secret/data/ssec/main"     { capabilities = ["read"] }
`

const ROTATING_POLICY = `
path "secret/metadata/ssec/main" { capabilities = ["read"] }
path "secret/data/ssec/main"     { capabilities = ["read", "create", "update"] }
`

const PLACE = { mount: 'secret', path: 'ssec/main' }

const freshKey = (): string => randomBytes(32).toString('base64')

const tokenOf = (token: string): VaultAuth => ({ kind: 'token', token: new Secret(token) })

interface Way {
  readonly ca?: string | undefined
  readonly namespace?: string
}

const sessionOf = async ({ endpoint }: RealVault, auth: VaultAuth, way: Way = {}) =>
  createVaultSession(
    {
      address: endpoint.origin,
      namespace: undefined,
      ca: await readFile(endpoint.ca, 'utf8'),
      timeout: 5000,
      auth,
      ...way,
    },
    () => new Date(),
  )

const providerOf = async (vault: RealVault, auth: VaultAuth, way?: Way): Promise<KeyProvider> =>
  createKvProvider(await sessionOf(vault, auth, way), PLACE)

const idsFrom = async (provider: KeyProvider): Promise<readonly string[]> =>
  (await provider.fetch()).map(({ id }) => id)

const putKey = (vault: RealVault): Promise<unknown> =>
  vault.demand('POST', 'secret/data/ssec/main', { data: { key: freshKey() } })

/** Removes the secret with all of its versions, and makes it anew with one. */
const startSecret = async (vault: RealVault): Promise<void> => {
  await vault.ask('DELETE', 'secret/metadata/ssec/main')
  await putKey(vault)
}

const testVersions = async (t: Test, vault: RealVault): Promise<void> => {
  await startSecret(vault)
  await putKey(vault)
  await putKey(vault)
  const provider = await providerOf(vault, tokenOf(await vault.createToken('least', LEAST_POLICY)))
  const versions = await provider.fetch()
  t.strictSame(
    versions.map(({ id }) => id),
    ['v3', 'v2', 'v1'],
  )
  const ages = versions.map(({ createdAt }) => Date.now() - (createdAt?.getTime() ?? 0))
  t.ok(ages.every(age => age < 60_000))
  await vault.demand('POST', 'secret/delete/ssec/main', { versions: [2] })
  t.strictSame(await idsFrom(provider), ['v3', 'v1'], 'deleted')
  await vault.demand('POST', 'secret/undelete/ssec/main', { versions: [2] })
  t.strictSame(await idsFrom(provider), ['v3', 'v2', 'v1'], 'undeleted')
  await vault.demand('PUT', 'secret/destroy/ssec/main', { versions: [1] })
  t.strictSame(await idsFrom(provider), ['v3', 'v2'], 'destroyed')
}

/** How many tokens there are. */
const countTokens = async (vault: RealVault): Promise<number> =>
  (fieldOf(await vault.demand('LIST', 'auth/token/accessors'), 'data', 'keys') as string[]).length

const createAppRole = async (vault: RealVault, role: object): Promise<VaultAuth> => {
  await vault.demand('PUT', 'sys/policies/acl/least', { policy: LEAST_POLICY })
  await vault.ask('POST', 'sys/auth/approle', { type: 'approle' })
  const path = 'auth/approle/role/proxy'
  await vault.demand('POST', path, { token_policies: 'least', ...role })
  const roleId = fieldOf(await vault.demand('GET', `${path}/role-id`), 'data', 'role_id')
  const secretId = fieldOf(await vault.demand('POST', `${path}/secret-id`), 'data', 'secret_id')
  return {
    kind: 'appRole',
    mount: 'approle',
    roleId: String(roleId),
    secretId: new Secret(String(secretId)),
  }
}

const testAppRole = async (t: Test, vault: RealVault): Promise<void> => {
  await startSecret(vault)
  const auth = await createAppRole(vault, { token_ttl: '3s', token_max_ttl: '1h' })
  const before = await countTokens(vault)
  const provider = await providerOf(vault, auth)
  for (let second = 0; second < 7; second++) {
    t.strictSame(await idsFrom(provider), ['v1'])
    await sleep(1000)
  }
  t.equal((await countTokens(vault)) - before, 1, 'one login, renewed past its time')
  await vault.demand('POST', 'sys/leases/revoke-prefix/auth/approle/login')
  t.strictSame(await idsFrom(provider), ['v1'], 'and anew when it was revoked')
  const wrong = await providerOf(vault, { ...auth, secretId: new Secret('wrong') } as VaultAuth)
  // Vault 1.13.0 calls a wrong secret id a fault of its own; others answer 400.
  await t.rejects(wrong.fetch(), {
    message: /answered [45]00 to the login at auth\/approle\/login\. .*[cC]heck/,
  })
}

const testEndingToken = async (t: Test, vault: RealVault): Promise<void> => {
  await startSecret(vault)
  const auth = await createAppRole(vault, { token_ttl: '2s', token_max_ttl: '4s' })
  const provider = await providerOf(vault, auth)
  for (let tick = 0; tick < 14; tick++) {
    t.strictSame(await idsFrom(provider), ['v1'])
    await sleep(500)
  }
}

/** What Vault asks a Kubernetes about a service account's token: https://kubernetes.io/docs/reference/kubernetes-api/authentication-resources/token-review-v1/ */
const startKubernetes = async (t: Test, jwt: string): Promise<string> => {
  const server = createServer(async (question, answer) => {
    const chunks: Buffer[] = []
    for await (const chunk of question) chunks.push(chunk)
    const { spec } = JSON.parse(Buffer.concat(chunks).toString())
    const user = {
      username: 'system:serviceaccount:storage:ssec-proxy',
      uid: '1',
      groups: ['system:serviceaccounts'],
    }
    const review = {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenReview',
      status: spec.token === jwt ? { authenticated: true, user } : { authenticated: false },
    }
    answer.writeHead(201, { 'content-type': 'application/json' }).end(JSON.stringify(review))
  }).listen(0, '127.0.0.1')
  t.teardown(() => server.close())
  await once(server, 'listening')
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

const serviceAccountToken = (): string => {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const seconds = Math.floor(Date.now() / 1000)
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')
  const claims = {
    iss: 'https://kubernetes.default.svc',
    sub: 'system:serviceaccount:storage:ssec-proxy',
    iat: seconds,
    nbf: seconds,
    exp: seconds + 3600,
    'kubernetes.io': {
      namespace: 'storage',
      serviceaccount: { name: 'ssec-proxy', uid: '1' },
    },
  }
  const text = `${part({ alg: 'RS256', typ: 'JWT' })}.${part(claims)}`
  return `${text}.${sign('sha256', Buffer.from(text), privateKey).toString('base64url')}`
}

const testKubernetes = async (t: Test, vault: RealVault): Promise<void> => {
  await startSecret(vault)
  const jwt = serviceAccountToken()
  await vault.demand('PUT', 'sys/policies/acl/least', { policy: LEAST_POLICY })
  await vault.demand('POST', 'sys/auth/kubernetes', { type: 'kubernetes' })
  await vault.demand('POST', 'auth/kubernetes/config', {
    kubernetes_host: await startKubernetes(t, jwt),
    kubernetes_ca_cert: await readFile(vault.endpoint.ca, 'utf8'),
    disable_local_ca_jwt: true,
  })
  await vault.demand('POST', 'auth/kubernetes/role/ssec-proxy', {
    bound_service_account_names: 'ssec-proxy',
    bound_service_account_namespaces: 'storage',
    token_policies: 'least',
  })
  const jwtFile = join(t.testdir({ token: `${jwt}\n` }), 'token')
  const auth = { kind: 'kubernetes', mount: 'kubernetes', role: 'ssec-proxy', jwtFile } as const
  t.strictSame(await idsFrom(await providerOf(vault, auth)), ['v1'])
  await writeFile(jwtFile, serviceAccountToken())
  await t.rejects((await providerOf(vault, auth)).fetch(), { message: /answered 403 to the login/ })
}

const testRefusals = async (t: Test, vault: RealVault): Promise<void> => {
  await startSecret(vault)
  const stranger = await vault.createToken('stranger', 'path "secret/none" {}')
  await t.rejects((await providerOf(vault, tokenOf(stranger))).fetch(), {
    message:
      /answered 403 to GET secret\/metadata\/ssec\/main\. The token may not do that, or has ended/,
  })
  await t.rejects((await providerOf(vault, tokenOf('hvs.none'))).fetch(), {
    message: /answered 403 to the look-up of the token/,
  })
  const root = tokenOf(vault.rootToken)
  const elsewhere = createKvProvider(await sessionOf(vault, root), { mount: 'secret', path: 'no' })
  await t.rejects(elsewhere.fetch(), { message: 'Vault has no key at secret/no.' })
  await t.rejects((await providerOf(vault, root, { ca: undefined })).fetch(), {
    message: /cannot be reached \(.*(CERT|SIGNATURE|ISSUER).*\)/,
  })
  // Namespaces are an enterprise's: the community's server does not look at the header.
  t.strictSame(await idsFrom(await providerOf(vault, root, { namespace: 'storage' })), ['v1'])
  await vault.seal()
  await t.rejects((await providerOf(vault, root)).fetch(), {
    message: /answered 503 to the look-up of the token\. It is sealed/,
  })
  await vault.unseal()
  t.strictSame(await idsFrom(await providerOf(vault, root)), ['v1'], 'unsealed')
}

const testWriting = async (t: Test, vault: RealVault): Promise<void> => {
  await startSecret(vault)
  const token = await vault.createToken('rotating', ROTATING_POLICY)
  const session = await sessionOf(vault, tokenOf(token))
  const add = (): Promise<string> => addKvVersion(session, PLACE, { key: freshKey() })
  t.equal(await add(), 'v2')
  const late = { options: { cas: 1 }, data: { key: freshKey() } }
  t.equal((await vault.ask('POST', 'secret/data/ssec/main', late)).status, 400, 'too late')
  for (let version = 3; version <= 10; version++) t.equal(await add(), `v${version}`)
  await t.rejects(add(), { message: /keeps 10 versions .* destroy the oldest key/ })
  t.equal((await idsFrom(await providerOf(vault, tokenOf(token)))).length, 10)
  await vault.demand('POST', 'secret/metadata/ssec/main', { max_versions: 1000 })
  t.equal(await add(), 'v11')
  t.equal((await idsFrom(await providerOf(vault, tokenOf(token)))).length, 11)
  const least = await sessionOf(vault, tokenOf(await vault.createToken('least', LEAST_POLICY)))
  await t.rejects(addKvVersion(least, PLACE, { key: freshKey() }), { message: /answered 403/ })
}

const RETIRING_POLICY = `
path "secret/metadata/ssec/main" { capabilities = ["read"] }
path "secret/data/ssec/main"     { capabilities = ["read"] }
path "secret/delete/ssec/main"   { capabilities = ["update"] }
path "secret/undelete/ssec/main" { capabilities = ["update"] }
`

const testRetiring = async (t: Test, vault: RealVault): Promise<void> => {
  await startSecret(vault)
  await putKey(vault)
  const { origin, ca } = vault.endpoint
  const auth = tokenOf(await vault.createToken('retiring', RETIRING_POLICY))
  const source = {
    ...PLACE,
    kind: 'vault',
    connection: {
      address: origin,
      namespace: undefined,
      ca: await readFile(ca, 'utf8'),
      timeout: 5000,
      auth,
    },
    refresh: { ttl: 100, grace: 100 },
    derive: 'none',
  } as const
  const around = { env: {}, now: () => new Date() }
  const provider = await providerOf(vault, auth)
  const before = await provider.fetch()
  await sleep(300)
  t.match(await retire(source, 'v1', around), /deleted and not destroyed/)
  t.strictSame(await idsFrom(provider), ['v2'])
  await t.rejects(retire(source, 'v2', around), { message: /Version v2 encrypts/ })
  await restore(source, 'v1', around)
  const keysOf = (versions: typeof before): readonly string[] =>
    versions.map(({ master }) => master.expose().toString('hex'))
  t.strictSame(keysOf(await provider.fetch()), keysOf(before), 'with the key that it had')
}

const TTL = 2000

const testProxy = async (t: Test, vault: RealVault): Promise<void> => {
  await startSecret(vault)
  const made = await createSite('embedded')
  if ('lacks' in made) throw new Error(made.lacks)
  const site = made.is
  t.teardown(() => site.close())
  await setKeyring(site, {
    ...(await vaultAt(site.folder, vault, await vault.createToken('rotating', ROTATING_POLICY))),
    provider: 'vault',
    path: PLACE.path,
    ttl: `${TTL}ms`,
  })
  const send = (method: string, objectKey?: string, body?: Buffer) =>
    ask(site.http, APP, {
      method,
      bucket: site.bucket,
      ...(objectKey !== undefined && { objectKey }),
      ...(body !== undefined && { body }),
    })
  const proxy = await startProxy(site)
  t.teardown(() => proxy.stop())
  const at = (objectKey: string) => ({ bucket: site.bucket, objectKey })
  await send('PUT')
  t.equal((await send('PUT', 'old', Buffer.from('old'))).status, 200)
  const first = await proxy.keyOf(at('old'))

  t.match(await command(site, 'keys', 'rotate', '--keyring', 'main'), /^rotated: main\/v2 encrypts/)
  // Which of them stands first depends on whether the TTL is over.
  const listed = await command(site, 'keys', 'list')
  for (const version of ['v1', 'v2']) t.match(listed, new RegExp(`main +${version} `))
  await sleep(TTL + 500)
  t.equal((await send('PUT', 'new', Buffer.from('new'))).status, 200)
  const second = await proxy.keyOf(at('new'))
  t.not(second, first)
  t.equal((await site.provider.read(at('new'), second)).status, 200, 'the new one is under v2')
  t.equal((await send('GET', 'old')).body.toString(), 'old')

  await vault.seal()
  await sleep(TTL * 2)
  t.equal((await send('GET', 'new')).body.toString(), 'new', 'sealed: the keys serve on')
  t.match(await readFile(join(site.folder, 'log'), 'utf8'), /keys not fetched.*|answered 503/)
  await t.rejects(command(site, 'keys', 'list'), /It is sealed/, 'but nothing starts')
  await vault.unseal()
  const log = await readFile(join(site.folder, 'log'), 'utf8')
  for (const key of [first, second, vault.rootToken]) t.notMatch(log, key)
}

await t.test('Vault', async t => {
  const { certificates } = await readStage()
  const vault = await startVault(certificates).catch(causeOf)
  if (typeof vault === 'string') {
    t.ok(true, 'Vault', { skip: vault })
    return
  }
  t.teardown(() => vault.stop())
  const tests: readonly (readonly [string, (t: Test, vault: RealVault) => Promise<void>])[] = [
    ['versions, by the least policy', testVersions],
    ['AppRole, renewed', testAppRole],
    ['AppRole, whose tokens end', testEndingToken],
    ['Kubernetes', testKubernetes],
    ['what it refuses is told', testRefusals],
    ['versions are added, and none is lost', testWriting],
    ['a version is retired, and comes back', testRetiring],
    ['the proxy: rotation and a sealed vault', testProxy],
  ]
  for (const [name, test] of tests) await t.test(name, t => test(t, vault))
})
