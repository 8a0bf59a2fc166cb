import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { Registry } from 'prom-client'
import type { AdminAddress } from '../config/config.ts'
import { type Status, statusPage } from './page.ts'

/** What the admin listener shows. All of it may be read by whoever reaches it. */
export interface AdminSources {
  /** The metrics in Prometheus' text format. */
  metrics(): Promise<string>
  status(): Promise<Status>
  /** Whether new requests are welcome: false while draining. */
  isReady(): boolean
}

export interface Admin {
  /** Where it listens, as a URL. */
  readonly where: string
  close(): Promise<void>
}

interface Page {
  readonly status: number
  readonly type: string
  readonly text: string
}

const plain = (status: number, text: string): Page => ({
  status,
  type: 'text/plain; charset=utf-8',
  text: `${text}\n`,
})

type Show = (sources: AdminSources) => Page | Promise<Page>

const PAGES: Readonly<Record<string, Show>> = {
  '/': async ({ status }) => ({
    status: 200,
    type: 'text/html; charset=utf-8',
    text: statusPage(await status()),
  }),
  '/metrics': async ({ metrics }) => ({
    status: 200,
    type: Registry.PROMETHEUS_CONTENT_TYPE,
    text: await metrics(),
  }),
  '/healthz': () => plain(200, 'alive'),
  '/readyz': ({ isReady }) => (isReady() ? plain(200, 'ready') : plain(503, 'draining')),
}

const pageFor = (message: IncomingMessage, sources: AdminSources): Page | Promise<Page> => {
  if (message.method !== 'GET' && message.method !== 'HEAD') return plain(405, 'GET only')
  const [path = ''] = (message.url ?? '').split('?')
  const show = Object.hasOwn(PAGES, path) ? PAGES[path] : undefined
  return show === undefined
    ? plain(404, `nothing here; there is ${Object.keys(PAGES).join(', ')}`)
    : show(sources)
}

const answer = async (
  message: IncomingMessage,
  response: ServerResponse,
  sources: AdminSources,
): Promise<void> => {
  const { status, type, text } = await pageFor(message, sources)
  response.writeHead(status, {
    'content-type': type,
    'content-length': Buffer.byteLength(text),
    'cache-control': 'no-store',
    'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'",
    'x-content-type-options': 'nosniff',
  })
  response.end(message.method === 'HEAD' ? undefined : text)
}

/** More would be no scraper and no person. */
const CONNECTIONS = 32

/** Milliseconds for a whole request to arrive. */
const REQUEST_TIMEOUT = 10_000

/**
 * Serves metrics, health and a page for people, apart from the clients' listeners. It asks nobody who they are, so it
 * stands on loopback unless the configuration says otherwise.
 */
export const startAdmin = async (
  { host, port }: AdminAddress,
  sources: AdminSources,
): Promise<Admin> => {
  const server = createServer({ requestTimeout: REQUEST_TIMEOUT }, (message, response) => {
    answer(message, response, sources).catch(() => response.destroy())
  })
  server.maxConnections = CONNECTIONS
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => {
      server.off('error', reject)
      resolve()
    })
  })
  const bound = server.address()
  const actual = typeof bound === 'object' && bound !== null ? bound.port : port
  return {
    where: `http://${host.includes(':') ? `[${host}]` : host}:${actual}`,
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
