import { xmlAnswer } from '../s3/answer.ts'
import { S3Error } from '../s3/error.ts'
import type { Headers } from '../s3/headers.ts'
import type { S3Response } from '../s3/response.ts'
import { errorXml } from '../s3/xml.ts'
import { isRefusal, type Refusal, UpstreamError } from './error.ts'
import type { EmbeddedRequest } from './request.ts'

/** S3's error document. What is no refusal is a fault of ours: told to nobody, and shown as a process warning. */
export const errorAnswer = (
  error: unknown,
  request: Pick<EmbeddedRequest, 'id' | 'rawPath'>,
): S3Response => {
  const refusal = isRefusal(error) ? error : internalError(error)
  const { code, message, details, status } = refusal
  const document = { code, message, details, resource: request.rawPath, requestId: request.id }
  return xmlAnswer(errorXml(document), rangeHeaders(refusal), status)
}

const internalError = (error: unknown): S3Error => {
  process.emitWarning(error instanceof Error ? error : String(error))
  return new S3Error('InternalError')
}

// RFC 9110 §15.5.17: a 416 says how long the object is.
const rangeHeaders = (error: Refusal): Headers => {
  const size = error instanceof UpstreamError ? error.details['ActualObjectSize'] : undefined
  return new Map(size === undefined ? [] : [['content-range', `bytes */${size}`]])
}
