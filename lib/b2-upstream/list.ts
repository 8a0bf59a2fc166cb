import { type Fields, fieldsOf, textOf } from '../b2/fields.ts'
import { xmlAnswer } from '../s3/answer.ts'
import { integerParameter, nameEncoding } from '../s3/listing-parameters.ts'
import { type Query, queryValue } from '../s3/query.ts'
import type { S3Response } from '../s3/response.ts'
import { document, group, quoted, text } from '../s3/xml-write.ts'
import { etagOf } from './answers.ts'
import { invalidArgument } from './error.ts'
import type { BucketRequest } from './request.ts'

/** What S3 gives in one page at most. */
export const MAX_KEYS = 1000

/** The files of an answer's list. */
export const filesOf = (said: Fields, name = 'files'): readonly Fields[] =>
  Array.isArray(said[name]) ? said[name].map(fieldsOf) : []

export const numberOf = (fields: Fields, name: string): number => {
  const value = fields[name]
  return typeof value === 'number' ? value : 0
}

/** Time of a file, as S3's documents write it. */
export const timeOf = (file: Fields): string =>
  new Date(numberOf(file, 'uploadTimestamp')).toISOString()

export const ownerElement = (file: Fields): string =>
  group('Owner', text('ID', textOf(file, 'accountId') ?? ''))

/** A folder is what B2 rolls up to one entry behind a delimiter. */
export const isFolder = (file: Fields): boolean => file['action'] === 'folder'

/** How a listing is asked for, in either language. */
export interface Listing {
  readonly prefix: string
  readonly delimiter: string
  readonly max: number
  readonly encode: (name: string) => string
}

export const listingOf = (query: Query): Listing => ({
  prefix: queryValue(query, 'prefix') ?? '',
  delimiter: queryValue(query, 'delimiter') ?? '',
  max: integerParameter(query, 'max-keys', MAX_KEYS),
  encode: nameEncoding(query),
})

/** The fields of B2's listings that speak of the same. */
export const listingFields = ({ prefix, delimiter }: Listing): Fields => ({
  ...(prefix !== '' && { prefix }),
  ...(delimiter !== '' && { delimiter }),
})

export const listingElements = (
  { prefix, delimiter, max, encode }: Listing,
  bucket: string,
  query: Query,
): readonly string[] => [
  text('Name', bucket),
  text('Prefix', encode(prefix)),
  text('MaxKeys', max),
  text('Delimiter', delimiter === '' ? undefined : encode(delimiter)),
  text('EncodingType', queryValue(query, 'encoding-type')),
]

export const prefixElement = (file: Fields, { encode }: Listing): string =>
  group('CommonPrefixes', text('Prefix', encode(textOf(file, 'fileName') ?? '')))

interface Page {
  readonly files: readonly Fields[]
  /** Where the next page begins, that name included; undefined behind the last. */
  readonly next: string | undefined
}

/** Where a page begins: at a name of B2's own, or behind a name, as S3's markers say. */
type Start = { readonly at: string } | { readonly behind: string } | undefined

const NOTHING: Page = { files: [], next: undefined }

/** Whether all that has the prefix comes before a name. */
export const isPast = (name: string, prefix: string): boolean =>
  !name.startsWith(prefix) && Buffer.compare(Buffer.from(name), Buffer.from(prefix)) > 0

/** Where B2 begins: never before the prefix, as its own SDK asks for. */
export const startName = (name: string, prefix: string): Fields => {
  const startFileName = name.startsWith(prefix) ? name : prefix
  return startFileName === '' ? {} : { startFileName }
}

const pageFrom = async (
  { native, places, address, signal }: BucketRequest,
  listing: Listing,
  name: string,
  maxFileCount: number,
): Promise<Page> => {
  const bucketId = await places.bucketId(address.bucket, signal)
  if (listing.max === 0 || isPast(name, listing.prefix)) return NOTHING
  const fields = {
    bucketId,
    maxFileCount,
    ...startName(name, listing.prefix),
    ...listingFields(listing),
  }
  const said = await native.call('b2_list_file_names', fields, signal)
  return { files: filesOf(said), next: textOf(said, 'nextFileName') }
}

const pageOf = async (request: BucketRequest, listing: Listing, start: Start): Promise<Page> => {
  const { max } = listing
  if (start === undefined) return pageFrom(request, listing, '', max)
  if ('at' in start) return pageFrom(request, listing, start.at, max)
  // B2 gives the very name, too, when there is such a file or folder.
  const { files, next } = await pageFrom(request, listing, start.behind, max + 1)
  const behind = files.filter(file => file['fileName'] !== start.behind)
  const cut = textOf(behind[max] ?? {}, 'fileName')
  return { files: behind.slice(0, max), next: cut ?? next }
}

const contentsOf = (files: readonly Fields[], listing: Listing, withOwner: boolean): string[] =>
  files.map(file =>
    isFolder(file)
      ? prefixElement(file, listing)
      : group(
          'Contents',
          text('Key', listing.encode(textOf(file, 'fileName') ?? '')),
          text('LastModified', timeOf(file)),
          text('ETag', quoted(etagOf(textOf(file, 'fileId') ?? ''))),
          text('Size', numberOf(file, 'contentLength')),
          withOwner ? ownerElement(file) : '',
          text('StorageClass', 'STANDARD'),
        ),
  )

/** ListObjects by `b2_list_file_names`. https://www.backblaze.com/apidocs/b2-list-file-names */
export const listObjects = async (request: BucketRequest): Promise<S3Response> => {
  const { query } = request.saying
  const listing = listingOf(query)
  const marker = queryValue(query, 'marker') ?? ''
  const { files, next } = await pageOf(
    request,
    listing,
    marker === '' ? undefined : { behind: marker },
  )
  const last = textOf(files.at(-1) ?? {}, 'fileName') ?? ''
  return xmlAnswer(
    document(
      'ListBucketResult',
      ...listingElements(listing, request.address.bucket, query),
      text('Marker', listing.encode(marker)),
      text('IsTruncated', next !== undefined),
      text('NextMarker', next === undefined ? undefined : listing.encode(last)),
      ...contentsOf(files, listing, true),
    ),
  )
}

const tokenOf = (name: string): string => Buffer.from(name, 'utf8').toString('base64url')

const nameOfToken = (token: string): string => {
  const name = Buffer.from(token, 'base64url').toString('utf8')
  if (name === '' || tokenOf(name) !== token)
    throw invalidArgument('The continuation token provided is incorrect')
  return name
}

const startOf = (token: string | undefined, after: string | undefined): Start => {
  if (token !== undefined) return { at: nameOfToken(token) }
  return after === undefined || after === '' ? undefined : { behind: after }
}

/** ListObjectsV2, likewise. The token holds B2's own name for where to go on. */
export const listObjectsV2 = async (request: BucketRequest): Promise<S3Response> => {
  const { query } = request.saying
  const listing = listingOf(query)
  const token = queryValue(query, 'continuation-token')
  const after = queryValue(query, 'start-after')
  const start = startOf(token, after)
  const { files, next } = await pageOf(request, listing, start)
  return xmlAnswer(
    document(
      'ListBucketResult',
      ...listingElements(listing, request.address.bucket, query),
      text('KeyCount', files.length),
      text('StartAfter', after === undefined ? undefined : listing.encode(after)),
      text('ContinuationToken', token),
      text('IsTruncated', next !== undefined),
      text('NextContinuationToken', next === undefined ? undefined : tokenOf(next)),
      ...contentsOf(files, listing, queryValue(query, 'fetch-owner') === 'true'),
    ),
  )
}
