import { type Fields, textOf } from '../b2/fields.ts'
import { xmlAnswer } from '../s3/answer.ts'
import { queryValue } from '../s3/query.ts'
import type { S3Response } from '../s3/response.ts'
import { document, group, quoted, text } from '../s3/xml-write.ts'
import { etagOf } from './answers.ts'
import {
  filesOf,
  isFolder,
  isPast,
  type Listing,
  listingElements,
  listingFields,
  listingOf,
  numberOf,
  ownerElement,
  prefixElement,
  startName,
  timeOf,
} from './list.ts'
import type { BucketRequest } from './request.ts'

/** Where a page begins: behind a version, or behind all versions of a name. */
interface Marker {
  readonly name: string
  readonly fileId: string | undefined
}

interface Page {
  readonly files: readonly Fields[]
  readonly isTruncated: boolean
}

const nameOf = (file: Fields): string => textOf(file, 'fileName') ?? ''

/** Large files under way are no versions yet. */
const isVersion = (file: Fields): boolean => file['action'] !== 'start'

/** B2 begins with the marker, S3 behind it. */
const isBehind = (file: Fields, { name, fileId }: Marker): boolean => {
  if (nameOf(file) !== name) return true
  return fileId !== undefined && file['fileId'] !== fileId
}

const startAt = ({ name, fileId }: Marker, prefix: string): Fields => ({
  ...startName(name, prefix),
  ...(fileId !== undefined && name.startsWith(prefix) && { startFileId: fileId }),
})

/** Collects a page and the one entry behind it, by which it is known whether there is more. */
const pageOf = async (request: BucketRequest, listing: Listing, marker: Marker): Promise<Page> => {
  const { native, places, address, signal } = request
  const bucketId = await places.bucketId(address.bucket, signal)
  const files: Fields[] = []
  if (isPast(marker.name, listing.prefix)) return { files, isTruncated: false }
  let from = startAt(marker, listing.prefix)
  while (listing.max > 0 && files.length <= listing.max) {
    const fields = { bucketId, maxFileCount: listing.max + 1, ...from, ...listingFields(listing) }
    const said = await native.call('b2_list_file_versions', fields, signal)
    files.push(...filesOf(said).filter(file => isVersion(file) && isBehind(file, marker)))
    const [startFileName, startFileId] = [textOf(said, 'nextFileName'), textOf(said, 'nextFileId')]
    if (startFileName === undefined) break
    from = { startFileName, ...(startFileId !== undefined && { startFileId }) }
  }
  return { files: files.slice(0, listing.max), isTruncated: files.length > listing.max }
}

const versionElement = (file: Fields, listing: Listing, isLatest: boolean): string => {
  const isMarker = file['action'] === 'hide'
  const fileId = textOf(file, 'fileId') ?? ''
  const content = [
    text('ETag', quoted(etagOf(fileId))),
    text('Size', numberOf(file, 'contentLength')),
    text('StorageClass', 'STANDARD'),
  ]
  return group(
    isMarker ? 'DeleteMarker' : 'Version',
    text('Key', listing.encode(nameOf(file))),
    text('VersionId', fileId),
    text('IsLatest', isLatest),
    text('LastModified', timeOf(file)),
    ...(isMarker ? [] : content),
    ownerElement(file),
  )
}

/** Versions come newest first, so that the first of each name is the latest. */
const elementsOf = (files: readonly Fields[], listing: Listing, marker: Marker): string[] => {
  let before = marker.name
  return files.map(file => {
    if (isFolder(file)) return prefixElement(file, listing)
    const isLatest = nameOf(file) !== before
    before = nameOf(file)
    return versionElement(file, listing, isLatest)
  })
}

/** ListObjectVersions by `b2_list_file_versions`. https://www.backblaze.com/apidocs/b2-list-file-versions */
export const listObjectVersions = async (request: BucketRequest): Promise<S3Response> => {
  const { query } = request.saying
  const listing = listingOf(query)
  const name = queryValue(query, 'key-marker') ?? ''
  const marker = { name, fileId: queryValue(query, 'version-id-marker') || undefined }
  const { files, isTruncated } = await pageOf(request, listing, marker)
  const last = files.at(-1)
  const next = isTruncated && last !== undefined ? last : undefined
  return xmlAnswer(
    document(
      'ListVersionsResult',
      ...listingElements(listing, request.address.bucket, query),
      text('KeyMarker', listing.encode(name)),
      text('VersionIdMarker', marker.fileId ?? ''),
      text('IsTruncated', isTruncated),
      text('NextKeyMarker', next && listing.encode(nameOf(next))),
      text('NextVersionIdMarker', next && textOf(next, 'fileId')),
      ...elementsOf(files, listing, marker),
    ),
  )
}
