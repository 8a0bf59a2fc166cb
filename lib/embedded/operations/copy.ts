import type { Readable } from 'node:stream'
import { type ObjectPlace, parseCopySource } from '../../s3/address.ts'
import { xmlAnswer } from '../../s3/answer.ts'
import type { Headers } from '../../s3/headers.ts'
import { queryValue } from '../../s3/query.ts'
import type { S3Response } from '../../s3/response.ts'
import { createInspector, type Inspector } from '../body/inspect.ts'
import type { ObjectCall } from '../call.ts'
import { checksumElements, document, quoted, text } from '../document.ts'
import { invalidArgument, invalidRequest } from '../error.ts'
import * as ssec from '../ssec.ts'
import type { ChecksumAlgorithm, ObjectRecord, Part } from '../store/records.ts'
import type { Span } from '../store/segments.ts'
import { checkSourceConditions } from './conditions.ts'
import { findObject } from './find-object.ts'
import { copiedProperties, isReplacing } from './properties.ts'
import { commit, objectOfOnePart } from './put-object.ts'
import { parsePartNumber, selectCopyRange } from './select.ts'
import { storePart } from './store-part.ts'
import { openUpload } from './uploads.ts'

/** An object that may be copied. */
interface Source {
  readonly object: ObjectRecord
  /** To be called in the same step as the source was opened: until then it may be overwritten. */
  readonly read: (span: Span) => Readable
}

export const copyObject = async (call: ObjectCall): Promise<S3Response> => {
  const { bucket, objectKey, request } = call
  const key = ssec.writeKey(request.headers)
  const { object: expected } = openSource(call)
  checkNotOntoItself(call, expected, key)
  const inspector = await inspectorOf(key, expected.checksum?.algorithm)
  const { object: source, read } = openSource(call)
  const properties = copiedProperties(request.headers, source)
  const bytes = inspector.inspect(read({ from: 0, to: source.size }))
  const part = await storePart(bucket, 1, { ...inspector, bytes }, key)
  commit(bucket, request.headers, objectOfOnePart(objectKey, part, properties, key))
  return xmlAnswer(resultOf('CopyObjectResult', part), ssec.echo(key))
}

export const uploadPartCopy = async (call: ObjectCall): Promise<S3Response> => {
  const { bucket, request } = call
  const number = parsePartNumber(queryValue(request.query, 'partNumber') ?? '')
  const { record } = openUpload(call)
  const key = ssec.givenKey(request.headers)
  ssec.demandUploadKey(record.proof, key)
  const inspector = await inspectorOf(key, record.checksum?.algorithm)
  const { object: source, read } = openSource(call)
  const span = selectCopyRange(request.headers.get('x-amz-copy-source-range'), source.size)
  const part = await storePart(
    bucket,
    number,
    { ...inspector, bytes: inspector.inspect(read(span)) },
    key,
  )
  bucket.putPart(record, part)
  return xmlAnswer(resultOf('CopyPartResult', part), ssec.echo(key))
}

const inspectorOf = (
  key: ssec.CustomerKey | undefined,
  algorithm: ChecksumAlgorithm | undefined,
): Promise<Inspector> =>
  createInspector({
    md5: key === undefined,
    checksum: algorithm && { algorithm, expected: () => undefined },
  })

const resultOf = (root: string, part: Part): string =>
  document(
    root,
    text('LastModified', part.lastModified),
    text('ETag', quoted(part.etag)),
    ...checksumElements(part.checksum),
  )

/** @throws {Refusal} when the source is not there, or may not be read so */
const openSource = ({ store, request: { headers } }: ObjectCall): Source => {
  const place = placeOfSource(headers)
  const bucket = store.bucket(place.bucket)
  const object = findObject({ bucket, objectKey: place.objectKey })
  const key = ssec.readTriple(headers, 'source')
  ssec.demandKey(object.proof, key)
  checkSourceConditions(headers, object)
  const segments = object.parts.map(({ segment }) => segment)
  return { object, read: span => bucket.segments.read(segments, span, key?.bytes) }
}

const placeOfSource = (headers: Headers): ObjectPlace => {
  const value = headers.get('x-amz-copy-source') ?? ''
  const { versionId = 'null', ...place } = parseCopySource(value)
  if (versionId === 'null') return place
  throw invalidArgument('Invalid version id specified', 'x-amz-copy-source', value)
}

/** @throws {S3Error} `InvalidRequest` for a copy that would change nothing */
const checkNotOntoItself = (
  { bucket, objectKey, request: { headers } }: ObjectCall,
  source: ObjectRecord,
  key: ssec.CustomerKey | undefined,
): void => {
  const place = placeOfSource(headers)
  const isItself = place.bucket === bucket.record.name && place.objectKey === objectKey
  const isEncryption = key !== undefined || source.proof !== undefined
  const isChange = isReplacing(headers, 'metadata') || headers.has('x-amz-storage-class')
  if (!isItself || isEncryption || isChange) return
  throw invalidRequest(
    "This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata, storage class, website redirect location or encryption attributes.",
  )
}
