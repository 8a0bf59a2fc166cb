import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Contender, LOG } from '../contenders/contender.ts'
import type { Load, Outcome } from '../ends/load.ts'
import { type Certificate, createCertificate } from './certificate.ts'
import {
  type Child,
  CORES,
  type Command,
  findFreePort,
  runChild,
  startTalkingChild,
  untilListening,
} from './child.ts'
import { REPOSITORY } from './repository.ts'
import type { Route } from './route.ts'

/** A contender that runs on a route. */
export interface Entrant {
  readonly contender: Contender
  readonly route: Route
  readonly port: number
  readonly folder: string
  readonly pid: number
}

/** What a caller of `load` says; the rest follows from the entrant. */
export type Task = Omit<Load, 'scheme' | 'port' | 'ca' | 'encrypted' | 'payload'> &
  Partial<Pick<Load, 'payload'>>

/** Where the bench plays: an upstream, the contenders before it, and clients that come and go. */
export class Stage {
  readonly #node: string
  readonly #folder: string
  readonly #certificate: Certificate
  readonly #children: Child[] = []

  private constructor(node: string, folder: string, certificate: Certificate) {
    this.#node = node
    this.#folder = folder
    this.#certificate = certificate
  }

  /** Lends a stage to `play`, and clears it afterwards, come what may. */
  static async lend<T>(node: string, play: (stage: Stage) => Promise<T>): Promise<T> {
    const folder = await mkdtemp(join(tmpdir(), 'ssec-proxy-bench-'))
    const stage = new Stage(node, folder, await createCertificate(folder))
    try {
      return await play(stage)
    } finally {
      await stage.clear()
      await rm(folder, { recursive: true })
    }
  }

  /** Starts an upstream, and gives its port. */
  async startUpstream({ upstream }: Route): Promise<number> {
    const { cert, key } = this.#certificate
    const { child, line } = await startTalkingChild(
      this.#nodeCommand('ends/upstream.js', upstream, cert, key),
    )
    this.#children.push(child)
    return Number(line)
  }

  /** Starts a contender before an upstream, and waits until it listens. */
  async startContender(contender: Contender, route: Route, upstreamPort: number): Promise<Entrant> {
    const port = await findFreePort()
    const folder = join(this.#folder, String(port))
    await mkdir(folder)
    const site = { route, port, upstreamPort, folder, certificate: this.#certificate }
    const child = await contender.start({ ...site, node: this.#node })
    this.#children.push(child)
    if (!(await untilListening(port))) {
      throw new Error(`${contender.name} does not start; its log ends:\n${await logOf(folder)}`)
    }
    return { contender, route, port, folder, pid: child.pid }
  }

  /**
   * Runs a client against an entrant.
   *
   * @throws {Error} when an answer is not what was asked for
   */
  async load({ contender, route, port, folder }: Entrant, task: Task): Promise<Outcome> {
    try {
      return await this.#run(task, { scheme: route.client, port, encrypted: contender.encrypts })
    } catch (cause) {
      throw new Error(`${contender.name} failed; its log ends:\n${await logOf(folder)}`, { cause })
    }
  }

  /** Runs a client against an upstream with no proxy between: what a proxy adds is added to that. */
  loadDirectly({ upstream }: Route, port: number, task: Task): Promise<Outcome> {
    return this.#run(task, { scheme: upstream, port, encrypted: false })
  }

  async #run(task: Task, to: Pick<Load, 'scheme' | 'port' | 'encrypted'>): Promise<Outcome> {
    const load: Load = { payload: 'unsigned', ...task, ...to, ca: this.#certificate.cert }
    return JSON.parse(
      await runChild(this.#nodeCommand('ends/client.js', JSON.stringify(load))),
    ) as Outcome
  }

  /** Ends everything that was started. */
  async clear(): Promise<void> {
    await Promise.all(this.#children.splice(0).map(child => child.stop()))
  }

  #nodeCommand(program: string, ...args: readonly string[]): Command {
    return {
      core: CORES.ends,
      program: this.#node,
      args: [join(REPOSITORY, '.bench', program), ...args],
    }
  }
}

const LOG_LINES_SHOWN = 5

const logOf = async (folder: string): Promise<string> => {
  const log = await readFile(join(folder, LOG), 'utf8')
  return log.trimEnd().split('\n').slice(-LOG_LINES_SHOWN).join('\n')
}
