import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { run } from './command.ts'

// The package as its users get it: packed, installed elsewhere without what only developers need, and used.

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

const SHIPPED =
  /^(?:dist\/(?:bin|lib)\/|config\/|package\.json$|README\.md$|LICENSE$|CHANGELOG\.md$|SECURITY\.md$)/

t.test('the package', async t => {
  const folder = await mkdtemp(join(tmpdir(), 'ssec-proxy-package-'))
  t.teardown(() => rm(folder, { recursive: true, force: true }))

  // `npm run test:real` has built it; to build it again would pull dist from under the tests beside this one.
  const packed = await run(
    'npm',
    ['pack', '--json', '--ignore-scripts', '--pack-destination', folder],
    { cwd: ROOT },
  )
  const [{ filename, files }] = JSON.parse(packed) as [
    { filename: string; files: { path: string }[] },
  ]
  for (const { path } of files) t.match(path, SHIPPED)

  const install = [
    'install',
    '--global',
    '--omit=dev',
    '--no-audit',
    '--no-fund',
    '--ignore-scripts',
  ]
  await run('npm', [...install, '--prefix', folder, join(folder, filename)])
  const program = join(folder, 'bin/ssec-proxy')
  const { version } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8'))
  t.equal(await run(program, ['--version']), version)

  const proxy = join(folder, 'proxy')
  const provider = ['--provider', 'generic', '--endpoint', 'https://objects.example.com']
  await run(program, ['init', '--dir', proxy, ...provider])
  t.ok((await readdir(proxy)).includes('ssec-proxy.yaml'))
  const env = { UPSTREAM_ACCESS_KEY_ID: 'A', UPSTREAM_SECRET_ACCESS_KEY: 'B' }
  await run(program, ['check', '--config', join(proxy, 'ssec-proxy.yaml')], { env })
})
