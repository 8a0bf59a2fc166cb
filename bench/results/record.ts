import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { REPOSITORY } from '../stage/repository.ts'
import type { Unit } from '../work.ts'
import { drawCost } from './plot.ts'
import type { CostRecord, Results } from './results.ts'
import { renderResults } from './table.ts'

const RESULTS = join(REPOSITORY, 'bench/results.json')
const README = join(REPOSITORY, 'bench/README.md')
const RECORDED = /(?<=<!-- results -->\n).*(?=<!-- \/results -->)/s

const PLOTS: readonly (readonly [file: string, unit: Unit])[] = [
  ['bench/plots/large.svg', 'CPU-s/GiB'],
  ['bench/plots/small.svg', 'µs CPU/request'],
]

/** Sets what one bench found beside what the others did, in `results.json`, the README's tables and the plots. */
export const record = async (found: Results): Promise<void> => {
  const results = { ...(await readResults()), ...found }
  await writeFile(RESULTS, `${JSON.stringify(results, null, 2)}\n`)
  const page = await readFile(README, 'utf8')
  await writeFile(
    README,
    page.replace(RECORDED, () => renderResults(results)),
  )
  if (found.cost !== undefined) await drawPlots(found.cost)
}

const drawPlots = async (cost: CostRecord): Promise<void> => {
  for (const [file, unit] of PLOTS) {
    const path = join(REPOSITORY, file)
    await mkdir(dirname(path), { recursive: true })
    await writeFile(path, drawCost(cost, unit))
  }
}

const readResults = async (): Promise<Results> => {
  const text = await readFile(RESULTS, 'utf8').catch(() => '{}')
  return JSON.parse(text) as Results
}
