import type { MetricObject } from 'prom-client'
import type { Failure } from './page.ts'

/** What one process has counted and seen; plain data, so that processes can send it to each other. */
export interface Report {
  readonly metrics: readonly MetricObject[]
  readonly failures: readonly Failure[]
}
