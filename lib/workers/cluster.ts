import cluster from 'node:cluster'
import type { Worker } from './supervisor.ts'

/** What a worker tells when it takes requests. */
const SERVING = 'serving'

/** Whether this process is a worker that another one started. */
export const isWorker = (): boolean => cluster.isWorker

/** The number of this process among all workers there have been; none when it is not a worker. */
export const workerName = (): string | undefined =>
  cluster.worker === undefined ? undefined : String(cluster.worker.id)

/** Tells the supervisor that this process takes requests. */
export const tellServing = (): void => void process.send?.(SERVING)

/** Leaves the supervisor, which alone would keep this process from ending. */
export const leave = (): void => void cluster.worker?.disconnect()

/** Starts this very program once more as a worker: it shares the listening sockets of its siblings. */
export const startWorker = (): Worker => {
  const worker = cluster.fork()
  const over = new Promise<void>(resolve => worker.once('exit', () => resolve()))
  const ready = new Promise<void>((resolve, reject) => {
    worker.on('message', message => {
      if (message === SERVING) resolve()
    })
    worker.once('exit', (code, signal) =>
      reject(new Error(`the worker ended with ${signal ?? code} before it served`)),
    )
  })
  return { ready, over, drain: () => worker.process.kill('SIGTERM') }
}
