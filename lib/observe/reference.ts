import { JOURNAL_FIELDS } from '../s3/journal.ts'
import { METRICS } from './metrics.ts'

/** The page of the log's fields, `docs/log.md`. */
export const logPage = (): string => {
  const rows = Object.entries(JOURNAL_FIELDS).map(
    ([field, meaning]) => `| \`${field}\` | ${meaning} |`,
  )
  return `# The log

JSON lines on stdout, one per request, with \`level\` (30 information, 40 warning, 50 error), \`time\` and \`msg\`. A request's
line has \`msg: "request"\` and these fields, and never any other: no header, URL, object key, key or secret is logged.

| field | meaning |
| --- | --- |
${rows.join('\n')}

A line \`msg: "fault"\` with the same \`requestId\` carries the stack of what was not the client's fault.

What to look for: \`error: "UnconfirmedEncryption"\` means that a provider did not encrypt what it was told to;
\`attempts\` above 1 counts reads of objects under older key versions, or of plaintext where that is allowed.

This page is written by \`npm run schema\`.
`
}

/** The page of the metrics, `docs/metrics.md`. */
export const metricsPage = (): string => {
  const rows = Object.values(METRICS).map(
    ({ name, labels, help }) =>
      `| \`${name}\` | ${labels.map(label => `\`${label}\``).join(', ')} | ${help} |`,
  )
  return `# Metrics and health

\`admin: { port: 9090 }\` in the configuration starts a listener for operators, on loopback unless \`host\` says otherwise:

| path | what it gives |
| --- | --- |
| \`/metrics\` | the metrics below, in Prometheus' text format |
| \`/healthz\` | 200 while the process lives |
| \`/readyz\` | 200 when requests are welcome, 503 while it starts or drains |
| \`/\` | a page for people: clients, upstreams, rules, key versions, the latest failures |

It asks nobody who they are. Names of clients, rules, buckets and keyrings can be read there, never a key, a secret or an
object key.

| metric | labels | meaning |
| --- | --- | --- |
${rows.join('\n')}

Beside these stand what Node tells of its processes, \`process_*\` and \`nodejs_*\`: CPU, memory, open files, event loop.

What to alert on:

- \`increase(ssec_proxy_errors_total{code="UnconfirmedEncryption"}[5m]) > 0\`: a provider did not encrypt what it was told to
- \`rate(ssec_proxy_errors_total{code=~"Upstream.*|InternalError"}[5m]) > 0\`: the provider cannot be reached, or the proxy fails
- \`increase(ssec_proxy_reloads_total{result="refused"}[15m]) > 0\`: a new configuration or key was not taken; the log says why
- \`ssec_proxy_key_version_requests_total\` of a version that should be gone: objects under it are still read

This page is written by \`npm run schema\`.
`
}
