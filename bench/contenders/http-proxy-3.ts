import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { CORES, startChild } from '../stage/child.ts'
import { REPOSITORY } from '../stage/repository.ts'
import { type Contender, LOG, upstreamUrl } from './contender.ts'

/** http-proxy-3, the maintained node proxy library, with a keep-alive agent. */
export const HTTP_PROXY_3: Contender = {
  name: 'http-proxy-3',
  encrypts: false,
  version: async () => {
    const file = join(REPOSITORY, 'node_modules/http-proxy-3/package.json')
    return (JSON.parse(await readFile(file, 'utf8')) as { version: string }).version
  },
  start: async site => {
    const { route, certificate, port, node, folder } = site
    const program = join(REPOSITORY, '.bench/contenders/http-proxy-3-process.js')
    const args = [
      program,
      route.client,
      String(port),
      upstreamUrl(site),
      certificate.cert,
      certificate.key,
    ]
    return startChild({ core: CORES.proxy, program: node, args }, join(folder, LOG))
  },
}
