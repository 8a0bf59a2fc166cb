import type { MetricObjectWithValues, MetricValue } from 'prom-client'
import { METRICS } from './metrics.ts'

/** What the page says besides the metrics; names only. */
export interface Status {
  readonly version: string
  readonly now: Date
  readonly isReady: boolean
  readonly listeners: readonly string[]
  readonly upstreams: readonly { name: string; provider: string; endpoint: string }[]
  readonly keyrings: readonly { name: string; versions: readonly string[] }[]
  readonly rules: readonly { name: string; effect: string }[]
  readonly clients: readonly { name: string; upstream: string }[]
  readonly metrics: readonly MetricObjectWithValues<MetricValue<string>>[]
  readonly failures: readonly Failure[]
}

/** A request that failed, as the log has it. */
export interface Failure {
  /** ISO 8601, in UTC. */
  readonly at: string
  readonly requestId: string
  readonly client: string
  readonly operation: string
  readonly bucket: string
  readonly status: string
  readonly error: string
  readonly reason: string
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
}

const escapeHtml = (text: string): string =>
  text.replace(/[&<>"]/g, character => ENTITIES[character] ?? character)

type Cell = string | number

const cell = (value: Cell): string =>
  typeof value === 'number'
    ? `<td class="n">${value.toLocaleString('en')}</td>`
    : `<td>${escapeHtml(value)}</td>`

const table = (
  title: string,
  columns: readonly string[],
  rows: readonly (readonly Cell[])[],
): string => {
  if (rows.length === 0) return ''
  const isNumeric = (i: number): boolean => typeof rows[0]?.[i] === 'number'
  const head = columns
    .map((column, i) => `<th${isNumeric(i) ? ' class="n"' : ''}>${escapeHtml(column)}</th>`)
    .join('')
  const body = rows.map(row => `<tr>${row.map(cell).join('')}</tr>`).join('\n')
  return `<h2>${escapeHtml(title)}</h2>\n<table><thead><tr>${head}</tr></thead><tbody>\n${body}\n</tbody></table>\n`
}

type MetricKey = keyof typeof METRICS

/** Sums of a metric's values by one of its labels. */
const sumsBy = (
  { metrics }: Status,
  key: MetricKey,
  label: string,
): ReadonlyMap<string, number> => {
  const sums = new Map<string, number>()
  for (const { labels, value } of valuesOf(metrics, key)) {
    const name = String(labels[label] ?? '')
    sums.set(name, (sums.get(name) ?? 0) + value)
  }
  return sums
}

const valuesOf = (metrics: Status['metrics'], key: MetricKey): readonly MetricValue<string>[] =>
  metrics.find(({ name }) => name === METRICS[key].name)?.values ?? []

const total = ({ metrics }: Status, key: MetricKey): number =>
  valuesOf(metrics, key).reduce((sum, { value }) => sum + value, 0)

/** A histogram's mean by one of its labels, in milliseconds. */
const meansBy = (
  { metrics }: Status,
  key: MetricKey,
  label: string,
): ReadonlyMap<string, number> => {
  const values = valuesOf(metrics, key) as readonly (MetricValue<string> & {
    readonly metricName?: string
  })[]
  const of = (ending: string, name: string): number =>
    values.find(each => each.metricName?.endsWith(ending) && each.labels[label] === name)?.value ??
    0
  const names = new Set(values.map(({ labels }) => String(labels[label] ?? '')))
  return new Map(
    [...names].map(name => [name, Math.round((1000 * of('_sum', name)) / of('_count', name))]),
  )
}

const numbers = (counts: ReadonlyMap<string, number>): [string, number][] =>
  [...counts].sort(([, a], [, b]) => b - a)

const age = (status: Status): string => {
  const seconds = Math.max(0, Math.round(status.now.getTime() / 1000 - total(status, 'started')))
  const [days, hours, minutes] = [
    Math.floor(seconds / 86_400),
    Math.floor(seconds / 3600) % 24,
    Math.floor(seconds / 60) % 60,
  ]
  return `${days} d ${hours} h ${minutes} min`
}

const MIB = 1024 * 1024

const clientTable = (status: Status): string => {
  const requests = sumsBy(status, 'requests', 'client')
  const received = sumsBy(status, 'bytesIn', 'client')
  const sent = sumsBy(status, 'bytesOut', 'client')
  const mib = (bytes: number | undefined): number => Math.round((bytes ?? 0) / MIB)
  return table(
    'Clients',
    ['client', 'upstream', 'requests', 'MiB in', 'MiB out'],
    status.clients.map(({ name, upstream }) => [
      name,
      upstream,
      requests.get(name) ?? 0,
      mib(received.get(name)),
      mib(sent.get(name)),
    ]),
  )
}

const upstreamTable = (status: Status): string => {
  const requests = sumsBy(status, 'attempts', 'upstream')
  const means = meansBy(status, 'upstreamDuration', 'upstream')
  return table(
    'Upstreams',
    ['upstream', 'provider', 'endpoint', 'requests', 'mean ms to head'],
    status.upstreams.map(({ name, provider, endpoint }) => [
      name,
      provider,
      endpoint,
      requests.get(name) ?? 0,
      means.get(name) ?? 0,
    ]),
  )
}

const ruleTable = (status: Status): string => {
  const requests = sumsBy(status, 'decisions', 'rule')
  return table(
    'Rules, first match decides',
    ['rule', 'effect', 'requests'],
    status.rules.map(({ name, effect }) => [name, effect, requests.get(name) ?? 0]),
  )
}

const keyTable = (status: Status): string => {
  const requests = sumsBy(status, 'keyVersions', 'key_version')
  const rows = status.keyrings.flatMap(({ name, versions }) =>
    versions.map((version, i): Cell[] => [
      `${name}/${version}`,
      i === 0 ? 'writes and reads' : 'reads',
      requests.get(`${name}/${version}`) ?? 0,
    ]),
  )
  const plaintext = requests.get('none')
  return table(
    'Key versions',
    ['version', 'use', 'requests'],
    plaintext === undefined ? rows : [...rows, ['none (plaintext)', 'reads', plaintext]],
  )
}

const failureTable = ({ failures }: Status): string =>
  table(
    'Latest failures',
    ['at', 'request id', 'client', 'operation', 'bucket', 'status', 'error', 'reason'],
    failures.map(each => [
      each.at,
      each.requestId,
      each.client,
      each.operation,
      each.bucket,
      each.status,
      each.error,
      each.reason,
    ]),
  )

const STYLE = `
:root { color-scheme: light dark; font: 15px/1.45 system-ui, sans-serif }
body { max-width: 72rem; margin: 2rem auto; padding: 0 1rem }
h1 { font-size: 1.4rem; margin: 0 } h2 { font-size: 1rem; margin: 1.8rem 0 .4rem }
table { border-collapse: collapse; width: 100% } th:not(.n) { text-align: left } th { font-weight: 600 }
th, td { padding: .25rem .8rem .25rem 0; border-bottom: 1px solid #8884; vertical-align: top }
.n { text-align: right; font-variant-numeric: tabular-nums; padding-right: 1.6rem }
.ok { color: #1a7f37 } .bad { color: #cf222e } .alarm { border-left: 4px solid #cf222e; padding-left: .8rem }
`

/** Said above all else: a provider that stores what it should have encrypted. */
const alarm = (status: Status): string => {
  const unconfirmed = sumsBy(status, 'errors', 'code').get('UnconfirmedEncryption') ?? 0
  if (unconfirmed === 0) return ''
  return `<p class="alarm"><b>${unconfirmed}</b> writes were not confirmed as encrypted by the provider. Clients got 502; what the log says of <code>UnconfirmedEncryption</code> tells which.</p>\n`
}

/** The admin listener's page: HTML with nothing from elsewhere, renewed every five seconds. */
export const statusPage = (status: Status): string => `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta http-equiv="refresh" content="5">
<meta name="viewport" content="width=device-width"><title>ssec-proxy</title><style>${STYLE}</style></head><body>
<h1>ssec-proxy ${escapeHtml(status.version)} <span class="${status.isReady ? 'ok">ready' : 'bad">draining'}</span></h1>
<p>up ${age(status)} · ${escapeHtml(status.listeners.join(' · '))} · ${total(status, 'requests').toLocaleString('en')} requests,
${total(status, 'inFlight').toLocaleString('en')} under way · <a href="/metrics">metrics</a></p>
${alarm(status)}${table('Errors of the proxy', ['code', 'requests'], numbers(sumsBy(status, 'errors', 'code')))}${failureTable(status)}${clientTable(status)}${upstreamTable(status)}${ruleTable(status)}${keyTable(status)}</body></html>
`
