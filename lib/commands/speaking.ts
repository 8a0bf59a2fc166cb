import type { Client } from '../authenticate/client.ts'
import { createExchange, type Exchange } from '../exchange.ts'
import type { Ready } from '../serving.ts'
import { createSigningKeys } from '../sigv4/signature.ts'
import { createTransport } from '../transport/create.ts'
import { clientNamed } from './clients.ts'
import { type Io, toPath, UsageError } from './io.ts'
import { parseS3Url } from './s3-url.ts'
import { getReady } from './serve.ts'

/** What every command that speaks to a provider is told. */
export interface SpeakingOptions {
  readonly config: string
  readonly client?: string
}

/** A configuration, one client of it, and the way to the client's upstream. */
export interface Speaking {
  readonly ready: Ready
  readonly client: Client
  readonly exchange: Exchange
}

/**
 * Runs what speaks to a client's upstream, and closes the connections behind it.
 *
 * @param connections how many at most; left out: as the upstream says
 */
export const speaking = async <T>(
  options: SpeakingOptions,
  io: Io,
  speak: (speaking: Speaking) => Promise<T>,
  connections?: number,
): Promise<T> => {
  const ready = await getReady(toPath(io, options.config), io.env)
  const client = clientNamed(ready.config, options.client)
  const upstreams = new Map(
    [...ready.config.upstreams].map(([name, upstream]) => [
      name,
      { ...upstream, connections: Math.max(upstream.connections, connections ?? 0) },
    ]),
  )
  const transport = createTransport('raw', upstreams.values())
  const parts = { upstreams, transport, signingKeys: createSigningKeys(), now: io.now }
  try {
    return await speak({ ready, client, exchange: createExchange(client, parts) })
  } finally {
    await transport.close()
  }
}

/** A bucket, and where in it. */
export interface BucketPlace {
  readonly bucket: string
  readonly prefix: string
}

/** @throws {UsageError} when the URL names no bucket */
export const parseBucketUrl = (url: string): BucketPlace => {
  const { address, query } = parseS3Url(url)
  if (address.level === 'service' || query.length > 0) {
    throw new UsageError('The URL names no bucket. Write s3://bucket or s3://bucket/prefix.')
  }
  const prefix = address.level === 'object' ? address.objectKey : ''
  return { bucket: address.bucket, prefix }
}
