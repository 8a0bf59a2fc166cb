import type { S3Response } from '../s3/response.ts'
import type { EnforcedRequest } from '../ssec/enforce.ts'
import { type Step, stepAtDestination } from '../ssec/step.ts'
import { copiedBody } from './copied-body.ts'
import { copyResult, madeBy } from './result.ts'
import { type CopyRooms, demand } from './rooms.ts'
import { askedRange, closeSource, openSource, sourceDemands } from './source.ts'
import { requesterHeaders } from './written-headers.ts'

/**
 * UploadPartCopy by reading the source with its key, and writing the part with the upload's.
 *
 * @throws {S3Error} in S3's words, where S3 would not copy
 * @throws {StepRefused}
 */
export const copyPart = async (copy: EnforcedRequest, rooms: CopyRooms): Promise<S3Response> => {
  const source = await openSource(copy, rooms, sourceDemands(copy), askedRange(copy))
  try {
    const step: Step = {
      operation: 'UploadPart',
      query: copy.query,
      headers: requesterHeaders(copy),
      body: copiedBody(copy, source, new Map()),
    }
    const answer = await demand(rooms, stepAtDestination(copy, step, rooms.profile))
    return copyResult('CopyPartResult', madeBy(answer, rooms.now()), answer.headers, source)
  } finally {
    closeSource(source)
  }
}
