import { SlabPool } from '../../http1/slab-pool.ts'
import type { SignedRequest } from '../../sign/sign.ts'
import { unavailable } from '../fault.ts'
import { requestHead } from '../request-head.ts'
import type { Transport, UpstreamAnswer } from '../transport.ts'
import type { Upstream } from '../upstream.ts'
import { type Lookup, systemLookup } from './addresses.ts'
import { ConnectionPool } from './connection-pool.ts'
import { createDial } from './dial.ts'
import { Exchange, StaleConnection } from './exchange.ts'

export interface RawOptions {
  /** One for the process: bodies of all upstreams share it. */
  readonly slabs?: SlabPool
  readonly lookup?: Lookup
}

/**
 * A transport over sockets of its own: HTTP/1.1 as S3 needs it, strictly parsed, with bodies that move from upstream to
 * client in reused slabs, for about as much CPU as the kernel needs to copy them.
 */
export const createRawTransport = (
  upstreams: Iterable<Upstream>,
  { slabs = new SlabPool(), lookup = systemLookup }: RawOptions = {},
): Transport => {
  const pools = new Map(
    [...upstreams].map(upstream => [
      upstream.name,
      new ConnectionPool(createDial(upstream, lookup), upstream.connections),
    ]),
  )
  const poolOf = ({ name }: Upstream): ConnectionPool => {
    const pool = pools.get(name)
    if (pool === undefined) throw new Error(`no pool for upstream ${name}`)
    return pool
  }
  const attempt = async (
    request: SignedRequest,
    head: string,
    signal: AbortSignal,
    retries: number,
  ): Promise<UpstreamAnswer> => {
    const pool = poolOf(request.upstream)
    const connection = await pool.acquire(signal)
    try {
      return await new Exchange(connection, request, signal, slabs).start(head)
    } catch (fault) {
      if (!(fault instanceof StaleConnection)) throw fault
      pool.dropIdle()
      if (retries === 0) throw unavailable(fault.cause)
      return attempt(request, head, signal, retries - 1)
    }
  }
  return {
    send: async (request, signal) =>
      attempt(request, requestHead(request), signal, request.repeatable ? 1 : 0),
    close: async () => {
      await Promise.all([...pools.values()].map(pool => pool.close()))
    },
  }
}
