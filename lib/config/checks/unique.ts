import type { Path } from '../../yaml/fault.ts'
import type { Remark } from '../parts.ts'

interface Claim {
  readonly path: Path
  /** What no two entries may have alike; undefined claims nothing. */
  readonly key: string | undefined
}

/** A fault for every claim that an earlier one made already. */
export function* checkUnique(claims: Iterable<Claim>, message: string): Generator<Remark> {
  const seen = new Set<string>()
  for (const { path, key } of claims) {
    if (key === undefined) continue
    if (seen.has(key)) yield { path, message }
    seen.add(key)
  }
}
