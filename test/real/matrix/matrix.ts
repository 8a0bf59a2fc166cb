import { randomBytes } from 'node:crypto'
import type { Test } from 'tap'
import { testAt } from '../at-site.ts'
import { startClient } from '../clients/programs.ts'
import { APP, type RunningProxy, type Site, startProxy, type UpstreamName } from '../proxy.ts'
import {
  CLIENT_NAMES,
  type ClientName,
  type ClientProgram,
  type Endpoint,
  PROVIDER_USER,
  readStage,
} from '../stage.ts'
import { STEPS } from './steps.ts'

/** Clients go to the provider itself: tells whether a failure is the proxy's. */
const IS_DIRECT = process.env['REAL_DIRECT'] !== undefined

/** Only cells with this in their names run. */
const ONLY = process.env['REAL_CELL'] ?? ''

interface Row {
  readonly site: Site
  /** None when clients go to the provider itself. */
  readonly proxy: RunningProxy | undefined
}

const endpointsOf = ({ site, proxy }: Row): readonly Endpoint[] =>
  proxy === undefined ? [site.provider.endpoint] : [site.http, site.https]

const testCell = async (
  t: Test,
  { site, proxy }: Row,
  name: ClientName,
  program: ClientProgram,
  endpoint: Endpoint,
): Promise<void> => {
  const user = proxy === undefined ? PROVIDER_USER : APP
  const client = await startClient(name, program, { ...endpoint, ...user })
  t.teardown(() => client.close())
  const { upstream, provider, folder } = site
  const bucket = `${name}-${randomBytes(4).toString('hex')}`
  await client.createBucket(bucket)
  const keyOf = proxy?.keyOf
  const cell = { client, endpoint, upstream, provider, keyOf, bucket, folder, stored: new Map() }
  for (const [step, test] of STEPS) await t.test(step, t => test(t, cell))
}

const testClient = async (t: Test, name: ClientName, row: Row): Promise<void> => {
  const { clients } = await readStage()
  const program = clients[name]
  if ('lacks' in program) {
    t.ok(true, name, { skip: program.lacks })
    return
  }
  for (const endpoint of endpointsOf(row)) {
    const scheme = endpoint.origin.split(':')[0]
    const title = `${row.site.label}: ${program.is.label} over ${scheme}`
    if (title.includes(ONLY)) {
      await t.test(title, t => testCell(t, row, name, program.is, endpoint))
    }
  }
}

/** Every stock client at one provider, over http and over https. */
export const testMatrix = (upstream: UpstreamName): Promise<unknown> =>
  testAt(upstream, async (t, site) => {
    const proxy = IS_DIRECT ? undefined : await startProxy(site)
    t.teardown(() => proxy?.stop())
    for (const name of CLIENT_NAMES) await testClient(t, name, { site, proxy })
  })
