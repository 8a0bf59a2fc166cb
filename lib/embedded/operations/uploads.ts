import { randomBytes } from 'node:crypto'
import { emptyAnswer, xmlAnswer } from '../../s3/answer.ts'
import type { Headers } from '../../s3/headers.ts'
import { queryValue } from '../../s3/query.ts'
import type { S3Response } from '../../s3/response.ts'
import { checksumHeaders, defaultType, isPossible } from '../body/checksum.ts'
import { openBody } from '../body/open-body.ts'
import type { ObjectCall } from '../call.ts'
import { document, quoted, text } from '../document.ts'
import { invalidRequest } from '../error.ts'
import { demandUploadKey, echo, givenKey, prove, writeKey } from '../ssec.ts'
import type { Upload } from '../store/bucket.ts'
import {
  CHECKSUM_ALGORITHMS,
  type ChecksumAlgorithm,
  type ChecksumKind,
  type ChecksumType,
} from '../store/records.ts'
import { readProperties } from './properties.ts'
import { parsePartNumber } from './select.ts'
import { storePart } from './store-part.ts'

/** The upload that a call names. @throws {S3Error} `NoSuchUpload` */
export const openUpload = ({ bucket, objectKey, request }: ObjectCall): Upload =>
  bucket.upload(queryValue(request.query, 'uploadId') ?? '', objectKey)

export const createMultipartUpload = ({ bucket, objectKey, request }: ObjectCall): S3Response => {
  const { headers } = request
  const key = writeKey(headers)
  const checksum = declaredChecksum(headers)
  const id = randomBytes(16).toString('hex')
  bucket.startUpload({
    id,
    objectKey,
    initiated: new Date().toISOString(),
    properties: readProperties(headers),
    proof: prove(key),
    checksum,
  })
  const names = [text('Bucket', bucket.record.name), text('Key', objectKey), text('UploadId', id)]
  return xmlAnswer(document('InitiateMultipartUploadResult', ...names), [
    ...echo(key),
    ...declarationHeaders(checksum),
  ])
}

/** @throws {S3Error} `InvalidRequest` */
const declaredChecksum = (headers: Headers): ChecksumKind | undefined => {
  const name = headers.get('x-amz-checksum-algorithm')?.toUpperCase()
  if (name === undefined) {
    if (!headers.has('x-amz-checksum-type')) return undefined
    throw invalidRequest(
      'The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header.',
    )
  }
  const algorithm = parseAlgorithm(name)
  const type = parseType(headers.get('x-amz-checksum-type') ?? defaultType(algorithm))
  if (isPossible({ algorithm, type })) return { algorithm, type }
  throw invalidRequest(
    `The ${type} checksum type cannot be used with the ${algorithm.toLowerCase()} checksum algorithm.`,
  )
}

const parseAlgorithm = (name: string): ChecksumAlgorithm => {
  const algorithm = CHECKSUM_ALGORITHMS.find(known => known === name)
  if (algorithm !== undefined) return algorithm
  throw invalidRequest(
    `Checksum algorithm provided is unsupported. Please try again with any of the valid types: [${CHECKSUM_ALGORITHMS.join(', ')}]`,
  )
}

const parseType = (name: string): ChecksumType => {
  if (name === 'COMPOSITE' || name === 'FULL_OBJECT') return name
  throw invalidRequest('Value for x-amz-checksum-type header is invalid.')
}

const declarationHeaders = (checksum: ChecksumKind | undefined) =>
  checksum === undefined
    ? []
    : ([
        ['x-amz-checksum-algorithm', checksum.algorithm],
        ['x-amz-checksum-type', checksum.type],
      ] as const)

export const uploadPart = async (call: ObjectCall): Promise<S3Response> => {
  const { bucket, request } = call
  const number = parsePartNumber(queryValue(request.query, 'partNumber') ?? '')
  const { record } = openUpload(call)
  const key = givenKey(request.headers)
  demandUploadKey(record.proof, key)
  const body = await openBody(request, { md5: key === undefined })
  checkAlgorithm(record.checksum, body.algorithm)
  const part = await storePart(bucket, number, body, key)
  bucket.putPart(record, part)
  return emptyAnswer(200, [
    ['etag', quoted(part.etag)],
    ...echo(key),
    ...checksumHeaders(part.checksum),
  ])
}

const checkAlgorithm = (
  declared: ChecksumKind | undefined,
  sent: ChecksumAlgorithm | undefined,
): void => {
  if (declared === undefined || declared.algorithm === sent) return
  const [expected, actual] = [declared.algorithm, sent ?? 'null'].map(name => name.toLowerCase())
  throw invalidRequest(
    `Checksum Type mismatch occurred, expected checksum Type: ${expected}, actual checksum Type: ${actual}`,
  )
}

export const abortMultipartUpload = (call: ObjectCall): S3Response => {
  call.bucket.abortUpload(openUpload(call).record)
  return emptyAnswer(204)
}
