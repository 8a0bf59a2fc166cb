// Writes config/schema.json, docs/configuration.md, docs/dialects.md, docs/log.md and docs/metrics.md. Run it by `npm run schema`.
import { mkdir, writeFile } from 'node:fs/promises'
import { configJsonSchema, configurationPage } from '../dist/lib/config/reference.js'
import { dialectsPage } from '../dist/lib/dialect/reference.js'
import { logPage, metricsPage } from '../dist/lib/observe/reference.js'

await mkdir('docs', { recursive: true })
await writeFile('config/schema.json', `${JSON.stringify(configJsonSchema(), null, 2)}\n`)
await writeFile('docs/configuration.md', configurationPage())
await writeFile('docs/dialects.md', dialectsPage())
await writeFile('docs/log.md', logPage())
await writeFile('docs/metrics.md', metricsPage())
