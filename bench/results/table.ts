import type { Unit } from '../work.ts'
import type { Machine } from './machine.ts'
import {
  type Cell,
  type CostRecord,
  type DirectLatency,
  growthMiB,
  type MemoryRecord,
  type Results,
  type SlowDownloads,
  type Spread,
  type Transfers,
  wholeOf,
} from './results.ts'

const PLOTS = '![CPU per GiB](plots/large.svg)\n\n![CPU per request](plots/small.svg)'

/** All results as Markdown. */
export const renderResults = ({ cost, memory }: Results): string => {
  const sections = [
    ...(cost ? ['### CPU', renderCost(cost), PLOTS, '### Latency', renderLatency(cost)] : []),
    ...(memory ? ['### Memory', renderMemory(memory)] : []),
  ]
  return `\n${sections.join('\n\n')}\n\n`
}

/** One row for each route and work: each contender's cost, and the first one's as a multiple of its peers'. */
export const renderCost = ({ machine, runs, cells }: CostRecord): string => {
  const [first = '', ...peers] = [...new Set(cells.map(({ contender }) => contender))]
  const header = ['route', 'work', 'unit', first, ...peers, ...peers.map(peer => `× ${peer}`)]
  const rows = groupsOf(cells).map(group => costRow(group, first, peers))
  const method = `Median (least–most) of ${runs} runs.`
  return `${renderMachine(machine)} ${method}\n\n${renderTable([header, ...rows])}`
}

/** What a request takes on one connection, when nothing else is under way, and how much of it the proxy adds. */
export const renderLatency = ({ cells, direct }: CostRecord): string => {
  const header = ['route', 'work', 'contender', 'p50, ms', 'p99, ms', 'added p50', 'added p99']
  const rows = direct.flatMap(without => [
    latencyRow('no proxy', without, without),
    ...cells
      .filter(({ route, work }) => route === without.route && work === without.work)
      .map(cell => latencyRow(cell.contender, cell, without)),
  ])
  return renderTable([header, ...rows])
}

const latencyRow = (
  name: string,
  { route, work, latency: { p50, p99 } }: DirectLatency,
  without: DirectLatency,
): readonly string[] =>
  [renderRoute(route), work, name].concat(
    [p50, p99, p50 - without.latency.p50, p99 - without.latency.p99].map(each => each.toFixed(3)),
  )

/** The cells of each route and work, in the order of their first. */
export const groupsOf = (cells: readonly Cell[]): readonly (readonly Cell[])[] => {
  const groups = new Map<string, Cell[]>()
  for (const cell of cells) {
    const name = `${cell.route} ${cell.work}`
    groups.set(name, [...(groups.get(name) ?? []), cell])
  }
  return [...groups.values()]
}

const costRow = (
  group: readonly Cell[],
  first: string,
  peers: readonly string[],
): readonly string[] => {
  const [cell] = group
  const costs = new Map(group.map(({ contender, cost }) => [contender, cost]))
  return cell === undefined
    ? []
    : [
        renderRoute(cell.route),
        cell.work,
        cell.unit,
        ...[first, ...peers].map(name => renderSpread(cell.unit, costs.get(name))),
        ...peers.map(name => renderRatio(costs.get(first), costs.get(name))),
      ]
}

/** `http-https` as a reader likes it. */
export const renderRoute = (name: string): string => name.replace('-', '→')

const renderSpread = (unit: Unit, spread: Spread | undefined): string => {
  if (spread === undefined) return ''
  const digits = unit === 'CPU-s/GiB' ? 2 : 1
  const [median, min, max] = [spread.median, spread.min, spread.max].map(each =>
    each.toFixed(digits),
  )
  return `${median} (${min}–${max})`
}

const renderRatio = (ours: Spread | undefined, theirs: Spread | undefined): string =>
  ours && theirs ? (ours.median / theirs.median).toFixed(2) : ''

/** The growth in each transfer, then each contender's growth under slow downloads. */
export const renderMemory = ({ machine, transfers, slowDownloads }: MemoryRecord): string =>
  [
    renderMachine(machine),
    renderTable([
      ['route', 'contender', 'transfer', 'start, MiB', 'peak, MiB', 'growth, MiB'],
      ...transfers.flatMap(transferRows),
    ]),
    renderTable([
      ['route', 'contender', 'slow downloads', 'growth, MiB a connection'],
      ...slowDownloads.map(downloadsRow),
    ]),
  ].join('\n\n')

const transferRows = (transfers: Transfers): readonly (readonly string[])[] =>
  [...transfers.phases, wholeOf(transfers)].map(phase => [
    renderRoute(transfers.route),
    transfers.contender,
    phase.name,
    phase.startMiB.toFixed(0),
    phase.peakMiB.toFixed(0),
    growthMiB(phase).toFixed(1),
  ])

const downloadsRow = (downloads: SlowDownloads): readonly string[] => [
  renderRoute(downloads.route),
  downloads.contender,
  String(downloads.connections),
  downloads.growthMiBPerConnection.toFixed(2),
]

const renderMachine = (machine: Machine): string => {
  const { date, cpu, cores, kernel, node, openssl, load, contenders } = machine
  const versions = Object.entries(contenders).map(([name, version]) => `${name} ${version}`)
  return [
    `Recorded ${date.slice(0, 10)} on ${cores} cores of ${cpu}, Linux ${kernel}`,
    `load average ${load.toFixed(1)} before`,
    `node ${node} (OpenSSL ${openssl})`,
    `${versions.join(', ')}.`,
  ].join('; ')
}

const renderTable = ([header = [], ...rows]: readonly (readonly string[])[]): string =>
  [header, header.map(() => '---'), ...rows].map(cells => `| ${cells.join(' | ')} |`).join('\n')
