// Writes config/schema.json and docs/configuration.md. Run it by `npm run schema`.
import { mkdir, writeFile } from 'node:fs/promises'
import { configJsonSchema, configurationPage } from '../dist/lib/config/reference.js'

await mkdir('docs', { recursive: true })
await writeFile('config/schema.json', `${JSON.stringify(configJsonSchema(), null, 2)}\n`)
await writeFile('docs/configuration.md', configurationPage())
