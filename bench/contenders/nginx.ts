import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { type Child, CORES, startChild } from '../stage/child.ts'
import { type Contender, LOG, type Site } from './contender.ts'

/** nginx as Debian ships it: one process, nothing on disk, nothing logged. */
export const NGINX: Contender = {
  name: 'nginx',
  encrypts: false,
  version: async () => {
    const { stderr } = await promisify(execFile)('nginx', ['-v']).catch(() => ({ stderr: '' }))
    return /nginx\/(\S+)/.exec(stderr)?.[1]
  },
  start: async site => {
    const config = join(site.folder, 'nginx.conf')
    await writeFile(config, nginxConfig(site))
    return startNginx(site, config)
  },
}

const startNginx = ({ folder }: Site, config: string): Child => {
  const args = ['-p', folder, '-c', config, '-e', 'stderr']
  return startChild({ core: CORES.proxy, program: 'nginx', args }, join(folder, LOG))
}

const nginxConfig = (site: Site): string => `
daemon off;
master_process off;
pid nginx.pid;
error_log stderr;
events { worker_connections 4096; }
http {
  access_log off;
  client_max_body_size 0;
  client_body_buffer_size 64k;
  client_body_temp_path client_body;
  proxy_temp_path proxy;
  fastcgi_temp_path fastcgi;
  uwsgi_temp_path uwsgi;
  scgi_temp_path scgi;
  upstream bench {
    server 127.0.0.1:${site.upstreamPort};
    keepalive 512;
    keepalive_requests 1000000000;
    keepalive_time 1d;
  }
  server {
    ${listenDirectives(site)}
    keepalive_requests 1000000000;
    keepalive_time 1d;
    location / {
      proxy_pass ${site.route.upstream}://bench;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host $http_host;
      proxy_request_buffering off;
      proxy_buffer_size 64k;
      proxy_buffers 8 64k;
      proxy_max_temp_file_size 0;
      proxy_ssl_verify on;
      proxy_ssl_name localhost;
      proxy_ssl_protocols TLSv1.3;
      proxy_ssl_trusted_certificate ${site.certificate.cert};
    }
  }
}
`

const listenDirectives = ({ route, port, certificate }: Site): string =>
  route.client === 'http'
    ? `listen 127.0.0.1:${port};`
    : `listen 127.0.0.1:${port} ssl;
    ssl_protocols TLSv1.3;
    ssl_certificate ${certificate.cert};
    ssl_certificate_key ${certificate.key};`
