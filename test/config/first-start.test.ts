import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { readKeyringFile } from '../../lib/keys/providers/file.ts'
import { CONFIG, faultsOf, folderWith, load } from './fixture.ts'

const QUICKSTART = {
  ...CONFIG,
  quickstart: true,
  clients: [{ ...CONFIG.clients[0], secretAccessKey: { file: 'secrets/app' } }],
}

const modeOf = async (file: string): Promise<number> => (await stat(file)).mode & 0o777

t.test(
  'a first start creates the keys and secrets that are missing, for their owner alone',
  async t => {
    const folder = await folderWith(t, { 'config.yaml': JSON.stringify(QUICKSTART) })
    const { config, created } = await load(folder)
    const [keyring, secret] = [join(folder, 'keys/main.yaml'), join(folder, 'secrets/app')]
    t.strictSame(created, [keyring, secret])
    t.equal(await modeOf(keyring), 0o600)
    t.equal(await modeOf(secret), 0o600)
    t.equal(await modeOf(join(folder, 'keys')), 0o700)
    t.equal((await readKeyringFile(keyring, 'owner')).length, 1)
    const proof = config.clients[0]?.proof
    t.match(proof?.kind === 'signature' && proof.secretAccessKey.expose(), /^[\w-]{40}$/)
  },
)

t.test('a second start finds them, and changes nothing', async t => {
  const folder = await folderWith(t, { 'config.yaml': JSON.stringify(QUICKSTART) })
  await load(folder)
  const before = await readFile(join(folder, 'keys/main.yaml'), 'utf8')
  t.strictSame((await load(folder)).created, [])
  t.equal(await readFile(join(folder, 'keys/main.yaml'), 'utf8'), before)
})

t.test('two first starts at once agree', async t => {
  const folder = await folderWith(t, { 'config.yaml': JSON.stringify(QUICKSTART) })
  const loaded = await Promise.all([load(folder), load(folder), load(folder)])
  t.equal(loaded.flatMap(({ created }) => created).length, 2)
  const secrets = loaded.map(({ config }) => {
    const proof = config.clients[0]?.proof
    return proof?.kind === 'signature' ? proof.secretAccessKey.expose() : undefined
  })
  t.equal(new Set(secrets).size, 1)
})

t.test('without quickstart nothing is created', async t => {
  const folder = await folderWith(t, {
    'config.yaml': JSON.stringify({ ...QUICKSTART, quickstart: false }),
  })
  t.equal((await faultsOf(folder)).length, 2)
  await t.rejects(stat(join(folder, 'keys')), { code: 'ENOENT' })
})

t.test('with a fault nothing is created', async t => {
  const folder = await folderWith(t, {
    'config.yaml': JSON.stringify({ ...QUICKSTART, domain: 1 }),
  })
  t.equal((await faultsOf(folder)).length, 3)
  await t.rejects(stat(join(folder, 'keys')), { code: 'ENOENT' })
})

t.test('a file that cannot be created is a fault', async t => {
  const keyrings = { main: { provider: 'file', path: 'config.yaml/below/a/file.yaml' } }
  const config = JSON.stringify({ ...QUICKSTART, keyrings })
  t.strictSame(await faultsOf(await folderWith(t, { 'config.yaml': config })), [
    'config.yaml/below/a/file.yaml: cannot be created (ENOTDIR). Make its folder writable, or create it yourself.',
  ])
})
