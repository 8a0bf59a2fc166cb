import { type ChildProcess, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { openSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Test } from 'tap'
import { testAtEach } from './at-site.ts'
import { bytesOf } from './bytes.ts'
import { causeOf } from './command.ts'
import { APP, masterKey, type Site, startProxy } from './proxy.ts'
import { ensurePackages } from './servers/debian.ts'
import { findFreePort, untilListening } from './servers/ports.ts'

// A Docker registry, started with the configuration of examples/registry, stores images through the proxy.

const EXAMPLE = fileURLToPath(new URL('../../examples/registry/registry.yml', import.meta.url))

const MIB = 1024 * 1024

/** Layers of one piece and of several parts. */
const LAYERS: readonly Uint8Array[] = [1, 5 * MIB + 1, 24 * MIB].map(size =>
  bytesOf(size, `layer ${size}`),
)

const digestOf = (bytes: Uint8Array | string): string =>
  `sha256:${createHash('sha256').update(bytes).digest('hex')}`

interface Registry {
  readonly origin: string
  stop(): Promise<void>
}

/** The example as it stands, but for where its ends are. */
const startRegistry = async (site: Site): Promise<Registry> => {
  const port = await findFreePort()
  const log = join(site.folder, 'registry.log')
  const child: ChildProcess = spawn(
    'setpriv',
    ['--pdeathsig', 'KILL', 'docker-registry', 'serve', EXAMPLE],
    {
      stdio: ['ignore', openSync(log, 'a'), openSync(log, 'a')],
      env: {
        PATH: process.env['PATH'],
        REGISTRY_HTTP_ADDR: `127.0.0.1:${port}`,
        REGISTRY_STORAGE_S3_REGIONENDPOINT: site.http.origin,
        REGISTRY_STORAGE_S3_BUCKET: site.bucket,
        REGISTRY_STORAGE_S3_ACCESSKEY: APP.accessKeyId,
        REGISTRY_STORAGE_S3_SECRETKEY: APP.secretAccessKey,
      },
    },
  )
  const stop = async (): Promise<void> => {
    if (child.exitCode !== null) return
    const exited = once(child, 'exit')
    child.kill('SIGKILL')
    await exited
  }
  const ended = (): string | undefined =>
    child.exitCode === null ? undefined : `the registry ended with ${child.exitCode}`
  try {
    await untilListening(port, ended)
  } catch (error) {
    throw new Error(`${causeOf(error)}:\n${await readFile(log, 'utf8')}`)
  }
  return { origin: `http://127.0.0.1:${port}`, stop }
}

const demand = async (url: string, init: RequestInit): Promise<Response> => {
  const answer = await fetch(url, init)
  if (answer.ok) return answer
  throw new Error(`${init.method} ${url}: ${answer.status} ${await answer.text()}`)
}

/** Pushes a blob as `docker push` does: begins an upload, sends it in a stream, and names its digest. */
const pushBlob = async (origin: string, repository: string, blob: Uint8Array): Promise<void> => {
  const begun = await demand(`${origin}/v2/${repository}/blobs/uploads/`, { method: 'POST' })
  const sent = await demand(begun.headers.get('location') ?? '', { method: 'PATCH', body: blob })
  const end = new URL(sent.headers.get('location') ?? '')
  end.searchParams.set('digest', digestOf(blob))
  await demand(end.href, { method: 'PUT' })
}

const MANIFEST_TYPE = 'application/vnd.docker.distribution.manifest.v2+json'

const blobEntry = (mediaType: string, blob: Uint8Array) => ({
  mediaType,
  size: blob.length,
  digest: digestOf(blob),
})

const IMAGE_CONFIG = Buffer.from('{"architecture":"amd64","os":"linux"}')

const MANIFEST = JSON.stringify({
  schemaVersion: 2,
  mediaType: MANIFEST_TYPE,
  config: blobEntry('application/vnd.docker.container.image.v1+json', IMAGE_CONFIG),
  layers: LAYERS.map(layer =>
    blobEntry('application/vnd.docker.image.rootfs.diff.tar.gzip', layer),
  ),
})

const push = async (origin: string): Promise<void> => {
  for (const blob of [IMAGE_CONFIG, ...LAYERS]) await pushBlob(origin, 'app', blob)
  await demand(`${origin}/v2/app/manifests/latest`, {
    method: 'PUT',
    headers: { 'content-type': MANIFEST_TYPE },
    body: MANIFEST,
  })
}

const pull = async (t: Test, origin: string): Promise<void> => {
  const manifest = await demand(`${origin}/v2/app/manifests/latest`, {
    method: 'GET',
    headers: { accept: MANIFEST_TYPE },
  })
  t.equal(await manifest.text(), MANIFEST)
  for (const layer of LAYERS) {
    const digest = digestOf(layer)
    const answer = await demand(`${origin}/v2/app/blobs/${digest}`, { method: 'GET' })
    t.equal(digestOf(new Uint8Array(await answer.arrayBuffer())), digest, `${layer.length} bytes`)
  }
  const range = { headers: { range: `bytes=${MIB}-${MIB + 99}` }, method: 'GET' }
  const [, , large = new Uint8Array()] = LAYERS
  const part = await demand(`${origin}/v2/app/blobs/${digestOf(large)}`, range)
  t.equal(digestOf(new Uint8Array(await part.arrayBuffer())), digestOf(large.slice(MIB, MIB + 100)))
}

const mountAndDelete = async (t: Test, origin: string): Promise<void> => {
  const [, , large = new Uint8Array()] = LAYERS
  const digest = digestOf(large)
  const mount = `${origin}/v2/other/blobs/uploads/?mount=${digest}&from=app`
  t.equal((await demand(mount, { method: 'POST' })).status, 201, 'mounted elsewhere')
  await demand(`${origin}/v2/app/manifests/${digestOf(MANIFEST)}`, { method: 'DELETE' })
  const gone = await fetch(`${origin}/v2/app/manifests/latest`, {
    headers: { accept: MANIFEST_TYPE },
  })
  t.equal(gone.status, 404, 'deleted')
}

/** Every object that the registry made is refused without the key, and given with it. */
const checkEncrypted = async (t: Test, { provider, bucket }: Site): Promise<void> => {
  const objectKeys = await provider.list(bucket)
  t.ok(objectKeys.length > LAYERS.length, `${objectKeys.length} objects`)
  for (const objectKey of objectKeys) {
    const place = { bucket, objectKey }
    t.equal((await provider.read(place)).status, 400, objectKey)
    t.equal((await provider.read(place, masterKey('v1'))).status, 200, objectKey)
  }
}

await testAtEach(['rgw-http', 'minio'], async (t, site) => {
  await ensurePackages(['docker-registry'])
  await site.provider.createBucket(site.bucket)
  const proxy = await startProxy(site)
  t.teardown(proxy.stop)
  const registry = await startRegistry(site)
  t.teardown(registry.stop)
  await push(registry.origin)
  await checkEncrypted(t, site)
  await pull(t, registry.origin)
  await mountAndDelete(t, registry.origin)
})
