import { sentDocumentReader } from '../dialect/documents.ts'
import type { ReceivedRequest } from './enforce.ts'
import { withOtherDocument } from './other-document.ts'

/** A request with its document, which the client wrote in its own dialect, in S3's words. */
export const readClientDocument = (request: ReceivedRequest): ReceivedRequest => {
  const { address, body, dialect, operation, query } = request
  const read = sentDocumentReader(dialect, { level: address.level, query })
  if (read === undefined || body.kind !== 'bytes' || operation.body !== 'document') return request
  return withOtherDocument(request, body.bytes, read(body.bytes.toString('latin1')))
}
