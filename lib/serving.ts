import { isDeepStrictEqual } from 'node:util'
import type { B2Lane } from './b2/lane.ts'
import { composeWays } from './compose.ts'
import { apiOf, composeB2 } from './compose-b2.ts'
import type { Config, ListenAddress, ListenTls } from './config/config.ts'
import { type Embedded, startEmbedded } from './embedded/server.ts'
import { SlabPool } from './http1/slab-pool.ts'
import type { Keyrings } from './keys/find-keys.ts'
import type { KeyWatch } from './keys/held.ts'
import type { LiveKeyrings } from './keys/live.ts'
import { type Listener, startListener } from './listener/listener.ts'
import type { Logger } from './observe/log.ts'
import type { Report } from './observe/report.ts'
import { type Observation, observe, type State, startOperators } from './operators.ts'
import type { Journey } from './proxy.ts'
import { S3Error } from './s3/error.ts'
import type { S3Response } from './s3/response.ts'
import { createTransport } from './transport/create.ts'

/** A configuration with its keys fetched. */
export interface Ready {
  readonly config: Config
  /** Those of now. */
  readonly keyrings: Keyrings
  /** Has them follow their key providers; left out where they stay as they are. */
  readonly live?: LiveKeyrings
}

export interface Serving {
  readonly listeners: readonly Listener[]
  readonly observation: Observation
  /** What was counted so far. */
  report(): Promise<Report>
  /**
   * New requests go by the new configuration, new connections get the new certificates; requests under way end by the
   * old one. Listeners stay where they are.
   *
   * @returns the options whose change takes a restart to come into force
   */
  reload(ready: Ready): readonly string[]
  /** Takes no new connection, lets requests under way end, then stops all that was started. */
  close(): Promise<void>
}

/** A journey with what it needs, which is given back when its last request is over. */
interface Running {
  readonly journey: Journey
  readonly b2: B2Lane
  /** Takes no new request; resolves when those under way are over and their connections closed. */
  retire(): Promise<void>
}

/** Writes down what becomes of the keyrings. */
const keyWatch = (log: Logger): KeyWatch => ({
  changed: (keyring, versions) => log.info({ keyring, versions }, 'keys changed'),
  stale: (keyring, ageMs, isExpired, error) => {
    const reason = error instanceof Error ? error.message : String(error)
    const age = Math.round(ageMs / 1000)
    if (isExpired) log.error({ keyring, age, reason }, 'keys expired: requests are refused')
    else log.warn({ keyring, age, reason }, 'keys not fetched: those before serve on')
  },
})

const startJourney = (ready: Ready, slabs: SlabPool, log: Logger): Running => {
  const { config } = ready
  const keyrings = (): Keyrings => ready.keyrings
  const stopFollowing = ready.live?.follow(keyWatch(log))
  const transport = createTransport(config.transport, config.upstreams.values(), { slabs })
  const renewKeyring = ready.live?.renew
  const now = (): Date => new Date()
  const { journey, carry } = composeWays({
    config,
    keyrings,
    ...(renewKeyring !== undefined && { renewKeyring }),
    transport,
    now,
  })
  const b2 = composeB2({ config, keyrings, carry, now })
  const underWay = new Set<Promise<unknown>>()
  const following = (answer: Promise<S3Response>): Promise<S3Response> => {
    const isOver = (): boolean => underWay.delete(answer)
    underWay.add(answer)
    answer.then(isOver, isOver)
    return answer
  }
  return {
    journey: (request, signal) => following(journey(request, signal)),
    b2: (received, receiving, signal) =>
      following(
        b2 === undefined
          ? Promise.reject(new S3Error('ServiceUnavailable', 'B2 is not served any more.'))
          : b2.lane(received, receiving, signal),
      ),
    retire: async () => {
      stopFollowing?.()
      await Promise.allSettled(underWay)
      await Promise.all([transport.close(), b2?.close()])
    },
  }
}

const startEmbeddedUpstreams = ({ embedded }: Config, log: Logger): Promise<Embedded[]> =>
  Promise.all(
    [...embedded].map(async ([name, source]) => {
      const started = await startEmbedded(source)
      log.warn({ upstream: name, origin: started.origin }, 'embedded upstream: for trial and tests')
      return started
    }),
  )

/** Options that are looked at when the process starts, and never again. */
const AT_START = [
  'listen',
  'admin',
  'domains',
  'limits',
  'log',
  'watch',
  'embedded',
  'front',
] as const

const tlsOf = (address: ListenAddress | undefined): ListenTls | undefined =>
  address?.kind === 'tcp' ? address.tls : undefined

/** Certificates are renewed as they are, so they do not count; that there are some, and client certificates, does. */
const placesOf = ({ listen }: Config): readonly unknown[] =>
  listen.map(address =>
    address.kind === 'unix'
      ? address
      : { ...address, tls: address.tls && { clientCa: address.tls.clientCa !== undefined } },
  )

const isSame = (option: (typeof AT_START)[number], a: Config, b: Config): boolean =>
  option === 'listen'
    ? isDeepStrictEqual(placesOf(a), placesOf(b))
    : isDeepStrictEqual(a[option], b[option])

const NO_AGES: ReadonlyMap<string, number> = new Map()

export interface ServingOptions {
  /** Whether this is one of several processes, which one supervisor tells operators of. */
  readonly isWorker?: boolean
}

/** Starts everything that a configuration names. */
export const startServing = async (
  first: Ready,
  log: Logger,
  { isWorker = false }: ServingOptions = {},
): Promise<Serving> => {
  const { domains, limits, listen, front } = first.config
  const embedded = await startEmbeddedUpstreams(first.config, log)
  const observation = observe(first.config)
  let ready = first
  const slabs = new SlabPool()
  let running = startJourney(first, slabs, log)
  let listeners: readonly Listener[] = []
  let isReady = false
  const where = (): string[] => listeners.map(listener => listener.where)
  const stateNow = (): State => ({ ...ready, isReady, listeners: where() })
  const report = (): Promise<Report> => observation.report(ready.live?.ages() ?? NO_AGES)
  const admin = isWorker
    ? undefined
    : await startOperators(first.config, stateNow, async () => [await report()], log)
  const { watch } = observation
  const journey: Journey = (request, signal) => running.journey(request, signal)
  const b2: B2Lane = (received, receiving, signal) => running.b2(received, receiving, signal)
  listeners = await Promise.all(
    listen.map(address =>
      startListener({
        address,
        domains,
        limits,
        front,
        journey,
        api: apiOf(address, b2),
        log,
        watch,
      }),
    ),
  )
  isReady = true
  for (const listen of where()) log.info({ listen }, 'listening')
  return {
    listeners,
    observation,
    report,
    reload: next => {
      const before = running
      ready = next
      running = startJourney(next, slabs, log)
      const changed = AT_START.filter(option => !isSame(option, first.config, next.config))
      if (!changed.includes('listen')) {
        for (const [i, listener] of listeners.entries())
          listener.renew(tlsOf(next.config.listen[i]))
      }
      void before.retire()
      return changed
    },
    close: async () => {
      isReady = false
      await Promise.all(listeners.map(listener => listener.close()))
      await running.retire()
      await Promise.all(embedded.map(upstream => upstream.close()))
      await admin?.close()
    },
  }
}
