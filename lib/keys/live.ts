import { isDeepStrictEqual } from 'node:util'
import type { Keyrings } from './find-keys.ts'
import { createKeyring, type Keyring, type KeyVersion } from './keyring.ts'
import type { Fetching } from './providers/load.ts'

/** Told what becomes of the keyrings. The error's message is fit for a log. */
export interface KeyWatch {
  /** @param versions ids, the one that writes first */
  changed(keyring: string, versions: readonly string[]): void
  /** A fetch failed. `isExpired`: the grace is over, and the keyring serves no more until it can be fetched. */
  stale(keyring: string, ageMs: number, isExpired: boolean, error: unknown): void
}

/** Keyrings that follow their key providers. */
export interface LiveKeyrings {
  /** Those of now: one value, that never changes. */
  current(): Keyrings
  /** Milliseconds since each keyring was last fetched well; of those alone that are fetched again. */
  ages(): ReadonlyMap<string, number>
  /** Fetches each anew when its time is up; gives the function that stops it. */
  follow(watch: KeyWatch): () => void
}

const secretsOf = (versions: readonly KeyVersion[]): readonly unknown[] =>
  versions.map(({ id, createdAt, derive, master }) => [id, createdAt, derive, master.expose()])

const isSame = (a: Keyring, versions: readonly KeyVersion[]): boolean =>
  isDeepStrictEqual(secretsOf(a.versions), secretsOf(versions))

/** Milliseconds until a failed fetch is tried again; the spread keeps replicas from coming all at once. */
const retryDelay = (failures: number, ttl: number, random: () => number): number =>
  Math.min(ttl, 1000 * 2 ** Math.min(failures, 6)) * (0.5 + random() / 2)

/**
 * Milliseconds until a keyring that was fetched well is fetched anew. The rest of the time is for slow answers and for
 * clocks that differ: see {@link inForce}.
 */
const refreshDelay = (ttl: number, random: () => number): number => ttl * (0.6 + random() / 5)

/** When a version may write: all replicas have it by then. */
const settledAt = ({ createdAt }: KeyVersion, ttl: number): number =>
  createdAt === undefined ? 0 : createdAt.getTime() + ttl

/**
 * The versions in the order of their use: the one that writes first.
 *
 * A version younger than `ttl` reads only, for another replica may not have fetched it yet, and could not read what this
 * one wrote.
 */
const inForce = (
  versions: readonly KeyVersion[],
  ttl: number | undefined,
  now: Date,
): readonly KeyVersion[] => {
  if (ttl === undefined) return versions
  const writer = versions.find(version => settledAt(version, ttl) <= now.getTime())
  return writer === undefined ? versions : [writer, ...versions.filter(each => each !== writer)]
}

/** Milliseconds until the next version may write; Infinity when there is none that waits. */
const untilSettled = (versions: readonly KeyVersion[], ttl: number, now: Date): number =>
  Math.min(
    ...versions
      .map(version => settledAt(version, ttl) - now.getTime())
      .map(ms => (ms > 0 ? ms : Number.POSITIVE_INFINITY)),
  )

/**
 * Fetches all keyrings, and all of them must be had: without its keys nothing may start.
 *
 * @throws {ConfigError | KeyProviderError}
 */
export const fetchKeyrings = async (
  fetchings: ReadonlyMap<string, Fetching>,
  now: () => Date,
  random: () => number = Math.random,
): Promise<LiveKeyrings> => {
  const fetchedAt = new Map<string, number>()
  const fetchOne = async (name: string, fetching: Fetching): Promise<Keyring> => {
    const versions = await fetching.provider.fetch()
    const ordered = inForce(versions, fetching.refresh?.ttl, now())
    const keyring = createKeyring(name, ordered, fetching.derive)
    fetchedAt.set(name, now().getTime())
    return keyring
  }
  let current: Keyrings = new Map(
    await Promise.all(
      [...fetchings].map(
        async ([name, fetching]) => [name, await fetchOne(name, fetching)] as const,
      ),
    ),
  )
  const put = (name: string, keyring: Keyring | undefined): void => {
    const next = new Map(current)
    if (keyring === undefined) next.delete(name)
    else next.set(name, keyring)
    current = next
  }
  const ageOf = (name: string): number => now().getTime() - (fetchedAt.get(name) ?? 0)

  const refresh = async (name: string, fetching: Fetching, watch: KeyWatch): Promise<void> => {
    const keyring = await fetchOne(name, fetching)
    const before = current.get(name)
    // The keyring that is the same stays, with the keys that it has derived.
    if (before !== undefined && isSame(before, keyring.versions)) return
    put(name, keyring)
    watch.changed(
      name,
      keyring.versions.map(({ id }) => id),
    )
  }

  const followOne = (name: string, fetching: Fetching, watch: KeyWatch): (() => void) => {
    const { refresh: times } = fetching
    if (times === undefined) return () => undefined
    let failures = 0
    let timer: NodeJS.Timeout | undefined
    let isStopped = false
    const nextDelay = (): number => {
      const versions = current.get(name)?.versions ?? []
      return Math.min(refreshDelay(times.ttl, random), untilSettled(versions, times.ttl, now()))
    }
    const wait = (ms: number): void => {
      if (isStopped) return
      timer = setTimeout(() => void turn(), ms)
      timer.unref()
    }
    // The next begins when the one before is over, so there is never more than one under way.
    const turn = async (): Promise<void> => {
      try {
        await refresh(name, fetching, watch)
        failures = 0
        wait(nextDelay())
      } catch (error) {
        failures += 1
        const isExpired = ageOf(name) > times.ttl + times.grace
        if (isExpired) put(name, undefined)
        watch.stale(name, ageOf(name), isExpired, error)
        wait(retryDelay(failures, times.ttl, random))
      }
    }
    wait(nextDelay())
    return () => {
      isStopped = true
      clearTimeout(timer)
    }
  }

  return {
    current: () => current,
    ages: () =>
      new Map(
        [...fetchings].flatMap(([name, fetching]) =>
          fetching.refresh === undefined ? [] : [[name, ageOf(name)] as const],
        ),
      ),
    follow: watch => {
      const stops = [...fetchings].map(([name, fetching]) => followOne(name, fetching, watch))
      return () => {
        for (const stop of stops) stop()
      }
    },
  }
}
