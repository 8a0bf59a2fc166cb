import { checkBodies } from './check.ts'
import type { Contender } from './contenders/contender.ts'
import type { Latency } from './ends/load.ts'
import { type Options, parseOptions } from './options.ts'
import { describeMachine } from './results/machine.ts'
import { record } from './results/record.ts'
import { type Cell, type CostRecord, type DirectLatency, spreadOf } from './results/results.ts'
import { renderCost, renderLatency } from './results/table.ts'
import { cpuSeconds } from './stage/proc.ts'
import { LIKELY, ROUTES, type Route } from './stage/route.ts'
import { type Entrant, Stage } from './stage/stage.ts'
import { costOf, isAlone, VOUCHED_WORKS, WORKS, type Work, warmUpOf } from './work.ts'

/* `npm run bench`: what each contender's work costs in CPU seconds, side by side. */

/** One measurement of one entrant. */
interface Sample {
  readonly entrant: Entrant
  /** In the work's unit. */
  readonly cost: number
  readonly requestsPerSecond: number
  readonly latency: Latency
}

/** What was measured on a route, or of one work on it. */
type Found = Pick<CostRecord, 'cells' | 'direct'>

const main = async (): Promise<void> => {
  const options = await parseOptions(process.argv.slice(2), ROUTES)
  const machine = await describeMachine(options.node, options.contenders)
  const found = await Stage.lend(options.node, stage => measureRoutes(stage, options))
  const cost = { machine, runs: options.runs, ...found }
  console.log(`${renderCost(cost)}\n\n${renderLatency(cost)}`)
  if (options.quick) console.log('Quick: so little work that the figures say little.')
  else await record({ cost })
}

const joined = (found: readonly Found[]): Found => ({
  cells: found.flatMap(({ cells }) => cells),
  direct: found.flatMap(({ direct }) => direct),
})

const measureRoutes = async (stage: Stage, options: Options): Promise<Found> => {
  const found: Found[] = []
  for (const route of options.routes) {
    found.push(await measureRoute(stage, options, route))
    await stage.clear()
  }
  return joined(found)
}

const measureRoute = async (stage: Stage, options: Options, route: Route): Promise<Found> => {
  const upstreamPort = await stage.startUpstream(route)
  const entrants = await startEntrants(stage, options.contenders, route, upstreamPort)
  const works = route.name === LIKELY ? [...WORKS, ...VOUCHED_WORKS] : WORKS
  const found: Found[] = []
  for (const work of options.quick ? works.map(warmUpOf) : works) {
    console.error(`${route.name}: ${work.name}`)
    found.push(await measureWork({ stage, route, upstreamPort, work }, entrants, options.runs))
  }
  return joined(found)
}

const startEntrants = async (
  stage: Stage,
  contenders: readonly Contender[],
  route: Route,
  upstreamPort: number,
): Promise<readonly Entrant[]> => {
  const entrants: Entrant[] = []
  for (const contender of contenders) {
    const entrant = await stage.startContender(contender, route, upstreamPort)
    await checkBodies(stage, entrant)
    entrants.push(entrant)
  }
  return entrants
}

/** A work, and where it is done. */
interface Scene {
  readonly stage: Stage
  readonly route: Route
  readonly upstreamPort: number
  readonly work: Work
}

/** Measures each entrant once, then each again: what disturbs the machine for a while disturbs all alike. */
const measureWork = async (
  scene: Scene,
  entrants: readonly Entrant[],
  runs: number,
): Promise<Found> => {
  const { stage, work } = scene
  for (const entrant of entrants) await stage.load(entrant, { ...warmUpOf(work), manner: 'plain' })
  const samples: Sample[] = []
  const direct: Latency[] = []
  for (let run = 0; run < runs; run++) {
    for (const entrant of entrants) samples.push(await measure(scene, entrant))
    if (isAlone(work)) direct.push(await measureDirect(scene))
  }
  const cells = entrants.map(entrant =>
    toCell(
      work,
      entrant,
      samples.filter(sample => sample.entrant === entrant),
    ),
  )
  return { cells, direct: direct.length === 0 ? [] : [toDirect(scene, direct)] }
}

const measure = async ({ stage, work }: Scene, entrant: Entrant): Promise<Sample> => {
  const before = await cpuSeconds(entrant.pid)
  const { wallSeconds, latency } = await stage.load(entrant, { ...work, manner: 'plain' })
  const cost = costOf(work, (await cpuSeconds(entrant.pid)) - before)
  return { entrant, cost, requestsPerSecond: work.requests / wallSeconds, latency }
}

const measureDirect = async ({ stage, route, upstreamPort, work }: Scene): Promise<Latency> =>
  (await stage.loadDirectly(route, upstreamPort, { ...work, manner: 'plain' })).latency

const medianLatency = (latencies: readonly Latency[]): Latency => ({
  p50: spreadOf(latencies.map(({ p50 }) => p50)).median,
  p99: spreadOf(latencies.map(({ p99 }) => p99)).median,
})

const toDirect = ({ route, work }: Scene, latencies: readonly Latency[]): DirectLatency => ({
  route: route.name,
  work: work.name,
  latency: medianLatency(latencies),
})

const toCell = (work: Work, { contender, route }: Entrant, samples: readonly Sample[]): Cell => ({
  route: route.name,
  work: work.name,
  unit: work.unit,
  contender: contender.name,
  cost: spreadOf(samples.map(sample => sample.cost)),
  requestsPerSecond: spreadOf(samples.map(sample => sample.requestsPerSecond)),
  latency: medianLatency(samples.map(({ latency }) => latency)),
})

await main()
