import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { startEmbedded } from '../../lib/embedded/server.ts'
import { textOf, tripleOf } from '../copy/stage.ts'
import { startVault } from '../keys/vault-server.ts'
import { type Received, type Sending, send } from '../support/client.ts'
import { APP } from '../support/proxy.ts'
import { startFrom } from './stage.ts'

const REPLICAS = 4
const ROTATIONS = 3
const TTL = 1500

const keyOf = (n: number): Buffer => Buffer.alloc(32, n)

const configOf = (vault: string, upstream: string): string => `
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
keyrings:
  main:
    provider: vault
    address: ${vault}
    path: ssec/main
    auth: { token: { insecureLiteral: root } }
    ttl: ${TTL}ms
rules: [{ name: all, encrypt: { keyring: main } }]
`

const sleep = (ms: number): Promise<void> => new Promise(resolve => setTimeout(resolve, ms))

/** Clients that never pause, each request at another replica. */
class Load {
  readonly #origins: readonly string[]
  readonly failed: string[] = []
  /** What was stored where. */
  readonly stored = new Map<string, string>()
  requests = 0
  isOver = false
  constructor(origins: readonly string[]) {
    this.#origins = origins
  }
  async ask(sending: Sending): Promise<Received> {
    const origin = this.#origins[this.requests++ % this.#origins.length] ?? ''
    const answer = await send(origin, sending)
    if (answer.status >= 300)
      this.failed.push(
        `${sending.method ?? 'GET'} ${sending.path}: ${answer.status} ${answer.text}`,
      )
    return answer
  }
  async put(path: string): Promise<void> {
    await this.ask({ method: 'PUT', path, body: path })
    this.stored.set(path, path)
  }
  async get(path: string): Promise<void> {
    const { text } = await this.ask({ path })
    if (text !== this.stored.get(path)) this.failed.push(`${path}: other bytes`)
  }
  async copy(from: string, path: string): Promise<void> {
    await this.ask({ method: 'PUT', path, headers: { 'x-amz-copy-source': from } })
    this.stored.set(path, this.stored.get(from) ?? '')
  }
  async upload(path: string): Promise<void> {
    const created = await this.ask({ method: 'POST', path, query: { uploads: '' } })
    const uploadId = textOf(created, 'UploadId') ?? ''
    // Long enough for a rotation to come in between.
    await sleep(TTL)
    const query = { partNumber: '1', uploadId }
    const { headers } = await this.ask({ method: 'PUT', path, query, body: path })
    const body = `<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>${headers.etag}</ETag></Part></CompleteMultipartUpload>`
    await this.ask({ method: 'POST', path, query: { uploadId }, body })
    this.stored.set(path, path)
  }
  async objects(worker: number): Promise<void> {
    for (let i = 0; !this.isOver; i++) {
      const path = `/bucket/${worker}-${i}`
      await this.put(path)
      await this.get(path)
      await this.copy(path, `${path}-copy`)
      await this.get(`${path}-copy`)
      await this.get(`/bucket/${worker}-0`)
      await sleep(20)
    }
  }
  async uploads(worker: number): Promise<void> {
    for (let i = 0; !this.isOver; i++) {
      await this.upload(`/bucket/upload-${worker}-${i}`)
      await this.get(`/bucket/upload-${worker}-${i}`)
    }
  }
}

t.test(
  'three rotations under load: no request fails, and the newest version takes over',
  async t => {
    const vault = await startVault(t, keyOf(1).toString('base64'))
    const upstream = await startEmbedded({ path: t.testdir(), host: '127.0.0.1', port: 0 })
    t.teardown(upstream.close)
    const replicas = await Promise.all(
      Array.from({ length: REPLICAS }, async (_, i) => {
        const folder = t.testdirName
        const file = join(folder, `replica-${i}`)
        await mkdir(file, { recursive: true })
        await writeFile(join(file, 'config.yaml'), configOf(vault.address, upstream.origin))
        return startFrom(t, file)
      }),
    )
    const load = new Load(replicas.map(({ proxy }) => proxy))
    await load.ask({ method: 'PUT', path: '/bucket' })
    const workers = [load.objects(1), load.objects(2), load.uploads(1), load.uploads(2)]
    for (let rotation = 1; rotation <= ROTATIONS; rotation++) {
      const version = rotation + 1
      vault.created.set(version, new Date().toISOString())
      vault.keys.push(keyOf(version).toString('base64'))
      await sleep(TTL + 500)
      for (const { proxy } of replicas) {
        const path = `/bucket/after-${rotation}-${new URL(proxy).port}`
        await send(proxy, { method: 'PUT', path, body: 'new' })
        const read = await send(upstream.origin, { path, headers: tripleOf(keyOf(version)) })
        t.equal(read.text, 'new', `under v${version}`)
      }
    }
    load.isOver = true
    await Promise.all(workers)
    t.strictSame(load.failed, [])
    for (const path of load.stored.keys()) await load.get(path)
    t.strictSame(load.failed, [], 'every object is read')
    t.comment(`${load.requests} requests, ${load.stored.size} objects`)
    t.ok(load.stored.size > 20)
  },
)
