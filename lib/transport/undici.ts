import { Readable } from 'node:stream'
import { LRUCache } from 'lru-cache'
import { Pool } from 'undici'
import { filtered } from '../body/filter.ts'
import { S3Error } from '../s3/error.ts'
import { rawFromHeaders } from '../s3/headers.ts'
import type { SignedRequest } from '../sign/sign.ts'
import { createAnswerHandler, faultOf } from './answer-handler.ts'
import { bodyRefusal } from './fault.ts'
import { assertSendable } from './request-head.ts'
import type { Transport, UpstreamAnswer } from './transport.ts'
import type { Upstream } from './upstream.ts'

const createPool = ({ endpoint, connections, timeouts, ca }: Upstream): Pool =>
  new Pool(endpoint, {
    connections,
    pipelining: 1,
    headersTimeout: timeouts.firstByte,
    bodyTimeout: timeouts.idle,
    connect: { timeout: timeouts.connect, ...(ca === undefined ? {} : { ca }) },
  })

/** Bytes as promised: one too many would be read as the begin of another request. */
async function* exactly(length: number, bytes: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let left = length
  for await (const chunk of bytes) {
    left -= chunk.length
    if (left < 0) break
    yield chunk
  }
  if (left !== 0) throw new S3Error('IncompleteBody')
}

/** A request's body on its way out. It remembers why it was refused: undici tells only that it broke. */
class OutgoingBody {
  readonly content: Buffer | Readable | null
  refusal: unknown
  /** Whether a byte of it has been read, so that it cannot be sent again. */
  started = false
  constructor(body: SignedRequest['body']) {
    this.content =
      body.kind === 'stream'
        ? Readable.from(this.#watched(body), { objectMode: false })
        : body.kind === 'bytes'
          ? body.bytes
          : null
    // After an early answer nobody listens to the body any more, and it may still break.
    if (this.content instanceof Readable) this.content.on('error', () => undefined)
  }
  async *#watched(
    body: Extract<SignedRequest['body'], { kind: 'stream' }>,
  ): AsyncGenerator<Buffer> {
    this.started = true
    try {
      yield* exactly(body.length, filtered(body.wire, body.filter))
    } catch (error) {
      this.refusal = error
      throw error
    }
  }
}

const STALE: readonly unknown[] = ['ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET']

/** Whether a pooled connection may have died unnoticed before it took the request. */
const isStale = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && STALE.includes(error.code)

const dispatch = (
  pool: Pool,
  request: SignedRequest,
  body: OutgoingBody,
  signal: AbortSignal,
): Promise<UpstreamAnswer> => {
  const handler = createAnswerHandler(signal)
  pool.dispatch(
    {
      method: request.method,
      path: request.target,
      headers: rawFromHeaders(request.headers),
      body: body.content,
    },
    handler,
  )
  return handler.answer
}

/** Where connections are found. */
interface Pools {
  poolOf(upstream: Upstream): Pool
  close(): Promise<unknown>
}

const createTransportOver = ({ poolOf, close }: Pools): Transport => {
  const attempt = async (
    request: SignedRequest,
    signal: AbortSignal,
    retries: number,
  ): Promise<UpstreamAnswer> => {
    const pool = poolOf(request.upstream)
    const body = new OutgoingBody(request.body)
    try {
      return await dispatch(pool, request, body, signal)
    } catch (error) {
      if (body.refusal !== undefined) throw bodyRefusal(body.refusal)
      if (retries > 0 && !body.started && isStale(error))
        return attempt(request, signal, retries - 1)
      throw faultOf(error)
    }
  }
  return {
    send: async (request, signal) => {
      assertSendable(request)
      return attempt(request, signal, request.repeatable ? 1 : 0)
    },
    close: async () => {
      await close()
    },
  }
}

/** A transport over undici's connection pools, one per upstream. */
export const createUndiciTransport = (upstreams: Iterable<Upstream>): Transport => {
  const pools = new Map([...upstreams].map(upstream => [upstream.name, createPool(upstream)]))
  return createTransportOver({
    poolOf: ({ name }) => {
      const pool = pools.get(name)
      if (pool === undefined) throw new Error(`no pool for upstream ${name}`)
      return pool
    },
    close: () => Promise.all([...pools.values()].map(pool => pool.close())),
  })
}

/**
 * A transport to hosts that a provider names as it goes (B2 has one for calls, one for downloads, and one for each pod
 * that takes uploads): a pool for each, made when it is first needed.
 *
 * @param most pools kept; the one that was used least lately is closed when its requests are over
 */
export const createHostTransport = (most: number): Transport => {
  const closing = new Set<Promise<void>>()
  const pools = new LRUCache<string, Pool>({
    max: most,
    dispose: pool => {
      const closed = pool.close().finally(() => closing.delete(closed))
      closing.add(closed)
    },
  })
  return createTransportOver({
    poolOf: upstream => {
      const key = JSON.stringify([upstream.name, upstream.endpoint])
      const pool = pools.get(key) ?? createPool(upstream)
      pools.set(key, pool, { noDisposeOnSet: true })
      return pool
    },
    close: () => {
      pools.clear()
      return Promise.all(closing)
    },
  })
}
