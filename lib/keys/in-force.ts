import type { KeyVersion } from './keyring.ts'

/** When a version may write: all replicas have it by then. */
const settledAt = ({ createdAt }: KeyVersion, ttl: number): number =>
  createdAt === undefined ? 0 : createdAt.getTime() + ttl

/**
 * The versions in the order of their use: the one that writes first.
 *
 * A version younger than `ttl` reads only, for another replica may not have fetched it yet, and could not read what this
 * one wrote.
 */
export const inForce = (
  versions: readonly KeyVersion[],
  ttl: number | undefined,
  now: Date,
): readonly KeyVersion[] => {
  if (ttl === undefined) return versions
  const writer = versions.find(version => settledAt(version, ttl) <= now.getTime())
  return writer === undefined ? versions : [writer, ...versions.filter(each => each !== writer)]
}

/** Milliseconds until the next version may write; Infinity when there is none that waits. */
export const untilSettled = (versions: readonly KeyVersion[], ttl: number, now: Date): number =>
  Math.min(
    ...versions
      .map(version => settledAt(version, ttl) - now.getTime())
      .map(ms => (ms > 0 ? ms : Number.POSITIVE_INFINITY)),
  )
