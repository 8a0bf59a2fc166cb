import { AggregatorRegistry } from 'prom-client'
import type { Config } from './config/config.ts'
import type { Keyrings } from './keys/find-keys.ts'
import { type Admin, startAdmin } from './observe/admin.ts'
import type { Logger } from './observe/log.ts'
import { createMetrics } from './observe/metrics.ts'
import type { Failure, Status } from './observe/page.ts'
import type { Report } from './observe/report.ts'
import { createWatch, SHOWN_FAILURES, type Watch } from './observe/watch.ts'
import { VERSION } from './version.ts'

/** What a process sees of its own work: nothing at all, unless the configuration has `admin`. */
export interface Observation {
  /** To be told of every request. */
  readonly watch: Watch | undefined
  reloaded(isOk: boolean): void
  /** @param keyAges milliseconds since each keyring was fetched, where it is fetched again */
  report(keyAges: ReadonlyMap<string, number>): Promise<Report>
}

const UNSEEN: Observation = {
  watch: undefined,
  reloaded: () => undefined,
  report: async () => ({ metrics: [], failures: [] }),
}

export const observe = ({ admin }: Config): Observation => {
  if (admin === undefined) return UNSEEN
  const now = (): Date => new Date()
  const metrics = createMetrics(now())
  const watch = createWatch(metrics, now)
  return {
    watch,
    reloaded: metrics.reloaded,
    report: async keyAges => {
      metrics.keyAges(keyAges)
      const counted = await metrics.registry.getMetricsAsJSON()
      return { metrics: counted, failures: watch.failures() }
    },
  }
}

/** What a running proxy tells of itself, be it one process or several. */
export interface State {
  readonly config: Config
  readonly keyrings: Keyrings
  /** False while it starts or drains. */
  readonly isReady: boolean
  /** Where clients connect. */
  readonly listeners: readonly string[]
}

const aggregate = (reports: readonly Report[]) =>
  AggregatorRegistry.aggregate(reports.map(({ metrics }) => [...metrics]))

const latestOf = (reports: readonly Report[]): readonly Failure[] =>
  reports
    .flatMap(({ failures }) => failures)
    .sort((a, b) => b.at.localeCompare(a.at))
    .slice(0, SHOWN_FAILURES)

const statusOf = async (state: State, reports: readonly Report[]): Promise<Status> => ({
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
  metrics: await aggregate(reports).getMetricsAsJSON(),
  failures: latestOf(reports),
})

/**
 * Starts the admin listener, where the configuration has one.
 *
 * @param stateNow asked anew for each page
 * @param reportsNow of every process that serves
 */
export const startOperators = async (
  { admin: address }: Config,
  stateNow: () => State,
  reportsNow: () => Promise<readonly Report[]>,
  log: Logger,
): Promise<Admin | undefined> => {
  if (address === undefined) return undefined
  const admin = await startAdmin(address, {
    metrics: async () => aggregate(await reportsNow()).metrics(),
    isReady: () => stateNow().isReady,
    status: async () => statusOf(stateNow(), await reportsNow()),
  })
  log.info({ admin: admin.where }, 'listening')
  return admin
}
