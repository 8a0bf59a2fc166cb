import { checkBodies } from './check.ts'
import type { Contender } from './contenders/contender.ts'
import type { Latency } from './ends/load.ts'
import { type Options, parseOptions } from './options.ts'
import { describeMachine } from './results/machine.ts'
import { record } from './results/record.ts'
import { type Cell, spreadOf } from './results/results.ts'
import { renderCost, renderLatency } from './results/table.ts'
import { cpuSeconds } from './stage/proc.ts'
import { ROUTES, type Route } from './stage/route.ts'
import { type Entrant, Stage } from './stage/stage.ts'
import { costOf, WORKS, type Work, warmUpOf } from './work.ts'

/* `npm run bench`: what each contender's work costs in CPU seconds, side by side. */

/** One measurement of one entrant. */
interface Sample {
  readonly entrant: Entrant
  /** In the work's unit. */
  readonly cost: number
  readonly requestsPerSecond: number
  readonly latency: Latency
}

const main = async (): Promise<void> => {
  const options = await parseOptions(process.argv.slice(2), ROUTES)
  const machine = await describeMachine(options.node, options.contenders)
  const cells = await Stage.lend(options.node, stage => measureRoutes(stage, options))
  const cost = { machine, runs: options.runs, cells }
  console.log(`${renderCost(cost)}\n\n${renderLatency(cost)}`)
  if (options.quick) console.log('Quick: so little work that the figures say little.')
  else await record({ cost })
}

const measureRoutes = async (stage: Stage, options: Options): Promise<readonly Cell[]> => {
  const cells: Cell[] = []
  for (const route of options.routes) {
    cells.push(...(await measureRoute(stage, options, route)))
    await stage.clear()
  }
  return cells
}

const measureRoute = async (
  stage: Stage,
  { contenders, runs, quick }: Options,
  route: Route,
): Promise<readonly Cell[]> => {
  const entrants = await startEntrants(stage, contenders, route)
  const cells: Cell[] = []
  for (const work of quick ? WORKS.map(warmUpOf) : WORKS) {
    console.error(`${route.name}: ${work.name}`)
    cells.push(...(await measureWork(stage, work, entrants, runs)))
  }
  return cells
}

const startEntrants = async (
  stage: Stage,
  contenders: readonly Contender[],
  route: Route,
): Promise<readonly Entrant[]> => {
  const upstreamPort = await stage.startUpstream(route)
  const entrants: Entrant[] = []
  for (const contender of contenders) {
    const entrant = await stage.startContender(contender, route, upstreamPort)
    await checkBodies(stage, entrant)
    entrants.push(entrant)
  }
  return entrants
}

/** Measures each entrant once, then each again: what disturbs the machine for a while disturbs all alike. */
const measureWork = async (
  stage: Stage,
  work: Work,
  entrants: readonly Entrant[],
  runs: number,
): Promise<readonly Cell[]> => {
  for (const entrant of entrants) await stage.load(entrant, { ...warmUpOf(work), manner: 'plain' })
  const samples: Sample[] = []
  for (let run = 0; run < runs; run++) {
    for (const entrant of entrants) samples.push(await measure(stage, work, entrant))
  }
  return entrants.map(entrant =>
    toCell(
      work,
      entrant,
      samples.filter(sample => sample.entrant === entrant),
    ),
  )
}

const measure = async (stage: Stage, work: Work, entrant: Entrant): Promise<Sample> => {
  const before = await cpuSeconds(entrant.pid)
  const { wallSeconds, latency } = await stage.load(entrant, { ...work, manner: 'plain' })
  const cost = costOf(work, (await cpuSeconds(entrant.pid)) - before)
  return { entrant, cost, requestsPerSecond: work.requests / wallSeconds, latency }
}

const toCell = (work: Work, { contender, route }: Entrant, samples: readonly Sample[]): Cell => ({
  route: route.name,
  work: work.name,
  unit: work.unit,
  contender: contender.name,
  cost: spreadOf(samples.map(sample => sample.cost)),
  requestsPerSecond: spreadOf(samples.map(sample => sample.requestsPerSecond)),
  latency: {
    p50: spreadOf(samples.map(({ latency }) => latency.p50)).median,
    p99: spreadOf(samples.map(({ latency }) => latency.p99)).median,
  },
})

await main()
