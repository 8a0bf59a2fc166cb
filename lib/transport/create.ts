import { createRawTransport } from './raw/raw.ts'
import type { Transport } from './transport.ts'
import { createUndiciTransport } from './undici.ts'
import type { Upstream } from './upstream.ts'

/** `raw`: sockets of our own, for the least CPU. `undici`: the client that Node itself ships, as a fallback. */
export type TransportKind = 'raw' | 'undici'

export const createTransport = (kind: TransportKind, upstreams: Iterable<Upstream>): Transport =>
  kind === 'raw' ? createRawTransport(upstreams) : createUndiciTransport(upstreams)
