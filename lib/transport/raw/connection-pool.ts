import { unavailable } from '../fault.ts'
import type { Connection, ConnectionOwner } from './connection.ts'
import type { Dial } from './dial.ts'

/** Takes a connection that became free; or undefined, a place for one of its own. */
type Waiter = (connection: Connection | undefined) => void

/** The connections to one upstream: at most `limit`, and a queue for them in the order of asking. */
export class ConnectionPool implements ConnectionOwner {
  readonly #dial: Dial
  readonly #limit: number
  /** The one used last is taken first: it is the least likely to have been closed meanwhile. */
  readonly #idle: Connection[] = []
  readonly #waiting = new Set<Waiter>()
  /** Connections that are open or being opened. */
  #places = 0
  #onEmpty: (() => void) | undefined

  constructor(dial: Dial, limit: number) {
    this.#dial = dial
    this.#limit = limit
  }

  /** @throws {S3Error} `UpstreamUnavailable`, `UpstreamTimeout` */
  async acquire(signal: AbortSignal): Promise<Connection> {
    for (let idle = this.#idle.pop(); idle !== undefined; idle = this.#idle.pop())
      if (!idle.socket.destroyed) return idle
    if (this.#places < this.#limit) this.#places += 1
    else {
      const freed = await this.#turn(signal)
      if (freed !== undefined) return freed
    }
    return this.#open(signal)
  }

  /** One of the idle connections was dead: whatever closed it has likely closed the others. */
  dropIdle(): void {
    for (const connection of this.#idle.splice(0)) connection.destroy()
  }

  free(connection: Connection): void {
    if (this.#onEmpty !== undefined) connection.destroy()
    else if (!this.#serve(connection)) this.#idle.push(connection)
  }

  closed(connection: Connection): void {
    const at = this.#idle.indexOf(connection)
    if (at >= 0) this.#idle.splice(at, 1)
    this.#leave()
  }

  /** Lets exchanges under way end, and closes every connection. */
  close(): Promise<void> {
    return new Promise(resolve => {
      this.#onEmpty = resolve
      this.dropIdle()
      if (this.#places === 0) resolve()
    })
  }

  async #open(signal: AbortSignal): Promise<Connection> {
    try {
      const connection = await this.#dial(signal)
      if (connection.isClosed) throw unavailable(new Error('closed as soon as it was opened'))
      connection.owner = this
      return connection
    } catch (cause) {
      this.#leave()
      throw cause
    }
  }

  #turn(signal: AbortSignal): Promise<Connection | undefined> {
    return new Promise((resolve, reject) => {
      const onAbort = (): void => {
        this.#waiting.delete(waiter)
        reject(unavailable(signal.reason))
      }
      const waiter: Waiter = connection => {
        signal.removeEventListener('abort', onAbort)
        resolve(connection)
      }
      this.#waiting.add(waiter)
      signal.addEventListener('abort', onAbort, { once: true })
      if (signal.aborted) onAbort()
    })
  }

  /** Hands a free connection, or else a free place, to whoever waits longest. */
  #serve(connection: Connection | undefined): boolean {
    const [first] = this.#waiting
    if (first === undefined) return false
    this.#waiting.delete(first)
    first(connection)
    return true
  }

  #leave(): void {
    if (this.#serve(undefined)) return
    this.#places -= 1
    if (this.#places === 0) this.#onEmpty?.()
  }
}
