import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { REPOSITORY } from '../stage/repository.ts'
import type { Results } from './results.ts'
import { renderResults } from './table.ts'

const RESULTS = join(REPOSITORY, 'bench/results.json')
const README = join(REPOSITORY, 'bench/README.md')
const RECORDED = /(?<=<!-- results -->\n).*(?=<!-- \/results -->)/s

/** Sets what one bench found beside what the others did, in `results.json` and in the README's tables. */
export const record = async (found: Results): Promise<void> => {
  const results = { ...(await readResults()), ...found }
  await writeFile(RESULTS, `${JSON.stringify(results, null, 2)}\n`)
  const page = await readFile(README, 'utf8')
  await writeFile(
    README,
    page.replace(RECORDED, () => renderResults(results)),
  )
}

const readResults = async (): Promise<Results> => {
  const text = await readFile(RESULTS, 'utf8').catch(() => '{}')
  return JSON.parse(text) as Results
}
