import type { Saying } from '../dialect/to-upstream.ts'
import { askingUncompressed } from '../response/document.ts'
import { withHeaders } from '../s3/headers.ts'
import type { Attempt } from './attempts.ts'
import type { EnforcedRequest } from './enforce.ts'
import { triple } from './headers.ts'
import { methodHeaders } from './method.ts'

/** What an enforced request says with the keys of one attempt. */
export const say = (request: EnforcedRequest, attempt: Attempt): Saying => ({
  method: request.method,
  address: request.address,
  query: request.query,
  headers: withHeaders(askingUncompressed(request.headers, request.operation), [
    ...(attempt.object === undefined ? [] : triple('object', attempt.object)),
    ...(attempt.source === undefined ? [] : triple('source', attempt.source)),
    ...methodHeaders(request.permission, request.operation),
  ]),
  body: request.body,
  repeatable: request.operation.repeatable,
})
