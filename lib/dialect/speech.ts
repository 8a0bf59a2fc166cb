import type { Upstream } from '../transport/upstream.ts'
import { FAMILIES, type Family } from './families.ts'
import type { Profile, Signature } from './profile.ts'

/** How an upstream is spoken to. */
export interface Speech {
  readonly family: Family
  readonly signature: Signature
}

const WORDS = { sigv4: 'amz', goog4: 'goog', obs: 'obs', cos: 'cos' } as const satisfies Record<
  Signature,
  string
>

/** The words go with the signature: one request never has those of two families. */
export const speechOf = ({ signature: chosen }: Upstream, profile: Profile): Speech => {
  const signature = chosen ?? profile.signature
  const name = signature === profile.signature ? profile.family : WORDS[signature]
  return { family: FAMILIES[name], signature }
}
