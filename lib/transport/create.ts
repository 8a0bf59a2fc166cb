import { B2_NATIVE } from '../dialect/profiles.ts'
import { createRawTransport, type RawOptions } from './raw/raw.ts'
import type { Transport } from './transport.ts'
import { createHostTransport, createUndiciTransport } from './undici.ts'
import type { TransportKind, Upstream } from './upstream.ts'

/** Hosts of B2 that connections are kept to: two of each account's, and the pods of uploads under way. */
const HOSTS = 256

const namesHosts = ({ provider }: Upstream): boolean => provider === B2_NATIVE

/** The transport of that kind; with hosts that are named as it goes for the upstreams that do so. */
export const createTransport = (
  kind: TransportKind,
  upstreams: Iterable<Upstream>,
  raw: RawOptions = {},
): Transport => {
  const fixed = [...upstreams].filter(upstream => !namesHosts(upstream))
  const one = kind === 'raw' ? createRawTransport(fixed, raw) : createUndiciTransport(fixed)
  const many = createHostTransport(HOSTS)
  return {
    send: (request, signal) => (namesHosts(request.upstream) ? many : one).send(request, signal),
    close: async () => {
      await Promise.all([one.close(), many.close()])
    },
  }
}
