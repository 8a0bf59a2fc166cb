import { S3Error } from '../s3/error.ts'
import { type Headers, withHeaders } from '../s3/headers.ts'
import type { S3Response } from '../s3/response.ts'
import type { EnforcedRequest } from '../ssec/enforce.ts'
import { type Step, stepAtDestination } from '../ssec/step.ts'
import { copiedBody, keptChecksum } from './copied-body.ts'
import { copyByParts } from './copy-by-parts.ts'
import { copyResult, madeBy } from './result.ts'
import { type CopyRooms, demand } from './rooms.ts'
import { closeSource, openSource, type Source, sourceDemands } from './source.ts'
import { readTags } from './tags.ts'
import {
  type Directives,
  destinationConditions,
  directivesOf,
  writtenHeaders,
} from './written-headers.ts'

/** A read can tell the source's checksum, too; it vouches for the copy. */
const WITH_CHECKSUM = [['x-amz-checksum-mode', 'ENABLED']] as const

/**
 * CopyObject by reading the source and writing the destination, each with its own key.
 *
 * @throws {S3Error} in S3's words, where S3 would not copy
 * @throws {StepRefused}
 */
export const copyObject = async (copy: EnforcedRequest, rooms: CopyRooms): Promise<S3Response> => {
  const directives = directivesOf(copy)
  const source = await openSource(copy, rooms, withHeaders(sourceDemands(copy), WITH_CHECKSUM))
  try {
    refuseOntoItself(copy, source, directives)
    const tags = directives.tagging === 'COPY' ? await readTags(copy, rooms) : ''
    const headers = writtenHeaders(copy, directives, source.headers, tags)
    const write = source.length > rooms.limits.whole ? copyByParts : putObject
    return await write(copy, rooms, source, headers)
  } finally {
    closeSource(source)
  }
}

const isOntoItself = ({ address, copySource }: EnforcedRequest): boolean =>
  address.level === 'object' &&
  address.bucket === copySource?.place.bucket &&
  address.objectKey === copySource.place.objectKey &&
  copySource.place.versionId === undefined

/** What S3 takes for a change when an object is copied onto itself; another version of the key is one. */
const changesSomething = (
  { attempts: [{ object }], headers }: EnforcedRequest,
  source: Source,
  { metadata }: Directives,
): boolean =>
  metadata === 'REPLACE' ||
  headers.has('x-amz-storage-class') ||
  headers.has('x-amz-website-redirect-location') ||
  object?.md5 !== source.key?.md5

const refuseOntoItself = (copy: EnforcedRequest, source: Source, directives: Directives): void => {
  if (!isOntoItself(copy) || changesSomething(copy, source, directives)) return
  throw new S3Error(
    'InvalidRequest',
    "This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata, storage class, website redirect location or encryption attributes.",
  )
}

const putObject = async (
  copy: EnforcedRequest,
  rooms: CopyRooms,
  source: Source,
  headers: Headers,
): Promise<S3Response> => {
  const checksum = keptChecksum(copy, source)
  const step: Step = {
    operation: 'PutObject',
    headers: withHeaders(headers, [...checksum, ...destinationConditions(copy)]),
    body: copiedBody(copy, source, checksum),
  }
  const answer = await demand(rooms, stepAtDestination(copy, step, rooms.profile))
  return copyResult('CopyObjectResult', madeBy(answer, rooms.now()), answer.headers, source)
}
