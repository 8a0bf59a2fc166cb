import { readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { command } from './fixture.ts'

const UPSTREAM = { UPSTREAM_ACCESS_KEY_ID: 'A', UPSTREAM_SECRET_ACCESS_KEY: 'B' }

t.test('init writes a configuration that check finds good', async t => {
  const folder = t.testdir({})
  for (const [dir, ...words] of [
    ['plain'],
    ['aws', '--region', 'eu-central-1'],
    ['minio', '--provider', 'minio', '--endpoint', 'https://minio.internal:9000'],
    ['embedded', '--provider', 'embedded'],
    ['with space', '--provider', 'ceph', '--endpoint', 'https://rgw.internal'],
  ] as const) {
    const init = await command(folder, ['init', '--dir', dir, ...words])
    t.strictSame([init.code, init.err], [0, ''], dir)
    const check = await command(join(folder, dir), ['check'], UPSTREAM)
    t.equal(check.out, 'ok: 1 listener, 1 upstream, 1 client, 1 keyring, 1 rule, 0 warnings\n', dir)
  }
})

t.test('key and secret are for their owner alone, and random', async t => {
  const folder = t.testdir({})
  const texts = new Set<string>()
  for (const dir of ['a', 'b']) {
    const { out } = await command(folder, ['init', '--dir', dir])
    for (const name of ['keys/main.yaml', 'secrets/app']) {
      const file = join(folder, dir, name)
      t.equal((await stat(file)).mode & 0o777, 0o600)
      const text = await readFile(file, 'utf8')
      t.notOk(texts.has(text))
      texts.add(text)
      t.notMatch(out, text.trim())
    }
  }
})

t.test('init says what to do next, first of all to back up the key', async t => {
  const folder = t.testdir({})
  const { out } = await command(folder, ['init', '--dir', 'proxy'])
  t.match(out, 'Copy proxy/keys/main.yaml to a safe place, now')
  t.match(out, 'export UPSTREAM_ACCESS_KEY_ID=')
  t.match(out, 'ssec-proxy serve --config proxy/ssec-proxy.yaml')
  t.match(out, 'AWS_SECRET_ACCESS_KEY="$(cat proxy/secrets/app)"')
})

t.test('an embedded upstream needs no credentials', async t => {
  const { out } = await command(t.testdir({}), ['init', '--provider', 'embedded'])
  t.notMatch(out, 'UPSTREAM_')
})

t.test('init never replaces a file', async t => {
  const folder = t.testdir({ secrets: { app: 'precious' } })
  const { code, err } = await command(folder, ['init'])
  t.equal(code, 1)
  t.equal(err, 'There already: secrets/app. Nothing was written. Choose another --dir.\n')
  t.equal(await readFile(join(folder, 'secrets/app'), 'utf8'), 'precious')
  await t.rejects(stat(join(folder, 'keys')), { code: 'ENOENT' })
})

t.test('options that lead to a faulty configuration write nothing', async t => {
  const folder = t.testdir({})
  for (const [words, expected] of [
    [['--provider', 'amazon'], /needs --endpoint/],
    [['--provider', 'amazon', '--endpoint', 'https://x'], /^--provider must be one of /],
    [['--provider', 'minio'], /^Provider minio needs --endpoint/],
    [['--provider', 'minio', '--endpoint', 'minio:9000'], /^--endpoint is not a URL/],
    [['--provider', 'minio', '--endpoint', 'http://minio'], /^--endpoint is plain http/],
    [['--region', 'eu central'], /^--region must be a region/],
  ] as const) {
    const { code, err } = await command(folder, ['init', ...words])
    t.equal(code, 1, words.join(' '))
    t.match(err, expected)
  }
  await t.rejects(stat(join(folder, 'ssec-proxy.yaml')), { code: 'ENOENT' })
})

t.test('a folder that cannot be made is a failure', async t => {
  const folder = t.testdir({})
  await writeFile(join(folder, 'file'), '')
  const { code, err } = await command(folder, ['init', '--dir', 'file/below'])
  t.equal(code, 2)
  t.match(err, /ENOTDIR/)
})
