import type { Contender } from './contenders/contender.ts'
import { STALLING, TRICKLING } from './ends/pace.ts'
import { type Options, parseOptions } from './options.ts'
import { describeMachine } from './results/machine.ts'
import { record } from './results/record.ts'
import {
  growthMiB,
  type MemoryPhase,
  type MemoryRecord,
  type SlowDownloads,
  type Transfers,
  wholeOf,
} from './results/results.ts'
import { renderMemory } from './results/table.ts'
import { resetPeak, residentMiB } from './stage/proc.ts'
import { LIKELY, ROUTES, type Route } from './stage/route.ts'
import { type Entrant, Stage, type Task } from './stage/stage.ts'

/* `npm run bench:memory`: whether bodies stay out of the proxy's memory; exits 1 when they do not. */

const KiB = 2 ** 10
const GiB = 2 ** 30
const GROWTH_LIMIT_MIB = 64

const main = async (): Promise<void> => {
  const likely = ROUTES.filter(({ name }) => name === LIKELY)
  const options = await parseOptions(process.argv.slice(2), likely)
  const machine = await describeMachine(options.node, options.contenders)
  const found = await Stage.lend(options.node, stage => measureRoutes(stage, options))
  await report({ machine, ...found }, options.quick)
}

const measureRoutes = async (
  stage: Stage,
  { quick, routes, contenders }: Options,
): Promise<Omit<MemoryRecord, 'machine'>> => {
  const sizes = quick
    ? { transfer: GiB / 4, downloads: GiB / 2 }
    : { transfer: 5 * GiB, downloads: 4 * GiB }
  const transfers: Transfers[] = []
  const slowDownloads: SlowDownloads[] = []
  for (const route of routes) {
    transfers.push(await measureTransfers(stage, contenders[0], route, sizes.transfer))
    for (const connections of CROWDS) {
      for (const contender of contenders) {
        const crowd = {
          requests: connections,
          connections,
          size: Math.ceil(sizes.downloads / connections),
        }
        slowDownloads.push(await measureSlowDownloads(stage, contender, route, crowd))
      }
    }
  }
  return { transfers, slowDownloads }
}

const report = async (memory: MemoryRecord, quick: boolean): Promise<void> => {
  console.log(renderMemory(memory))
  if (!quick) await record({ memory })
  const growths = memory.transfers.map(transfers => growthMiB(wholeOf(transfers)))
  if (growths.every(growth => growth < GROWTH_LIMIT_MIB)) return
  console.error(`Memory grew by ${GROWTH_LIMIT_MIB} MiB or more.`)
  process.exitCode = 1
}

/** One end stalls, the other is as fast as it can: what the first does not take must wait where it is. */
const TRANSFERS: readonly (Pick<Task, 'method' | 'manner' | 'pace'> & { readonly name: string })[] =
  [
    { name: 'PUT, the upstream stalls', method: 'PUT', manner: 'stalling' },
    { name: 'GET, the client stalls', method: 'GET', manner: 'plain', pace: STALLING },
    { name: 'PUT, the client stalls', method: 'PUT', manner: 'plain', pace: STALLING },
    { name: 'GET, the upstream stalls', method: 'GET', manner: 'stalling' },
  ]

const measureTransfers = async (
  stage: Stage,
  contender: Contender,
  route: Route,
  size: number,
): Promise<Transfers> => {
  const entrant = await startWarm(stage, contender, route)
  const phases: MemoryPhase[] = []
  for (const { name, ...transfer } of TRANSFERS) {
    const task: Task = { ...transfer, size, requests: 1, connections: 1 }
    phases.push(await watch(stage, entrant, name, task))
  }
  await stage.clear()
  return { route: route.name, contender: contender.name, phases }
}

const measureSlowDownloads = async (
  stage: Stage,
  contender: Contender,
  route: Route,
  crowd: Pick<Task, 'requests' | 'connections' | 'size'>,
): Promise<SlowDownloads> => {
  const entrant = await startWarm(stage, contender, route)
  const downloads: Task = { ...crowd, method: 'GET', manner: 'plain', pace: TRICKLING }
  const phase = await watch(stage, entrant, 'slow downloads', downloads)
  await stage.clear()
  return {
    route: route.name,
    contender: contender.name,
    connections: crowd.connections,
    growthMiBPerConnection: growthMiB(phase) / crowd.connections,
  }
}

/** How many clients read slowly at once. */
const CROWDS: readonly number[] = [64, 1000]

/** Starts a contender and lets it do small requests, so that its code is loaded before memory is watched. */
const startWarm = async (stage: Stage, contender: Contender, route: Route): Promise<Entrant> => {
  const entrant = await stage.startContender(contender, route, await stage.startUpstream(route))
  const task: Omit<Task, 'method'> = {
    manner: 'plain',
    size: 4 * KiB,
    requests: 2000,
    connections: 64,
  }
  await stage.load(entrant, { ...task, method: 'GET' })
  await stage.load(entrant, { ...task, method: 'PUT' })
  return entrant
}

const watch = async (
  stage: Stage,
  entrant: Entrant,
  name: string,
  task: Task,
): Promise<MemoryPhase> => {
  console.error(`${entrant.route.name}: ${name}, through ${entrant.contender.name}`)
  await resetPeak(entrant.pid)
  const { now: startMiB } = await residentMiB(entrant.pid)
  await stage.load(entrant, task)
  const { peak: peakMiB } = await residentMiB(entrant.pid)
  return { name, startMiB, peakMiB }
}

await main()
