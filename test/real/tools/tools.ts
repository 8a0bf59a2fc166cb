import { randomBytes } from 'node:crypto'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Test } from 'tap'
import { testAtEach } from '../at-site.ts'
import { causeOf } from '../command.ts'
import { APP, masterKey, type Site, startProxy, type UpstreamName } from '../proxy.ts'
import { encryptedAtRest } from './at-rest.ts'
import type { Scene, Tool } from './scene.ts'

/** RGW over TLS: whether it is reached over http or https, no tool can know. */
const UPSTREAMS: readonly UpstreamName[] = ['rgw-tls', 'minio', 'embedded']

/** Only tools with this in their names run; the same as for the matrix. */
const ONLY = process.env['REAL_CELL'] ?? ''

const createScene = async (site: Site, { name }: Tool): Promise<Scene> => {
  const bucket = `${name.replaceAll(/[^a-z0-9]+/g, '-')}-${randomBytes(4).toString('hex')}`
  const folder = join(site.folder, bucket)
  await mkdir(folder)
  await site.provider.createBucket(bucket)
  // Over http clients hash or sign what they send, over https most do not: both are tried.
  const endpoint = site.upstream === 'embedded' ? site.http : site.https
  const access = { ...endpoint, ...APP }
  const { provider } = site
  return { site, access, provider, bucket, folder, key: masterKey('v1'), stored: new Map() }
}

const testTool = async (t: Test, site: Site, tool: Tool): Promise<void> => {
  const scene = await createScene(site, tool)
  const steps = [...(await tool.steps(scene)), encryptedAtRest]
  for (const [name, test] of steps) await t.test(name, t => test(t, scene))
}

const testOrSkip = async (t: Test, site: Site, tool: Tool): Promise<void> => {
  const installed = await tool.install().then(
    label => ({ label }),
    error => ({ lacks: causeOf(error) }),
  )
  if ('lacks' in installed) t.ok(true, tool.name, { skip: installed.lacks })
  else await t.test(`${site.label}: ${installed.label}`, t => testTool(t, site, tool))
}

/** Every tool before RGW, MinIO and the embedded upstream. */
export const testTools = (tools: readonly Tool[]): Promise<void> =>
  testAtEach(UPSTREAMS, async (t, site) => {
    const proxy = await startProxy(site)
    t.teardown(() => proxy.stop())
    for (const tool of tools) if (tool.name.includes(ONLY)) await testOrSkip(t, site, tool)
  })
