import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { createVaultSession } from '../../lib/keys/providers/vault/session.ts'
import { createTransitWrapper } from '../../lib/keys/providers/vault/transit.ts'
import { readWrappedFile } from '../../lib/keys/providers/wrapped-file.ts'
import { Secret } from '../../lib/s3/secret.ts'
import { command, ENV } from '../commands/fixture.ts'
import { CONFIG, faultsOf, folderFor, keyOf } from '../config/fixture.ts'
import { startVault, type VaultServer } from './vault-server.ts'

const V1 = { keyring: 'main', version: 'v1' }
const KEY = { mount: 'transit', keyName: 'ssec' }

const wrapperOf = ({ address }: VaultServer, key = KEY) =>
  createTransitWrapper(
    createVaultSession(
      {
        address,
        namespace: undefined,
        ca: undefined,
        timeout: 2000,
        auth: { kind: 'token', token: new Secret('root') },
      },
      () => new Date(0),
      () => 0,
    ),
    key,
  )

t.test('a key comes out as it was wrapped, for its binding alone', async t => {
  const wrapper = wrapperOf(await startVault(t))
  const generated = await wrapper.generate(V1)
  t.match(generated, /^vault:v1:/)
  t.equal((await wrapper.unwrap(generated, V1)).length, 32)
  const wrapped = await wrapper.wrap(Buffer.alloc(32, 7), V1)
  t.strictSame(await wrapper.unwrap(wrapped, V1), Buffer.alloc(32, 7))
  const others = [
    { keyring: 'main', version: 'v2' },
    { keyring: 'other', version: 'v1' },
  ]
  for (const other of others) {
    await t.rejects(wrapper.unwrap(wrapped, other), {
      name: 'KeyProviderError',
      message: new RegExp(`^Keyring ${other.keyring}, version ${other.version}: Vault .* 400 `),
    })
  }
})

t.test('a Transit key that derives nothing, or is not there, wraps nothing', async t => {
  const vault = await startVault(t)
  for (const keyName of ['plain', 'none']) {
    const wrapper = wrapperOf(vault, { ...KEY, keyName })
    const expected = { message: new RegExp(`vault write transit/keys/${keyName} derived=true`) }
    await t.rejects(wrapper.generate(V1), expected)
    await t.rejects(wrapper.wrap(Buffer.alloc(32), V1), expected)
  }
  t.notOk(vault.calls.some(call => /datakey|encrypt/.test(call)))
})

t.test('an answer without what was asked for', async t => {
  const session = { call: async () => ({ derived: true }) }
  await t.rejects(createTransitWrapper(session, KEY).generate(V1), {
    message: 'Vault gave no ciphertext.',
  })
})

const keyringAt = ({ address }: VaultServer) => ({
  provider: 'vaultTransit',
  path: 'keys/wrapped.yaml',
  address,
  auth: { token: { env: 'VAULT_TOKEN' } },
  keyName: 'ssec',
})

const folderWith = (t: Test, main: ReturnType<typeof keyringAt>): Promise<string> => {
  const text = JSON.stringify({ ...CONFIG, keyrings: { main } })
  return folderFor(t, text, { 'ssec-proxy.yaml': text })
}

t.test('a keyring is made, rotated and listed', async t => {
  const vault = await startVault(t)
  const folder = await folderWith(t, keyringAt(vault))
  const env = { ...ENV, VAULT_TOKEN: 'root' }
  const made = await command(folder, ['keys', 'generate', '--keyring', 'main'], env)
  t.match(made, { code: 0, out: /^created: keys\/wrapped.yaml/ }, made.err)
  const rotated = await command(folder, ['keys', 'rotate', '--derive', 'bucket'], env)
  t.match(rotated, { code: 0, out: /^rotated: main\/v2 encrypts in 300 s/ })
  const versions = await readWrappedFile(join(folder, 'keys/wrapped.yaml'))
  t.strictSame(
    versions.map(({ id, derive }) => [id, derive]),
    [
      ['v2', 'bucket'],
      ['v1', undefined],
    ],
  )
  t.notOk(
    vault.calls.some(call => call.includes('decrypt')),
    'no right to decrypt is needed',
  )
  t.match((await command(folder, ['keys', 'list'], env)).out, /main +v2 .*\nmain +v1 /)
})

t.test('the keys of a file are wrapped', async t => {
  const folder = await folderWith(t, keyringAt(await startVault(t)))
  const env = { ...ENV, VAULT_TOKEN: 'root' }
  const words = ['keys', 'import', '--keyring', 'main', 'keys/main.yaml']
  t.equal((await command(folder, words, env)).code, 0)
  t.notMatch(await readFile(join(folder, 'keys/wrapped.yaml'), 'utf8'), keyOf(2))
})

t.test('faults of its configuration', async t => {
  const vault = await startVault(t)
  const main = { ...keyringAt(vault), address: 'http://vault.internal', keyName: 'a/b' }
  const faults = await faultsOf(await folderWith(t, main), { ...ENV, VAULT_TOKEN: 'root' })
  t.match(faults.join('\n'), /keyName: must be the name of a Transit key/)
  const good = { ...keyringAt(vault), address: 'http://vault.internal' }
  const more = await faultsOf(await folderWith(t, good), { ...ENV, VAULT_TOKEN: 'root' })
  t.match(more.join('\n'), /address: is plain http to another machine/)
  t.match(more.join('\n'), /path: names a keyring that does not exist/)
})
