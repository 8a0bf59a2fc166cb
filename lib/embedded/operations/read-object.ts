import { validateHeaderValue } from 'node:http'
import { emptyAnswer, type HeaderEntries } from '../../s3/answer.ts'
import type { Query } from '../../s3/query.ts'
import type { S3Response } from '../../s3/response.ts'
import { checksumHeaders } from '../body/checksum.ts'
import type { ObjectCall } from '../call.ts'
import { quoted } from '../document.ts'
import { invalidArgument } from '../error.ts'
import { type CustomerKey, demandKey, echo, givenKey } from '../ssec.ts'
import type { ObjectRecord } from '../store/records.ts'
import { isNotModified } from './conditions.ts'
import { findObject } from './find-object.ts'
import { type Selection, select } from './select.ts'

/** A read that has been allowed. */
interface Reading {
  readonly object: ObjectRecord
  readonly key: CustomerKey | undefined
  readonly selection: Selection
}

export const headObject = (call: ObjectCall): S3Response => {
  const reading = openObject(call)
  return reading === undefined ? notModified(call) : describe(call, reading)
}

export const getObject = (call: ObjectCall): S3Response => {
  const reading = openObject(call)
  if (reading === undefined) return notModified(call)
  const { object, key, selection } = reading
  const head = describe(call, reading)
  const segments = object.parts.map(({ segment }) => segment)
  return { ...head, body: call.bucket.segments.read(segments, selection.span, key?.bytes) }
}

/** Undefined when the client's copy is still good. @throws {Refusal} when the object may not be read so */
const openObject = (call: ObjectCall): Reading | undefined => {
  const { headers } = call.request
  const key = givenKey(headers)
  const object = findObject(call)
  demandKey(object.proof, key)
  if (isNotModified(headers, object)) return undefined
  return { object, key, selection: select(call.request, object) }
}

const identity = (object: ObjectRecord): readonly (readonly [string, string])[] => [
  ['etag', quoted(object.etag)],
  ['last-modified', new Date(object.lastModified).toUTCString()],
]

const notModified = (call: ObjectCall): S3Response => emptyAnswer(304, identity(findObject(call)))

/** The answer's head. */
const describe = ({ request }: ObjectCall, { object, key, selection }: Reading): S3Response => {
  const { span, isPartial, partsCount } = selection
  const { headers, storageClass, tags } = object.properties
  const wantsChecksum = request.headers.get('x-amz-checksum-mode')?.toUpperCase() === 'ENABLED'
  const isWhole = span.to - span.from === object.size
  return emptyAnswer(isPartial ? 206 : 200, [
    ...identity(object),
    ['accept-ranges', 'bytes'],
    ['content-length', String(span.to - span.from)],
    ...Object.entries(headers),
    ...overrides(request.query),
    ...onlyIf(isPartial, 'content-range', `bytes ${span.from}-${span.to - 1}/${object.size}`),
    ...onlyIf(partsCount !== undefined, 'x-amz-mp-parts-count', String(partsCount)),
    ...onlyIf(tags.length > 0, 'x-amz-tagging-count', String(tags.length)),
    ...onlyIf(storageClass !== 'STANDARD', 'x-amz-storage-class', storageClass),
    ...echo(key),
    ...(wantsChecksum && isWhole ? checksumHeaders(object.checksum) : []),
  ])
}

const onlyIf = (condition: boolean, name: string, value: string): HeaderEntries =>
  condition ? [[name, value]] : []

const OVERRIDE = 'response-'

/** `response-content-type` and its kin, by which a request chooses headers of its answer. */
const overrides = (query: Query): HeaderEntries =>
  query
    .filter(({ name, value }) => name.startsWith(OVERRIDE) && value !== '')
    .map(({ name, value }) => [name.slice(OVERRIDE.length), toHeaderValue(name, value)])

const toHeaderValue = (name: string, value: string): string => {
  const binary = Buffer.from(value).toString('latin1')
  try {
    validateHeaderValue(name, binary)
  } catch {
    throw invalidArgument('Header value cannot be represented using ISO-8859-1.', name, value)
  }
  return binary
}
