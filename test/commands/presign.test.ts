import t from 'tap'
import { createAuthenticate } from '../../lib/authenticate/authenticate.ts'
import { createSigningKeys } from '../../lib/sigv4/signature.ts'
import { requestOf, signingClient } from '../authenticate/fixtures.ts'
import { CONFIG, folderFor, keyOf } from '../config/fixture.ts'
import { signer } from '../support/client.ts'
import { command, ENV, workFolder } from './fixture.ts'

const NOW = new Date('2026-11-21T05:48:13Z')
const env = { ...ENV, APP_KEYRING: keyOf(5) }
const APP = { accessKeyId: 'app', secretAccessKey: ENV.APP_SECRET }

const presigned = async (cwd: string, ...words: readonly string[]): Promise<URL> => {
  const { out } = await command(cwd, ['presign', ...words], env)
  return new URL(out.trim())
}

const authenticate = createAuthenticate([signingClient('app', APP)], createSigningKeys())

const verified = (method: string, url: URL, ...headers: readonly string[]) => {
  const request = requestOf({
    method,
    target: `${url.pathname}${url.search}`,
    rawHeaders: ['host', url.host, ...headers],
  })
  return authenticate(request, NOW)
}

t.test('a URL verifies, and names what it allows', async t => {
  const folder = await workFolder(t)
  const get = await presigned(
    folder,
    'GET',
    's3://b/dir/ä b+.txt?response-content-type=text/plain&versionId=1',
    '--client',
    'app',
  )
  t.equal(get.origin, 'http://127.0.0.1:9000')
  t.equal(get.searchParams.get('X-Amz-Expires'), '3600')
  const request = verified('GET', get)
  t.match(request, {
    client: { name: 'app' },
    operation: { name: 'GetObject' },
    address: { bucket: 'b', objectKey: 'dir/ä b+.txt' },
    query: [
      { name: 'response-content-type', value: 'text/plain' },
      { name: 'versionId', value: '1' },
    ],
  })
  t.throws(() => verified('PUT', get, 'content-length', '0'), { code: 'SignatureDoesNotMatch' })
})

t.test('headers that were given must be sent', async t => {
  const folder = await workFolder(t)
  const put = await presigned(
    folder,
    ...['put', 's3://b/k', '--client', 'app', '--expires', '60'],
    ...['--endpoint', 'https://s3.example.com/', '--header', 'Content-Type: text/plain'],
  )
  t.match(put.href, /^https:\/\/s3\.example\.com\/b\/k\?/)
  t.equal(put.searchParams.get('X-Amz-SignedHeaders'), 'content-type;host')
  const length = ['content-length', '1'] as const
  t.equal(verified('PUT', put, ...length, 'content-type', 'text/plain').operation.name, 'PutObject')
  t.throws(() => verified('PUT', put, ...length, 'content-type', 'text/html'), {
    code: 'SignatureDoesNotMatch',
  })
})

t.test('it is what AWS’s own signer makes', async t => {
  const folder = await workFolder(t)
  const headers = { 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD', 'content-type': 'text/plain' }
  const ours = await presigned(
    folder,
    ...['PUT', 's3://b/a b/c', '--client', 'app'],
    ...Object.entries(headers).flatMap(([name, value]) => ['--header', `${name}: ${value}`]),
  )
  const theirs = await signer(APP, 'eu-central-1').presign(
    {
      method: 'PUT',
      protocol: 'http:',
      hostname: '127.0.0.1',
      port: 9000,
      path: '/b/a%20b/c',
      query: {},
      headers: { host: '127.0.0.1:9000', ...headers },
    },
    {
      expiresIn: 3600,
      signingDate: NOW,
      unhoistableHeaders: new Set(['x-amz-content-sha256']),
    },
  )
  t.strictSame(Object.fromEntries(ours.searchParams), theirs.query)
})

t.test('no secret and no key is in what is printed', async t => {
  const folder = await workFolder(t)
  const words = ['presign', 'PUT', 's3://b/k', '--client', 'app', '--header', 'content-type: a/b']
  const { out, err } = await command(folder, words, env)
  for (const secret of Object.values(ENV).filter(value => value.includes('secret'))) {
    t.notOk(`${out}${decodeURIComponent(out)}${err}`.includes(secret))
  }
  t.notMatch(decodeURIComponent(out), /customer-key|[A-Za-z0-9+/]{43}=/)
})

t.test('what cannot be presigned is a usage fault', async t => {
  const folder = await workFolder(t)
  const cases: readonly (readonly [RegExp, ...string[]])[] = [
    [/GET and PUT/, 'DELETE', 's3://b/k'],
    [/names no object/, 'GET', 's3://b'],
    [/seconds between 1 and 604800/, 'GET', 's3://b/k', '--expires', '604801'],
    [/seconds between 1 and 604800/, 'GET', 's3://b/k', '--expires', '1h'],
    [/scheme and host/, 'GET', 's3://b/k', '--endpoint', 's3.example.com'],
    [/scheme and host/, 'GET', 's3://b/k', '--endpoint', 'https://s3.example.com/path'],
    [/--header wants/, 'GET', 's3://b/k', '--header', 'content-type'],
    [/not implemented/, 'GET', 's3://b/k?unknown=1'],
  ]
  for (const [sentence, ...words] of cases) {
    const { code, out, err } = await command(folder, ['presign', ...words, '--client', 'app'], env)
    t.match({ code, out, err }, { code: 1, out: '', err: sentence }, words.join(' '))
  }
})

t.test('who has no access key, or no address, is told so', async t => {
  const cases = [
    [
      { clients: [{ name: 'side', trusted: 'loopback', upstream: 'main' }] },
      /side has no access key/,
    ],
    [{ listen: [{ socket: 'proxy.sock' }] }, /Name it with --endpoint/],
    [{ listen: [{ host: '0.0.0.0', port: 9000 }] }, /Name it with --endpoint/],
  ] as const
  for (const [change, sentence] of cases) {
    const text = JSON.stringify({ ...CONFIG, ...change })
    const folder = await folderFor(t, text, { 'ssec-proxy.yaml': text })
    t.match(await command(folder, ['presign', 'GET', 's3://b/k']), { code: 1, err: sentence })
  }
})

t.test('the first listener that names a host is where the proxy is', async t => {
  const text = JSON.stringify({ ...CONFIG, listen: [{ socket: 'a' }, { host: '::1', port: 80 }] })
  const folder = await folderFor(t, text, { 'ssec-proxy.yaml': text })
  t.equal((await presigned(folder, 'GET', 's3://b/k')).origin, 'http://[::1]')
})
