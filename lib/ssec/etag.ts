import { createHash } from 'node:crypto'
import type { Body } from '../body/receive.ts'
import type { Policy } from '../policy/resolve.ts'
import type { ObjectPlace } from '../s3/address.ts'
import { S3Error } from '../s3/error.ts'
import { type EtagView, unmarkEtags } from '../s3/etag.ts'
import { type Headers, withHeaders, withoutHeaders } from '../s3/headers.ts'
import { type OperationName, operationNamed } from '../s3/operation.ts'
import { elementText, mapElementText } from '../s3/xml.ts'
import type { ReceivedRequest } from './enforce.ts'

/** How one client sees the ETag of the object at a place. */
export type EtagsAt = (place: ObjectPlace) => EtagView

/** What tells whether a client's dealings with an object are encrypted. */
const ASKED = (
  ['HeadObject', 'GetObject', 'PutObject', 'CreateMultipartUpload'] as const satisfies readonly OperationName[]
).map(operationNamed)

/**
 * How a client sees ETags, place by place, on every surface alike: whether the object is encrypted in fact would be
 * known to some answers and not to others, so the rules decide, and for no single operation.
 *
 * @param usual what the provider's ETags ask for, unless a rule says otherwise
 */
export const createEtagsAt =
  (policy: Policy, client: string, usual: EtagView): EtagsAt =>
  place => {
    for (const operation of ASKED) {
      const decision = policy.resolve({ client, operation, ...place })
      if (decision.kind === 'encrypt') return decision.effect.etag ?? usual
    }
    return 'as-is'
  }
