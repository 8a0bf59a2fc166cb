import type { Policy } from '../policy/resolve.ts'
import type { ObjectPlace } from '../s3/address.ts'
import type { EtagView } from '../s3/etag.ts'
import { operationNamed } from '../s3/operation.ts'

/** How one client sees the ETag of the object at a place. */
export type EtagsAt = (place: ObjectPlace) => EtagView

/** What a client may do with an object; each may have a rule of its own. */
const DEALINGS = (['HeadObject', 'GetObject', 'PutObject', 'CreateMultipartUpload'] as const).map(
  name => operationNamed(name),
)

/**
 * How a client sees ETags: as the first of its dealings with the object that a rule encrypts has it.
 *
 * The place decides, not the single operation, and not whether the object is encrypted in fact: a listing cannot tell
 * that, and must show the same ETag as a HEAD.
 *
 * @param usual what the upstream's ETags ask for, where the rule does not say otherwise
 */
export const createEtagsAt =
  (policy: Policy, client: string, usual: EtagView): EtagsAt =>
  place => {
    for (const operation of DEALINGS) {
      const decision = policy.resolve({ client, operation, ...place })
      if (decision.kind === 'encrypt') return decision.effect.etag ?? usual
    }
    return 'as-is'
  }
