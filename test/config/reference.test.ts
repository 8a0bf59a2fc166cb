import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { configJsonSchema, configurationPage } from '../../lib/config/reference.ts'
import { dialectsPage } from '../../lib/dialect/reference.ts'
import { logPage, metricsPage } from '../../lib/observe/reference.ts'

const inRepository = (file: string): Promise<string> =>
  readFile(join(import.meta.dirname, '../..', file), 'utf8')

t.test('config/schema.json is up to date (npm run schema)', async t => {
  t.strictSame(JSON.parse(await inRepository('config/schema.json')), configJsonSchema())
})

t.test('docs/configuration.md is up to date (npm run schema)', async t => {
  t.equal(await inRepository('docs/configuration.md'), configurationPage())
})

t.test('docs/dialects.md is up to date (npm run schema)', async t => {
  t.equal(await inRepository('docs/dialects.md'), dialectsPage())
})

t.test('docs/log.md is up to date (npm run schema)', async t => {
  t.equal(await inRepository('docs/log.md'), logPage())
})

t.test('docs/metrics.md is up to date (npm run schema)', async t => {
  t.equal(await inRepository('docs/metrics.md'), metricsPage())
})

t.test('every option of the page has a meaning', async t => {
  const rows = configurationPage()
    .split('\n')
    .filter(line => line.startsWith('| `'))
  t.ok(rows.length > 60)
  for (const row of rows) t.notMatch(row, /\| +\|$/, row)
})

t.test('every link of the page leads to a section', async t => {
  const page = configurationPage()
  const sections = new Set([...page.matchAll(/^## (.*)$/gm)].map(([, name]) => name?.toLowerCase()))
  for (const [, name = ''] of page.matchAll(/\]\(#(.*?)\)/g)) t.ok(sections.has(name), name)
})
