import { randomBytes } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { CLIENT, REGION } from '../ends/client-credentials.ts'
import { BUCKET } from '../ends/object.ts'
import { CORES, startChild } from '../stage/child.ts'
import { REPOSITORY } from '../stage/repository.ts'
import { type Contender, LOG, type Site, upstreamUrl } from './contender.ts'

/** The proxy under test, as built: it verifies, injects SSE-C, signs anew, confirms and logs. */
const contender = (name: string, front: 'node' | 'fast'): Contender => ({
  name,
  encrypts: true,
  version: async () => {
    const text = await readFile(join(REPOSITORY, 'package.json'), 'utf8')
    return (JSON.parse(text) as { version: string }).version
  },
  start: async site => {
    const config = join(site.folder, 'config.yaml')
    // JSON is YAML.
    await writeFile(keyringPath(site), JSON.stringify(keyring()), { mode: 0o600 })
    await writeFile(config, JSON.stringify({ front, ...proxyConfig(site) }, null, 2))
    const args = [join(REPOSITORY, 'dist/bin/ssec-proxy.js'), 'serve', '--config', config]
    const command = { core: CORES.proxy, program: site.node, args, env: ENVIRONMENT }
    return startChild(command, join(site.folder, LOG))
  },
})

const ENVIRONMENT = {
  BENCH_CLIENT_SECRET: CLIENT.secretAccessKey,
  BENCH_UPSTREAM_ACCESS_KEY_ID: 'BENCHUPSTREAM',
  BENCH_UPSTREAM_SECRET_ACCESS_KEY: 'je7MtGbClwBF/2Zp9Utk/h3yCo8nvbEXAMPLEKEY',
}

const keyringPath = ({ folder }: Site): string => join(folder, 'keyring.yaml')

const keyring = (): object => ({
  versions: [
    { id: 'v1', key: randomBytes(32).toString('base64'), createdAt: new Date().toISOString() },
  ],
})

const proxyConfig = (site: Site): object => ({
  listen: [{ host: '127.0.0.1', port: site.port, ...listenTls(site) }],
  upstreams: {
    bench: {
      provider: 'generic',
      endpoint: upstreamUrl(site),
      region: REGION,
      credentials: { env: 'BENCH_UPSTREAM' },
      ...(site.route.upstream === 'https' && { ca: site.certificate.cert }),
    },
  },
  clients: [
    {
      name: 'bench',
      accessKeyId: CLIENT.accessKeyId,
      secretAccessKey: { env: 'BENCH_CLIENT_SECRET' },
      upstream: 'bench',
    },
  ],
  keyrings: { main: { provider: 'file', path: keyringPath(site) } },
  rules: [{ name: 'all', buckets: [BUCKET], encrypt: { keyring: 'main' }, plaintextReads: 'deny' }],
})

const listenTls = ({ route, certificate }: Site): object =>
  route.client === 'https' ? { tls: { cert: certificate.cert, key: certificate.key } } : {}

export const SSEC_PROXY = contender('ssec-proxy', 'node')

/** The same with `front: fast`. */
export const SSEC_PROXY_FAST = contender('ssec-proxy-fast', 'fast')
