import { isDeepStrictEqual } from 'node:util'
import { inForce, untilSettled } from './in-force.ts'
import { inTurn } from './in-turn.ts'
import { createKeyring, type Keyring, type KeyVersion } from './keyring.ts'
import type { Fetching } from './providers/load.ts'

/** Told what becomes of the keyrings. The error's message is fit for a log. */
export interface KeyWatch {
  /** @param versions ids, the one that writes first */
  changed(keyring: string, versions: readonly string[]): void
  /** A fetch failed. `isExpired`: the grace is over, and the keyring serves no more until it can be fetched. */
  stale(keyring: string, ageMs: number, isExpired: boolean, error: unknown): void
}

/** What the time of a keyring goes by. */
export interface Clock {
  readonly now: () => Date
  /** From 0 to below 1. */
  readonly random: () => number
}

/** Milliseconds between two fetches at the least, whoever asks for them: of what is near, and of what is asked of a vault. */
const INTERVALS = { near: 100, far: 1000 }

const secretsOf = (versions: readonly KeyVersion[]): readonly unknown[] =>
  versions.map(({ id, createdAt, derive, master }) => [id, createdAt, derive, master.expose()])

const isSame = (a: Keyring, b: Keyring): boolean =>
  isDeepStrictEqual(secretsOf(a.versions), secretsOf(b.versions))

/** Milliseconds until a failed fetch is tried again; the spread keeps replicas from coming all at once. */
const retryDelay = (failures: number, ttl: number, random: () => number): number =>
  Math.min(ttl, 1000 * 2 ** Math.min(failures, 6)) * (0.5 + random() / 2)

/**
 * Milliseconds until a keyring that was fetched well is fetched anew. The rest of the time is for slow answers and for
 * clocks that differ: see {@link inForce}.
 */
const refreshDelay = (ttl: number, random: () => number): number => ttl * (0.6 + random() / 5)

/** One keyring, and how long ago its key provider gave it. */
export class HeldKeyring {
  readonly name: string
  readonly #fetching: Fetching
  readonly #clock: Clock
  #keyring: Keyring | undefined
  #fetchedAt = 0
  #failures = 0
  #watch: KeyWatch | undefined
  /** Fetches it anew, and throws nothing: the one before stays. */
  readonly refresh: () => Promise<void>

  constructor(name: string, fetching: Fetching, clock: Clock) {
    this.name = name
    this.#fetching = fetching
    this.#clock = clock
    const { refresh } = fetching
    const interval =
      refresh === undefined ? INTERVALS.near : Math.min(INTERVALS.far, refresh.ttl / 10)
    this.refresh = inTurn(() => this.#take(), interval)
  }

  /** Undefined when its grace is over. */
  get keyring(): Keyring | undefined {
    return this.#keyring
  }

  get isFollowed(): boolean {
    return this.#fetching.refresh !== undefined
  }

  /** Whether the last fetch failed; then another one is due by itself. */
  get isFailing(): boolean {
    return this.#failures > 0
  }

  /** Milliseconds since it was fetched well. */
  get age(): number {
    return this.#clock.now().getTime() - this.#fetchedAt
  }

  /** @throws {ConfigError | KeyProviderError} */
  async fetch(): Promise<void> {
    this.#keyring = await this.#fetch()
  }

  async #fetch(): Promise<Keyring> {
    const { provider, refresh, derive } = this.#fetching
    const versions = await provider.fetch()
    const { now } = this.#clock
    const keyring = createKeyring(this.name, inForce(versions, refresh?.ttl, now()), derive)
    this.#fetchedAt = now().getTime()
    return keyring
  }

  async #take(): Promise<void> {
    try {
      const keyring = await this.#fetch()
      this.#failures = 0
      // The keyring that is the same stays, with the keys that it has derived.
      if (this.#keyring !== undefined && isSame(this.#keyring, keyring)) return
      this.#keyring = keyring
      const ids = keyring.versions.map(({ id }) => id)
      this.#watch?.changed(this.name, ids)
    } catch (error) {
      this.#fail(error)
    }
  }

  #fail(error: unknown): void {
    this.#failures += 1
    const { refresh: times } = this.#fetching
    const isExpired = times !== undefined && this.age > times.ttl + times.grace
    if (isExpired) this.#keyring = undefined
    this.#watch?.stale(this.name, this.age, isExpired, error)
  }

  #nextDelay(ttl: number): number {
    const { random, now } = this.#clock
    if (this.isFailing) return retryDelay(this.#failures, ttl, random)
    const versions = this.#keyring?.versions ?? []
    return Math.min(refreshDelay(ttl, random), untilSettled(versions, ttl, now()))
  }

  /** Fetches it anew when its time is up; gives the function that stops it. */
  follow(watch: KeyWatch): () => void {
    this.#watch = watch
    const { refresh: times } = this.#fetching
    if (times === undefined) return () => undefined
    let timer: NodeJS.Timeout | undefined
    let isStopped = false
    const wait = (): void => {
      if (isStopped) return
      timer = setTimeout(() => void this.refresh().then(wait), this.#nextDelay(times.ttl))
      timer.unref()
    }
    wait()
    return () => {
      isStopped = true
      clearTimeout(timer)
    }
  }
}
