import type { Config } from './config/config.ts'
import type { Keyrings } from './keys/find-keys.ts'
import { type AdminSources, startAdmin } from './observe/admin.ts'
import type { Logger } from './observe/log.ts'
import { createMetrics, type Metrics } from './observe/metrics.ts'
import type { Status } from './observe/page.ts'
import { createWatch, type KeptWatch, type Watch } from './observe/watch.ts'
import { VERSION } from './version.ts'

/** What a running proxy tells of itself. */
export interface State {
  readonly config: Config
  readonly keyrings: Keyrings
  /** False while draining. */
  readonly isReady: boolean
  /** Milliseconds since each keyring was fetched, where it is fetched again. */
  readonly keyAges: ReadonlyMap<string, number>
  /** Where clients connect. */
  readonly listeners: readonly string[]
}

/** What operators see of a running proxy: nothing at all, unless the configuration has `admin`. */
export interface Operators {
  /** To be told of every request. */
  readonly watch: Watch | undefined
  reloaded(isOk: boolean): void
  close(): Promise<void>
}

const UNSEEN: Operators = {
  watch: undefined,
  reloaded: () => undefined,
  close: async () => undefined,
}

const statusOf = async (state: State, metrics: Metrics, watch: KeptWatch): Promise<Status> => ({
  version: VERSION,
  now: new Date(),
  isReady: state.isReady,
  listeners: state.listeners,
  upstreams: [...state.config.upstreams.values()],
  keyrings: [...state.keyrings.values()].map(({ name, versions }) => ({
    name,
    versions: versions.map(({ id }) => id),
  })),
  rules: state.config.rules.map(({ name, effect }) => ({ name, effect: effect.kind })),
  clients: state.config.clients,
  metrics: await metrics.registry.getMetricsAsJSON(),
  failures: watch.failures(),
})

/**
 * Starts the admin listener, where the configuration has one.
 *
 * @param stateNow asked anew for each page
 */
export const startOperators = async (
  { admin: address }: Config,
  stateNow: () => State,
  log: Logger,
): Promise<Operators> => {
  if (address === undefined) return UNSEEN
  const now = (): Date => new Date()
  const metrics = createMetrics(now())
  const watch = createWatch(metrics, now)
  const sources: AdminSources = {
    metricsType: metrics.registry.contentType,
    metrics: () => {
      metrics.keyAges(stateNow().keyAges)
      return metrics.registry.metrics()
    },
    isReady: () => stateNow().isReady,
    status: () => statusOf(stateNow(), metrics, watch),
  }
  const admin = await startAdmin(address, sources)
  log.info({ admin: admin.where }, 'listening')
  return { watch, reloaded: metrics.reloaded, close: admin.close }
}
