import { createHash } from 'node:crypto'
import { pathStyle } from '../../s3/address.ts'
import { xmlAnswer } from '../../s3/answer.ts'
import { S3Error } from '../../s3/error.ts'
import { withoutHeaders } from '../../s3/headers.ts'
import type { S3Response } from '../../s3/response.ts'
import { checksumHeader, createPartsChecksum } from '../body/checksum.ts'
import { elements, elementText, readDocument, requiredText } from '../body/read-document.ts'
import type { ObjectCall } from '../call.ts'
import { checksumElements, document, quoted, text } from '../document.ts'
import { invalidArgument, invalidRequest, UpstreamError } from '../error.ts'
import type { EmbeddedRequest } from '../request.ts'
import { demandChecksumKey, readTriple } from '../ssec.ts'
import type { Upload } from '../store/bucket.ts'
import type { Checksum, ChecksumKind, ObjectRecord, Part, UploadRecord } from '../store/records.ts'
import { checkWriteConditions } from './conditions.ts'
import { openUpload } from './uploads.ts'

const MIN_PART = 5 * 1024 * 1024

/** A part as the client lists it. */
interface ListedPart {
  readonly number: number
  readonly etag: string
  readonly checksum: string | undefined
}

export const completeMultipartUpload = async (call: ObjectCall): Promise<S3Response> => {
  const { bucket, objectKey, request } = call
  const { record } = openUpload(call)
  demandChecksumKey(record, readTriple(request.headers, 'object'))
  const listed = parseParts(await readList(request), record.checksum)
  const checksumOf = record.checksum && (await createPartsChecksum(record.checksum))
  // From here on nothing waits: no part is replaced, and nothing else takes the object's place, in between.
  const parts = takeParts(openUpload(call), listed)
  const object = objectOf(record, parts, checksumOf?.(parts))
  checkChecksum(call, object.checksum)
  checkWriteConditions(request.headers, objectKey, bucket.object(objectKey))
  bucket.completeUpload(record, object)
  return xmlAnswer(resultOf(call, object))
}

/** The list of parts. A checksum in the request's head is the object's, and not the list's. */
const readList = (request: EmbeddedRequest): Promise<string> => {
  const headers = withoutHeaders(request.headers, name => name.startsWith('x-amz-checksum-'))
  return readDocument({ ...request, headers }, 'CompleteMultipartUpload')
}

const resultOf = ({ bucket, objectKey, request }: ObjectCall, object: ObjectRecord): string =>
  document(
    'CompleteMultipartUploadResult',
    text('Location', `http://${request.headers.get('host')}${pathStyle(request.address)}`),
    text('Bucket', bucket.record.name),
    text('Key', objectKey),
    text('ETag', quoted(object.etag)),
    ...checksumElements(object.checksum),
  )

const parseParts = (xml: string, declared: ChecksumKind | undefined): readonly ListedPart[] => {
  const parts = elements(xml, 'Part').map(part => parsePart(part, declared))
  if (parts.length === 0) throw new S3Error('MalformedXML')
  return parts
}

const parsePart = (xml: string, declared: ChecksumKind | undefined): ListedPart => {
  const number = requiredText(xml, 'PartNumber').trim()
  if (!/^\d{1,10}$/.test(number)) throw new S3Error('MalformedXML')
  if (number === '0') throw invalidArgument('PartNumber must be >= 1', 'PartNumber', '0')
  const etag = requiredText(xml, 'ETag')
    .trim()
    .replace(/^"(.*)"$/, '$1')
  const checksum = declared && elementText(xml, `Checksum${declared.algorithm}`)
  if (declared?.type === 'COMPOSITE' && checksum === undefined) {
    throw invalidRequest(
      `The upload was created using a ${declared.algorithm.toLowerCase()} checksum. The complete request must include the checksum for each part. It was missing for part ${number} in the request.`,
    )
  }
  return { number: Number(number), etag, checksum }
}

/** The upload's parts that the client lists. @throws {UpstreamError} */
const takeParts = ({ record, parts }: Upload, listed: readonly ListedPart[]): readonly Part[] => {
  if (listed.some(({ number }, i) => number <= (listed[i - 1]?.number ?? 0))) {
    throw new UpstreamError('InvalidPartOrder', { UploadId: record.id })
  }
  return listed.map((one, i) => {
    const part = parts.get(one.number)
    if (part === undefined || !isSame(part, one)) throw invalidPart(record.id, one)
    if (i < listed.length - 1) checkSize(part)
    return part
  })
}

const isSame = (part: Part, listed: ListedPart): boolean =>
  part.etag === listed.etag &&
  (listed.checksum === undefined || part.checksum?.value === listed.checksum)

const invalidPart = (uploadId: string, { number, etag }: ListedPart): UpstreamError =>
  new UpstreamError('InvalidPart', { UploadId: uploadId, PartNumber: String(number), ETag: etag })

const checkSize = ({ number, etag, segment }: Part): void => {
  if (segment.length >= MIN_PART) return
  throw new UpstreamError('EntityTooSmall', {
    ProposedSize: String(segment.length),
    MinSizeAllowed: String(MIN_PART),
    PartNumber: String(number),
    ETag: etag,
  })
}

/** Compares with the object's checksum as the client has it, where it says. */
const checkChecksum = (
  { request: { headers } }: ObjectCall,
  checksum: Checksum | undefined,
): void => {
  const claimed = checksum && headers.get(checksumHeader(checksum.algorithm))
  if (checksum === undefined || claimed === undefined || claimed === checksum.value) return
  throw new S3Error(
    'BadDigest',
    `The ${checksum.algorithm} you specified did not match the calculated checksum.`,
  )
}

const objectOf = (
  record: UploadRecord,
  parts: readonly Part[],
  checksum: Checksum | undefined,
): ObjectRecord => ({
  objectKey: record.objectKey,
  etag: etagOf(parts),
  size: parts.reduce((sum, { segment }) => sum + segment.length, 0),
  lastModified: new Date().toISOString(),
  properties: record.properties,
  proof: record.proof,
  checksum,
  parts: parts.map((part, i) => ({ ...part, number: i + 1 })),
  multipart: true,
})

/** The MD5 over the parts' ETags; where those are random, so is it. */
const etagOf = (parts: readonly Part[]): string => {
  const etags = Buffer.from(parts.map(({ etag }) => etag).join(''), 'hex')
  return `${createHash('md5').update(etags).digest('hex')}-${parts.length}`
}
