import t from 'tap'
import { startVault } from '../keys/vault-server.ts'
import {
  CONFIG,
  type Data,
  ENV,
  faultsOf,
  folderFor,
  keyOf,
  load,
  withoutPlace,
} from './fixture.ts'

const env = { ...ENV, VAULT_TOKEN: 'root' }
const FIELD = { path: 'ssec/main', field: 'key' }

/** A configuration whose client and upstream have their secrets in a vault. */
const withVault = (vault: Data | undefined, ref: Data = FIELD) => ({
  ...CONFIG,
  ...(vault !== undefined && { vault }),
  upstreams: {
    main: {
      ...CONFIG.upstreams.main,
      credentials: { accessKeyId: 'UP', secretAccessKey: { vault: ref } },
    },
  },
  clients: [{ ...CONFIG.clients[0], secretAccessKey: { vault: ref } }],
})

const linesOf = async (folder: string): Promise<string[]> =>
  (await faultsOf(folder, env)).map(withoutPlace)

t.test('secrets are read from the vault, each secret once', async t => {
  const vault = await startVault(t)
  vault.field = { key: keyOf(4) }
  const auth = { token: { env: 'VAULT_TOKEN' } }
  const folder = await folderFor(t, withVault({ address: vault.address, auth }))
  const { config } = await load(folder, env)
  const proof = config.clients[0]?.proof
  t.equal(proof?.kind === 'signature' && proof.secretAccessKey.expose(), keyOf(4))
  const credentials = config.upstreams.get('main')?.credentials
  t.equal(
    credentials && 'secretAccessKey' in credentials && credentials.secretAccessKey.expose(),
    keyOf(4),
  )
  t.equal(vault.calls.filter(call => call === 'GET /v1/secret/data/ssec/main').length, 1)
})

t.test('what cannot be read is told where it is named, with all else', async t => {
  const vault = await startVault(t)
  vault.field = { other: 'x' }
  const auth = { token: { env: 'VAULT_TOKEN' } }
  const place = { address: vault.address, auth }
  const missing = 'names a secret, or a field of it, that the vault does not have.'
  t.strictSame(await linesOf(await folderFor(t, withVault(place))), [
    `upstreams.main.credentials.secretAccessKey.vault: ${missing}`,
    `clients[0].secretAccessKey.vault: ${missing}`,
  ])
  const elsewhere = await linesOf(await folderFor(t, withVault(place, { ...FIELD, path: 'none' })))
  t.match(elsewhere[0], missing)
  vault.fault = 403
  const denied = await linesOf(await folderFor(t, withVault(place)))
  t.equal(denied.length, 2)
  for (const line of denied)
    t.match(line, /secretAccessKey\.vault: cannot be read\. Vault at .* 403/)
})

t.test('no vault, one of a wrong shape, in clear, or with its own token in it', async t => {
  const [none = ''] = await linesOf(await folderFor(t, withVault(undefined)))
  t.match(none, /secretAccessKey\.vault: names a secret of a vault, and there is none\./)
  const shape = await linesOf(await folderFor(t, withVault({ address: 'https://vault.internal' })))
  t.equal(shape.length, 1)
  t.match(shape[0], /^vault\.auth: /)
  const token = { vault: FIELD }
  const circle = { address: 'http://vault.internal', auth: { token } }
  const lines = await linesOf(await folderFor(t, withVault(circle)))
  t.match(lines[0], /^vault\.address: is plain http to another machine/)
  t.match(lines.join('\n'), /vault\.auth\.token\.vault: lies in the vault that it opens\./)
})
