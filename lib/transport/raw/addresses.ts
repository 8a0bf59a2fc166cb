import { lookup as lookupAll } from 'node:dns/promises'
import { isIP } from 'node:net'

/** Finds all addresses of a host name. */
export type Lookup = (host: string) => Promise<readonly string[]>

export const systemLookup: Lookup = async host =>
  (await lookupAll(host, { all: true })).map(({ address }) => address)

/** Milliseconds for which an address that did not answer is asked last. */
const SHUNNED = 30_000

/**
 * The addresses of a host, in the order in which to try them: another one first each time, so that connections spread
 * over all, and those that failed a moment ago last.
 */
export class Addresses {
  readonly #host: string
  readonly #lookup: Lookup
  readonly #failedAt = new Map<string, number>()
  #turn = 0

  constructor(host: string, lookup: Lookup) {
    this.#host = host
    this.#lookup = lookup
  }

  async inTurn(): Promise<readonly string[]> {
    if (isIP(this.#host) !== 0) return [this.#host]
    const found = await this.#lookup(this.#host)
    for (const each of this.#failedAt.keys()) if (!found.includes(each)) this.succeeded(each)
    const first = this.#turn++ % Math.max(1, found.length)
    const turned = [...found.slice(first), ...found.slice(0, first)]
    return [...turned.filter(each => !this.#isShunned(each)), ...turned.filter(this.#isShunned)]
  }

  failed(address: string): void {
    this.#failedAt.set(address, performance.now())
  }

  succeeded(address: string): void {
    this.#failedAt.delete(address)
  }

  readonly #isShunned = (address: string): boolean =>
    performance.now() - (this.#failedAt.get(address) ?? Number.NEGATIVE_INFINITY) < SHUNNED
}
