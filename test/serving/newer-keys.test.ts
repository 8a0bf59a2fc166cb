import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { startEmbedded } from '../../lib/embedded/server.ts'
import { textOf, tripleOf } from '../copy/stage.ts'
import { type Received, type Sending, send } from '../support/client.ts'
import { APP } from '../support/proxy.ts'
import { startFrom } from './stage.ts'

const keyOf = (n: number): Buffer => Buffer.alloc(32, n)

const configOf = (upstream: string, clientKeys: string): string => `
listen: [{ port: 0 }]
admin: { port: 0 }
watch: false
upstreams:
  up:
    provider: generic
    endpoint: ${upstream}
    credentials: { accessKeyId: UP, secretAccessKey: { insecureLiteral: up } }
clients:
  - name: app
    accessKeyId: ${APP.accessKeyId}
    secretAccessKey: { insecureLiteral: ${APP.secretAccessKey} }
    upstream: up
keyrings: { main: { provider: file, path: ../keys.yaml } }
rules: [{ name: all, encrypt: { keyring: main }, clientKeys: ${clientKeys} }]
`

type Ask = (sending: Sending) => Promise<Received>

interface Replicas {
  /** Has only the keys that there were before, and looks at no file by itself. */
  readonly old: Ask
  /** Began with the newest key. */
  readonly fresh: Ask
  readonly direct: Ask
  write(...versions: readonly number[]): Promise<void>
}

/** Two replicas with one keyring, which was rotated when the second started. */
const startReplicas = async (t: Test, clientKeys = 'reject'): Promise<Replicas> => {
  const upstream = await startEmbedded({ path: t.testdir(), host: '127.0.0.1', port: 0 })
  t.teardown(upstream.close)
  const folder = join(t.testdirName, 'replicas')
  const keys = join(folder, 'keys.yaml')
  const write = async (...versions: readonly number[]): Promise<void> => {
    const lines = versions.map(n => `  - { id: v${n}, key: ${keyOf(n).toString('base64')} }`)
    await writeFile(keys, ['versions:', ...lines, ''].join('\n'))
    await chmod(keys, 0o600)
  }
  const start = async (name: string): Promise<Ask> => {
    await mkdir(join(folder, name), { recursive: true })
    await writeFile(join(folder, name, 'config.yaml'), configOf(upstream.origin, clientKeys))
    const { proxy } = await startFrom(t, join(folder, name))
    return sending => send(proxy, sending)
  }
  await mkdir(folder)
  await write(1)
  const old = await start('old')
  await old({ method: 'PUT', path: '/bucket' })
  await write(2, 1)
  const fresh = await start('fresh')
  return { old, fresh, direct: sending => send(upstream.origin, sending), write }
}

t.test('a replica reads what another wrote under a version that it did not have', async t => {
  const { old, fresh, direct } = await startReplicas(t)
  await fresh({ method: 'PUT', path: '/bucket/new', body: 'new' })
  const bare = await direct({ path: '/bucket/new', headers: tripleOf(keyOf(2)) })
  t.equal(bare.text, 'new', 'it is under v2')
  const reads = await Promise.all(Array.from({ length: 10 }, () => old({ path: '/bucket/new' })))
  t.strictSame(
    reads.map(({ status, text }) => [status, text]),
    reads.map(() => [200, 'new']),
  )
  await old({ method: 'PUT', path: '/bucket/later', body: 'later' })
  const later = await direct({ path: '/bucket/later', headers: tripleOf(keyOf(2)) })
  t.equal(later.text, 'later', 'and it writes under v2 from then on')
})

t.test('so it does with a HEAD', async t => {
  const { old, fresh } = await startReplicas(t)
  await fresh({ method: 'PUT', path: '/bucket/new', body: 'new' })
  t.equal((await old({ method: 'HEAD', path: '/bucket/new' })).headers['content-length'], '3')
})

t.test('so it does with the source of a copy', async t => {
  const { old, fresh } = await startReplicas(t)
  await fresh({ method: 'PUT', path: '/bucket/new', body: 'new' })
  const headers = { 'x-amz-copy-source': '/bucket/new' }
  t.equal((await old({ method: 'PUT', path: '/bucket/copy', headers })).status, 200)
  t.equal((await fresh({ path: '/bucket/copy' })).text, 'new')
})

const completing = (etag: string): string =>
  `<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>${etag}</ETag></Part></CompleteMultipartUpload>`

t.test('it goes on with an upload that another began under such a version', async t => {
  const { old, fresh, direct } = await startReplicas(t, 'accept')
  const path = '/bucket/upload'
  const created = await fresh({ method: 'POST', path, query: { uploads: '' } })
  const uploadId = textOf(created, 'UploadId') ?? ''
  const part = await old({
    method: 'PUT',
    path,
    query: { partNumber: '1', uploadId },
    body: 'part',
  })
  t.equal(part.status, 200, part.text)
  const body = completing(String(part.headers.etag))
  t.equal((await old({ method: 'POST', path, query: { uploadId }, body })).status, 200)
  t.equal((await direct({ path, headers: tripleOf(keyOf(2)) })).text, 'part')
})

t.test('it goes on with a listing of uploads that another began', async t => {
  const { old, fresh } = await startReplicas(t)
  for (let i = 0; i < 2; i++)
    await fresh({ method: 'POST', path: '/bucket/upload', query: { uploads: '' } })
  const list = (ask: Ask, query: Record<string, string>) =>
    ask({ path: '/bucket', query: { uploads: '', 'max-uploads': '1', ...query } })
  const first = await list(fresh, {})
  const marker = textOf(first, 'NextUploadIdMarker') ?? ''
  const query = { 'key-marker': 'upload', 'upload-id-marker': marker }
  const [here, there] = [await list(old, query), await list(fresh, query)]
  t.match(textOf(there, 'UploadId'), /./)
  t.equal(textOf(here, 'UploadId'), textOf(there, 'UploadId'))
})

t.test('a key that nobody has stays refused, and a faulty file changes nothing', async t => {
  const { old, fresh, direct, write } = await startReplicas(t)
  const headers = tripleOf(keyOf(9))
  await direct({ method: 'PUT', path: '/bucket/foreign', headers, body: 'foreign' })
  t.equal((await old({ path: '/bucket/foreign' })).status, 403)
  t.equal((await fresh({ path: '/bucket/foreign' })).status, 403)
  await write(1, 1)
  t.equal((await old({ path: '/bucket/foreign' })).status, 403)
  await old({ method: 'PUT', path: '/bucket/1', body: 'under v2' })
  t.equal((await direct({ path: '/bucket/1', headers: tripleOf(keyOf(2)) })).text, 'under v2')
  await write(3, 2, 1)
  await direct({ method: 'PUT', path: '/bucket/3', headers: tripleOf(keyOf(3)), body: 'three' })
  t.equal((await old({ path: '/bucket/3' })).text, 'three', 'and mended, it is read')
})
