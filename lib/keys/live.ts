import { setTimeout as delay } from 'node:timers/promises'
import type { Keyrings } from './find-keys.ts'
import { type Clock, HeldKeyring, type KeyWatch } from './held.ts'
import type { Keyring } from './keyring.ts'
import type { Fetching } from './providers/load.ts'

/** Keyrings that follow their key providers. */
export interface LiveKeyrings {
  /** Those of now: one value, that never changes. */
  current(): Keyrings
  /** Milliseconds since each keyring was last fetched well; of those alone that are fetched again. */
  ages(): ReadonlyMap<string, number>
  /** Fetches each anew when its time is up; gives the function that stops it. */
  follow(watch: KeyWatch): () => void
  /**
   * Fetches one anew, for a request that met a version which is not known here: another replica has it already. Who ask
   * at once share a fetch; while fetches fail, or take long, the keyring is given as it is.
   */
  renew(name: string): Promise<Keyring | undefined>
}

/** Milliseconds that a request waits for a newer keyring before it goes on with the one there is. */
const RENEWAL_PATIENCE = 2000

/** The keyrings of now as one value, which stays the same while none of them changes. */
const createCurrent = (held: readonly HeldKeyring[]): (() => Keyrings) => {
  let current: Keyrings = new Map()
  const isCurrent = (): boolean => held.every(each => each.keyring === current.get(each.name))
  return () => {
    if (!isCurrent()) {
      current = new Map(
        held.flatMap(({ name, keyring }) =>
          keyring === undefined ? [] : [[name, keyring] as const],
        ),
      )
    }
    return current
  }
}

const renewed = async (held: HeldKeyring | undefined): Promise<Keyring | undefined> => {
  if (held === undefined || (held.isFollowed && held.isFailing)) return held?.keyring
  await Promise.race([held.refresh(), delay(RENEWAL_PATIENCE, undefined, { ref: false })])
  return held.keyring
}

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
  const clock: Clock = { now, random }
  const held = [...fetchings].map(([name, fetching]) => new HeldKeyring(name, fetching, clock))
  await Promise.all(held.map(each => each.fetch()))
  return {
    current: createCurrent(held),
    ages: () =>
      new Map(
        held.filter(({ isFollowed }) => isFollowed).map(({ name, age }) => [name, age] as const),
      ),
    follow: watch => {
      const stops = held.map(each => each.follow(watch))
      return () => {
        for (const stop of stops) stop()
      }
    },
    renew: name => renewed(held.find(each => each.name === name)),
  }
}
