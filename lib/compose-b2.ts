import { errorAnswer } from './b2/error.ts'
import { type B2Lane, createB2Lane } from './b2/lane.ts'
import type { Carry } from './b2front/ask.ts'
import { createB2Front } from './b2front/lane.ts'
import type { Config, ListenAddress } from './config/config.ts'
import type { Keyrings } from './keys/find-keys.ts'
import type { Api } from './listener/listener.ts'
import { createPolicy } from './policy/resolve.ts'
import { createHostTransport } from './transport/undici.ts'

/** Hosts of B2 that connections are kept to: two of each account's, and the pods of uploads under way. */
const HOSTS = 256

/** The B2 native lane, with the connections that it keeps. */
export interface RunningB2 {
  readonly lane: B2Lane
  close(): Promise<void>
}

export interface B2Parts {
  readonly config: Config
  /** Those of now. */
  readonly keyrings: () => Keyrings
  /** The S3 journey, for clients whose upstream is no B2. */
  readonly carry: Carry
  readonly now: () => Date
}

/** Builds the B2 native lane with its IO; undefined where no listener speaks it. */
export const composeB2 = ({ config, keyrings, carry, now }: B2Parts): RunningB2 | undefined => {
  if (config.listen.every(({ b2 }) => b2 === undefined)) return undefined
  const { clients, upstreams, rules, limits } = config
  const transport = createHostTransport(HOSTS)
  const policy = createPolicy(rules)
  const { documentBytes } = limits
  const front = createB2Front({ clients, upstreams, carry, now, documentBytes })
  const lane = createB2Lane({
    clients,
    upstreams,
    keyrings,
    policy,
    transport,
    documentBytes,
    front,
  })
  return { lane, close: () => transport.close() }
}

/** What a listener speaks instead of S3; undefined for one that speaks S3. */
export const apiOf = (address: ListenAddress, lane: B2Lane): Api | undefined => {
  const { b2 } = address
  if (b2 === undefined) return undefined
  const tls = address.kind === 'tcp' && address.tls !== undefined
  return {
    answer: (received, { proceed, journal }, signal) =>
      lane(received, { proceed, journal, tls, ...b2 }, signal),
    refuse: errorAnswer,
  }
}
