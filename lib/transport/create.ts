import { createRawTransport, type RawOptions } from './raw/raw.ts'
import type { Transport } from './transport.ts'
import { createUndiciTransport } from './undici.ts'
import type { TransportKind, Upstream } from './upstream.ts'

/** The transport of that kind. */
export const createTransport = (
  kind: TransportKind,
  upstreams: Iterable<Upstream>,
  raw: RawOptions = {},
): Transport =>
  kind === 'raw' ? createRawTransport(upstreams, raw) : createUndiciTransport(upstreams)
