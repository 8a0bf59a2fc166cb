import { execFile } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { CIPHERS } from '../stage/certificate.ts'
import { CORES, startChild } from '../stage/child.ts'
import { type Contender, LOG, type Site } from './contender.ts'

/** HAProxy as Debian ships it: one thread, 64 KiB buffers, nothing logged. */
export const HAPROXY: Contender = {
  name: 'haproxy',
  encrypts: false,
  version: async () => {
    const { stdout } = await promisify(execFile)('haproxy', ['-v']).catch(() => ({ stdout: '' }))
    return /version (\d[\d.]*)/.exec(stdout)?.[1]
  },
  start: async site => {
    const config = join(site.folder, 'haproxy.cfg')
    const { cert, key } = site.certificate
    const both = await Promise.all([readFile(cert, 'utf8'), readFile(key, 'utf8')])
    await writeFile(pemPath(site), both.join(''), { mode: 0o600 })
    await writeFile(config, haproxyConfig(site))
    const args = ['-db', '-f', config]
    return startChild({ core: CORES.proxy, program: 'haproxy', args }, join(site.folder, LOG))
  },
}

const pemPath = ({ folder }: Site): string => join(folder, 'haproxy.pem')

const haproxyConfig = (site: Site): string => `
global
  nbthread 1
  maxconn 4096
  tune.bufsize 65536
  tune.maxrewrite 2048
defaults
  mode http
  timeout connect 10s
  timeout client 600s
  timeout server 600s
  http-reuse always
frontend bench
  bind 127.0.0.1:${site.port}${site.route.client === 'https' ? ` ssl crt ${pemPath(site)} ${TLS}` : ''}
  default_backend bench
backend bench
  server bench 127.0.0.1:${site.upstreamPort}${upstreamTls(site)}
`

const TLS = `ssl-min-ver TLSv1.3 ciphersuites ${CIPHERS}`

const upstreamTls = ({ route, certificate }: Site): string =>
  route.upstream === 'https'
    ? ` ssl verify required ca-file ${certificate.cert} verifyhost localhost ${TLS}`
    : ''
