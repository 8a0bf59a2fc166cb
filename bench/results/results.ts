import type { Latency } from '../ends/load.ts'
import type { Unit } from '../work.ts'
import type { Machine } from './machine.ts'

/** Several measurements of the same thing. */
export interface Spread {
  readonly median: number
  readonly min: number
  readonly max: number
}

/** What one contender's work cost on one route. */
export interface Cell {
  readonly route: string
  readonly work: string
  readonly unit: Unit
  readonly contender: string
  readonly cost: Spread
  /** Wall time, which a busy machine disturbs. */
  readonly requestsPerSecond: Spread
  /** Medians over the runs; wall time, too. */
  readonly latency: Latency
}

/** What a request takes where no proxy is. */
export interface DirectLatency {
  readonly route: string
  readonly work: string
  /** Medians over the runs. */
  readonly latency: Latency
}

/** Resident memory of one process over some large transfers, one after the other. */
export interface Transfers {
  readonly route: string
  readonly contender: string
  readonly phases: readonly MemoryPhase[]
}

/** Resident memory over one transfer. */
export interface MemoryPhase {
  readonly name: string
  readonly startMiB: number
  readonly peakMiB: number
}

/** What is recorded of `npm run bench`. */
export interface CostRecord {
  readonly machine: Machine
  readonly runs: number
  readonly cells: readonly Cell[]
  readonly direct: readonly DirectLatency[]
}

/** What is recorded of `npm run bench:memory`. */
export interface MemoryRecord {
  readonly machine: Machine
  readonly transfers: readonly Transfers[]
  readonly slowDownloads: readonly SlowDownloads[]
}

/** Growth of resident memory while many clients read slowly. */
export interface SlowDownloads {
  readonly route: string
  readonly contender: string
  readonly connections: number
  readonly growthMiBPerConnection: number
}

export interface Results {
  readonly cost?: CostRecord
  readonly memory?: MemoryRecord
}

export const spreadOf = (values: readonly number[]): Spread => {
  const sorted = values.toSorted((a, b) => a - b)
  const at = (index: number): number => sorted[index] ?? Number.NaN
  const middle = (sorted.length - 1) / 2
  return {
    median: (at(Math.floor(middle)) + at(Math.ceil(middle))) / 2,
    min: at(0),
    max: at(sorted.length - 1),
  }
}

/** All phases as one: from the first start to the highest peak. */
export const wholeOf = ({ phases }: Transfers): MemoryPhase => ({
  name: 'all, one after the other',
  startMiB: phases[0]?.startMiB ?? Number.NaN,
  peakMiB: Math.max(...phases.map(({ peakMiB }) => peakMiB)),
})

export const growthMiB = ({ startMiB, peakMiB }: MemoryPhase): number => peakMiB - startMiB
