import cluster, { type Worker as Child } from 'node:cluster'
import type { Report } from '../observe/report.ts'
import type { Worker } from './supervisor.ts'

/** What a worker tells its supervisor: that it takes requests, and where; or what it has counted, as asked by `id`. */
type News =
  | { readonly news: 'serving'; readonly where: readonly string[] }
  | { readonly news: 'report'; readonly id: number; readonly report: Report }

/** What a supervisor asks its workers for. */
interface Question {
  readonly question: 'report'
  readonly id: number
}

// Both ends are of one release, so what is of the kind has the shape.
const has = (message: unknown, field: string): boolean =>
  typeof message === 'object' && message !== null && field in message

const isNews = (message: unknown): message is News => has(message, 'news')
const isQuestion = (message: unknown): message is Question => has(message, 'question')

/** Whether this process is a worker that another one started. */
export const isWorker = (): boolean => cluster.isWorker

/** The number of this process among all workers there have been; none when it is not a worker. */
export const workerName = (): string | undefined =>
  cluster.worker === undefined ? undefined : String(cluster.worker.id)

const tell = (news: News): void => void process.send?.(news)

/**
 * Tells the supervisor that this process takes requests, and from then on what it has counted when asked.
 *
 * @param where its listeners
 */
export const tellServing = (where: readonly string[], report: () => Promise<Report>): void => {
  process.on('message', message => {
    if (!isQuestion(message)) return
    void report().then(report => tell({ news: 'report', id: message.id, report }))
  })
  tell({ news: 'serving', where })
}

/** Leaves the supervisor, which alone would keep this process from ending. */
export const leave = (): void => void cluster.worker?.disconnect()

/** Milliseconds for a worker to say what it has counted. One that is stuck is left out. */
const PATIENCE = 2_000

let questions = 0

const askForReport = (child: Child): Promise<Report | undefined> => {
  questions += 1
  const id = questions
  return new Promise(resolve => {
    const end = (report: Report | undefined): void => {
      clearTimeout(timer)
      child.off('message', onMessage).off('exit', onExit)
      resolve(report)
    }
    const onMessage = (message: unknown): void => {
      if (isNews(message) && message.news === 'report' && message.id === id) end(message.report)
    }
    const onExit = (): void => end(undefined)
    const timer = setTimeout(onExit, PATIENCE)
    child.on('message', onMessage).on('exit', onExit)
    child.send({ question: 'report', id } satisfies Question, error => error && onExit())
  })
}

/** Starts this very program once more as a worker: it shares the listening sockets of its siblings. */
export const startWorker = (): Worker => {
  const child = cluster.fork()
  const over = new Promise<void>(resolve => child.once('exit', () => resolve()))
  const ready = new Promise<readonly string[]>((resolve, reject) => {
    child.on('message', (message: unknown) => {
      if (isNews(message) && message.news === 'serving') resolve(message.where)
    })
    child.once('exit', (code, signal) =>
      reject(new Error(`the worker ended with ${signal ?? code} before it served`)),
    )
  })
  const report = (): Promise<Report | undefined> => askForReport(child)
  return { ready, over, report, drain: () => child.process.kill('SIGTERM') }
}
