import { cp, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { readConfig } from '../../lib/config/load.ts'
import { ENV, folderWith, KEYRING, keyOf } from './fixture.ts'

const root = join(import.meta.dirname, '../..')
const pem = (name: string): Promise<string> =>
  readFile(join(root, 'test/fixtures/tls', name), 'utf8')

/** What the examples find in the world of somebody who uses them. */
const world = async () => ({
  files: {
    'config/keys/main.yaml': KEYRING,
    'config/keys/wrapped.yaml': 'versions: [{ id: v1, wrapped: YQ== }]',
    'config/secrets/app': 'secret\n',
    'config/secrets/provider': 'secret\n',
    'config/certs/server.pem': await pem('server.pem'),
    'config/certs/server.key': await pem('server.key'),
    'config/certs/clients-ca.pem': await pem('ca.pem'),
    'config/certs/minio-ca.pem': await pem('ca.pem'),
  },
  env: {
    ...ENV,
    AWS_ACCESS_KEY_ID: 'A',
    AWS_SECRET_ACCESS_KEY: 'B',
    ...Object.fromEntries(
      ['RGW', 'OBS', 'B2', 'OVH', 'GCS'].flatMap(prefix => [
        [`${prefix}_ACCESS_KEY_ID`, 'A'],
        [`${prefix}_SECRET_ACCESS_KEY`, 'B'],
      ]),
    ),
    BACKUP_SECRET: 'C',
    APP_KEYRING: keyOf(1),
    BACKUP_KEYRING: KEYRING,
    SSEC_KEYRING: keyOf(3),
  },
})

const EXAMPLES = (await readdir(join(root, 'config'))).filter(
  name => name.endsWith('.yaml') && name !== 'generic-policy.yaml',
)

for (const name of EXAMPLES) {
  t.test(`config/${name} has no fault, and nothing to warn of`, async t => {
    const { files, env } = await world()
    const folder = await folderWith(t, files)
    await cp(join(root, 'config'), join(folder, 'config'), { recursive: true })
    const { config, warnings } = await readConfig(join(folder, 'config', name), env)
    t.strictSame(warnings, [])
    t.ok(config.rules.length > 0)
    t.equal(config.quickstart, name === 'quickstart.yaml')
  })
}

t.test('they are all looked at', async t => {
  t.ok(EXAMPLES.length > 10, EXAMPLES.join(', '))
})
