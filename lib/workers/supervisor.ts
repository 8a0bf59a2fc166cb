import type { Logger } from '../observe/log.ts'
import type { Report } from '../observe/report.ts'
import { restartDelay } from './backoff.ts'

/** A process that serves, as its supervisor sees it. */
export interface Worker {
  /** Where it listens, once it takes requests; rejects when it ends before. */
  readonly ready: Promise<readonly string[]>
  /** Resolves when the process is over. */
  readonly over: Promise<void>
  /** What it has counted; undefined when it does not say in time. */
  report(): Promise<Report | undefined>
  /** Has it take no new connection, let its requests end, and end itself. */
  drain(): void
}

export interface SupervisorOptions {
  readonly count: number
  readonly start: () => Worker
  readonly log: Logger
  /** Resolves after so many milliseconds. */
  readonly wait: (milliseconds: number) => Promise<unknown>
  /** Milliseconds of a clock that is never set back. */
  readonly now: () => number
}

/**
 * Keeps so many workers serving: one that ends unasked is replaced, and all are replaced one by one when told to.
 *
 * A worker takes its leave only when its successor takes requests, so that there is always somebody to connect to.
 */
export class Supervisor {
  readonly #options: SupervisorOptions
  /** Those that serve, and when each was started. */
  readonly #serving = new Map<Worker, number>()
  /** All whose processes are there, also those that start or drain. */
  readonly #alive = new Set<Worker>()
  #failures = 0
  #isStopping = false
  #where: readonly string[] = []

  constructor(options: SupervisorOptions) {
    this.#options = options
  }

  /**
   * Starts the workers.
   *
   * @throws what kept one of them from serving
   */
  async start(): Promise<void> {
    try {
      await Promise.all(Array.from({ length: this.#options.count }, () => this.#add()))
    } catch (fault) {
      await this.stop()
      throw fault
    }
  }

  /**
   * Replaces every worker, one after the other.
   *
   * @throws what kept a successor from serving; the workers that are left then stay as they are
   */
  async roll(): Promise<void> {
    for (const worker of [...this.#serving.keys()]) {
      if (this.#isStopping) return
      await this.#add()
      if (this.#serving.delete(worker)) worker.drain()
    }
  }

  /** Where the workers listen; nowhere before they do. */
  where(): readonly string[] {
    return this.#where
  }

  /** What each of the workers that serve has counted. */
  async reports(): Promise<readonly Report[]> {
    const reports = await Promise.all([...this.#serving.keys()].map(worker => worker.report()))
    return reports.filter(report => report !== undefined)
  }

  /** Drains all workers; resolves when their processes are over. */
  async stop(): Promise<void> {
    this.#isStopping = true
    this.#serving.clear()
    const alive = [...this.#alive]
    for (const worker of alive) worker.drain()
    await Promise.all(alive.map(worker => worker.over))
  }

  async #add(): Promise<void> {
    const worker = this.#options.start()
    this.#alive.add(worker)
    void worker.over.then(() => this.#ended(worker))
    this.#where = await worker.ready
    // It may have gone in the very moment in which it was ready, or all were told to stop meanwhile.
    if (this.#alive.has(worker) && !this.#isStopping) this.#serving.set(worker, this.#options.now())
  }

  #ended(worker: Worker): void {
    this.#alive.delete(worker)
    const since = this.#serving.get(worker)
    if (!this.#serving.delete(worker) || since === undefined) return
    const lived = this.#options.now() - since
    this.#options.log.error({ lived: Math.round(lived) }, 'a worker ended unasked')
    void this.#replace(lived)
  }

  /** @param lived milliseconds that the worker before served */
  async #replace(lived: number): Promise<void> {
    this.#failures = lived < STABLE ? this.#failures + 1 : 0
    await this.#options.wait(restartDelay(this.#failures))
    if (this.#isStopping) return
    try {
      await this.#add()
    } catch (fault) {
      const reason = fault instanceof Error ? fault.message : String(fault)
      this.#options.log.error({ reason }, 'a worker did not start')
      await this.#replace(0)
    }
  }
}

/** Milliseconds after which a worker's end is not taken for the same trouble as the one before. */
const STABLE = 60_000
