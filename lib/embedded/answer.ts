import { S3Error } from '../s3/error.ts'
import type { Headers } from '../s3/headers.ts'
import type { S3Response } from '../s3/response.ts'
import { errorXml } from '../s3/xml.ts'
import { isRefusal, type Refusal, UpstreamError } from './error.ts'
import type { EmbeddedRequest } from './request.ts'

export type HeaderEntries = Iterable<readonly [name: string, value: string]>

export const emptyAnswer = (status: number, headers: HeaderEntries = []): S3Response => ({
  status,
  headers: new Map(headers),
  body: undefined,
})

/** @param xml a whole document */
export const xmlAnswer = (xml: string, headers: HeaderEntries = [], status = 200): S3Response => {
  const body = Buffer.from(xml)
  const described = [
    ['content-type', 'application/xml'],
    ['content-length', String(body.length)],
  ] as const
  return { status, headers: new Map([...headers, ...described]), body }
}

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
