import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import type { JournalEntry } from '../s3/journal.ts'

interface Description {
  readonly name: string
  readonly help: string
  readonly labels: readonly string[]
}

/**
 * What is counted, and nothing else: labels are names that the configuration or S3 gives, never a key, an object key
 * or an address. `docs/metrics.md` is made of it.
 */
export const METRICS = {
  requests: {
    name: 'ssec_proxy_requests_total',
    help: 'Requests that were answered or broken off.',
    labels: ['client', 'operation', 'status'],
  },
  errors: {
    name: 'ssec_proxy_errors_total',
    help: "Requests that the proxy itself refused or failed, by S3 error code. `UnconfirmedEncryption` wants a person's look.",
    labels: ['code'],
  },
  decisions: {
    name: 'ssec_proxy_rule_requests_total',
    help: 'Requests that a policy rule decided.',
    labels: ['rule'],
  },
  keyVersions: {
    name: 'ssec_proxy_key_version_requests_total',
    help: 'Requests that a key version served; `none` for plaintext objects that a rule lets be read.',
    labels: ['key_version'],
  },
  attempts: {
    name: 'ssec_proxy_upstream_requests_total',
    help: 'Requests sent to an upstream, all attempts and the parts of streamed copies counted.',
    labels: ['upstream'],
  },
  streamedCopies: {
    name: 'ssec_proxy_streamed_copies_total',
    help: 'Copies that the proxy itself read and wrote, as the provider could not.',
    labels: ['upstream'],
  },
  bytesIn: {
    name: 'ssec_proxy_received_bytes_total',
    help: 'Bytes received from clients, heads and bodies.',
    labels: ['client'],
  },
  bytesOut: {
    name: 'ssec_proxy_sent_bytes_total',
    help: 'Bytes sent to clients, heads and bodies.',
    labels: ['client'],
  },
  aborted: {
    name: 'ssec_proxy_aborted_total',
    help: 'Requests whose client or upstream went away before the end.',
    labels: [],
  },
  duration: {
    name: 'ssec_proxy_request_seconds',
    help: 'Seconds from the request head to the end of the answer.',
    labels: ['operation'],
  },
  upstreamDuration: {
    name: 'ssec_proxy_upstream_seconds',
    help: "Seconds until the head of the upstream's last answer, all attempts together.",
    labels: ['upstream'],
  },
  inFlight: {
    name: 'ssec_proxy_requests_in_flight',
    help: 'Requests under way.',
    labels: [],
  },
  reloads: {
    name: 'ssec_proxy_reloads_total',
    help: 'Reloads of the configuration and the keys: `ok`, or `refused` when the old ones stayed in force.',
    labels: ['result'],
  },
  keyAge: {
    name: 'ssec_proxy_keyring_age_seconds',
    help: 'Seconds since a keyring was last fetched from its vault; of those alone that are fetched again. Over its `ttl`: the vault cannot be reached.',
    labels: ['keyring'],
  },
  started: {
    name: 'ssec_proxy_start_time_seconds',
    help: 'When the longest-running process began to serve, in seconds since 1970.',
    labels: [],
  },
} as const satisfies Readonly<Record<string, Description>>

type MetricName = keyof typeof METRICS

/** From a request that a cache could answer to a large part over a slow line. */
const SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300]

export interface Metrics {
  readonly registry: Registry
  began(): void
  /** Counts a request out of what its log line says. */
  ended(entry: JournalEntry): void
  reloaded(isOk: boolean): void
  /** @param ages milliseconds */
  keyAges(ages: ReadonlyMap<string, number>): void
}

/** @param now when the process began to serve */
export const createMetrics = (now: Date): Metrics => {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  const options = (metric: MetricName) => {
    const { name, help, labels } = METRICS[metric]
    return { name, help, labelNames: labels as readonly string[], registers: [registry] }
  }
  const counter = (metric: MetricName) => new Counter(options(metric))
  const requests = counter('requests')
  const errors = counter('errors')
  const decisions = counter('decisions')
  const keyVersions = counter('keyVersions')
  const attempts = counter('attempts')
  const streamedCopies = counter('streamedCopies')
  const bytesIn = counter('bytesIn')
  const bytesOut = counter('bytesOut')
  const aborted = counter('aborted')
  const reloads = counter('reloads')
  const duration = new Histogram({ ...options('duration'), buckets: SECONDS })
  const upstreamDuration = new Histogram({ ...options('upstreamDuration'), buckets: SECONDS })
  const inFlight = new Gauge(options('inFlight'))
  const keyAge = new Gauge({ ...options('keyAge'), aggregator: 'max' })
  const started = new Gauge({ ...options('started'), aggregator: 'min' })
  started.set(Math.round(now.getTime() / 1000))

  const countAnswer = (entry: JournalEntry): void => {
    const client = text(entry.client)
    requests.inc({ client, operation: text(entry.operation), status: text(entry.status) })
    bytesIn.inc({ client }, amount(entry.bytesIn))
    bytesOut.inc({ client }, amount(entry.bytesOut))
    duration.observe({ operation: text(entry.operation) }, amount(entry.ms) / 1000)
    if (entry.error !== undefined) errors.inc({ code: text(entry.error) })
    if (entry.aborted === true) aborted.inc()
  }
  const countJourney = (entry: JournalEntry): void => {
    if (entry.rule !== undefined) decisions.inc({ rule: text(entry.rule) })
    if (entry.keyVersion !== undefined) keyVersions.inc({ key_version: text(entry.keyVersion) })
    if (entry.upstream === undefined) return
    const upstream = text(entry.upstream)
    attempts.inc({ upstream }, amount(entry.attempts))
    upstreamDuration.observe({ upstream }, amount(entry.upstreamMs) / 1000)
    if (entry.copy !== undefined) streamedCopies.inc({ upstream })
  }
  return {
    registry,
    began: () => inFlight.inc(),
    ended: entry => {
      inFlight.dec()
      countAnswer(entry)
      countJourney(entry)
    },
    keyAges: ages => {
      keyAge.reset()
      for (const [keyring, ms] of ages) keyAge.set({ keyring }, ms / 1000)
    },
    reloaded: isOk => reloads.inc({ result: isOk ? 'ok' : 'refused' }),
  }
}

const text = (value: JournalEntry[keyof JournalEntry]): string => String(value ?? '')

const amount = (value: JournalEntry[keyof JournalEntry]): number =>
  typeof value === 'number' ? value : 0
