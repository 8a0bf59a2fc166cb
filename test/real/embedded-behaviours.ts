import { copyBehaviours } from './behaviours/copy.ts'
import { integrityBehaviours } from './behaviours/integrity.ts'
import { listingBehaviours } from './behaviours/listing.ts'
import { multipartBehaviours } from './behaviours/multipart.ts'
import { objectBehaviours } from './behaviours/objects.ts'
import type { Behaviour } from './behaviours/server.ts'
import { ssecBehaviours } from './behaviours/ssec.ts'

/**
 * What the embedded upstream must have in common with a real S3 server with SSE-C. Where the real ones differ among
 * themselves, `test/embedded/aws-answers.test.ts` holds it to AWS's answers.
 */
export const behaviours: readonly Behaviour[] = [
  ...objectBehaviours,
  ...ssecBehaviours,
  ...integrityBehaviours,
  ...listingBehaviours,
  ...multipartBehaviours,
  ...copyBehaviours,
]
