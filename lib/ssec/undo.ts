import { type Body, NO_BODY } from '../body/receive.ts'
import { readDocument } from '../response/document.ts'
import type { Headers } from '../s3/headers.ts'
import { type Query, queryValue } from '../s3/query.ts'
import type { S3Response } from '../s3/response.ts'
import { elementText } from '../s3/xml.ts'
import type { AttemptedRequest } from './attempt.ts'
import { echoesAny } from './headers.ts'

/** Asks the provider about, or to remove, the object that a request wrote. */
export type Ask = (
  method: 'HEAD' | 'DELETE',
  query: Query,
  headers: Headers,
  body: Body,
) => Promise<S3Response>

const DOCUMENT_BYTES = 64 * 1024

// RGW 16 writes the ETag in a CopyObjectResult without quotes.
const unquoted = (etag: string | undefined): string | undefined => etag?.replaceAll('"', '')

const isGone = ({ status }: S3Response): boolean =>
  (status >= 200 && status < 300) || status === 404

const documentOf = async ({ body }: S3Response): Promise<string> => {
  if (body === undefined) return ''
  const bytes = Buffer.isBuffer(body) ? body : await readDocument(body, DOCUMENT_BYTES)
  return bytes?.toString('utf8') ?? ''
}

const abortUpload = async (ask: Ask, uploadId: string | undefined): Promise<boolean> =>
  uploadId !== undefined &&
  isGone(await ask('DELETE', [{ name: 'uploadId', value: uploadId }], new Map(), NO_BODY))

const removeVersion = async (ask: Ask, versionId: string): Promise<boolean> =>
  isGone(await ask('DELETE', [{ name: 'versionId', value: versionId }], new Map(), NO_BODY))

/**
 * Removes the current object only if it is the plaintext that was written: readable without a key, with that ETag.
 * The delete is conditional too, for the providers that honour If-Match there.
 */
const removePlaintext = async (ask: Ask, etag: string): Promise<boolean> => {
  const head = await ask('HEAD', [], new Map(), NO_BODY)
  const stored = head.headers.get('etag')
  const isOurs =
    head.status === 200 && unquoted(stored) === unquoted(etag) && !echoesAny(head.headers)
  if (!isOurs || stored === undefined) return head.status === 404 || head.status === 400
  return isGone(await ask('DELETE', [], new Map([['if-match', stored]]), NO_BODY))
}

const removeObject = async (ask: Ask, answer: S3Response, document: string): Promise<boolean> => {
  const versionId = answer.headers.get('x-amz-version-id')
  if (versionId !== undefined && versionId !== 'null') return removeVersion(ask, versionId)
  const etag = answer.headers.get('etag') ?? elementText(document, 'ETag')
  return etag !== undefined && removePlaintext(ask, etag)
}

/**
 * Takes back what an unconfirmed write left at the provider, and nothing else: a concurrent good write stays.
 *
 * A part cannot be deleted, so its whole upload is aborted.
 */
export const takeBack = async (
  { request, answer }: AttemptedRequest,
  ask: Ask,
): Promise<boolean> => {
  const document = await documentOf(answer)
  switch (request.operation.name) {
    case 'CreateMultipartUpload':
      return abortUpload(ask, elementText(document, 'UploadId'))
    case 'UploadPart':
    case 'UploadPartCopy':
      return abortUpload(ask, queryValue(request.query, 'uploadId'))
    default:
      return removeObject(ask, answer, document)
  }
}
