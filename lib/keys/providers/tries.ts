import { KeyProviderError } from './provider.ts'

const TRIES = 3

const pause = (attempt: number, random: () => number): Promise<void> =>
  new Promise(resolve => setTimeout(resolve, 200 * 2 ** attempt * (0.5 + random() / 2)))

/**
 * Asks a vault a few times, with growing pauses, until there is an answer that another try would not mend.
 *
 * @throws {KeyProviderError} the last one that `ask` threw, when it threw to the end
 */
export const withTries = async <T>(
  ask: () => Promise<T>,
  isPassing: (answer: T) => boolean,
  random: () => number,
): Promise<T> => {
  for (let count = 1; ; count++) {
    const isLast = count === TRIES
    try {
      const answer = await ask()
      if (isLast || !isPassing(answer)) return answer
    } catch (error) {
      if (isLast || !(error instanceof KeyProviderError)) throw error
    }
    await pause(count, random)
  }
}

/**
 * Says that nobody answered.
 *
 * @param what such as `Vault at https://vault.internal:8200`
 */
export const unreachable = (what: string, error: unknown): KeyProviderError => {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  const why = error instanceof Error && error.name === 'TimeoutError' ? 'no answer in time' : code
  return new KeyProviderError(`${what} cannot be reached (${why ?? 'broken off'}).`)
}
