import type { Headers } from '../../s3/headers.ts'
import { invalidArgument, UpstreamError } from '../error.ts'
import type { ObjectRecord, Properties } from '../store/records.ts'
import { parseTagHeader } from './tagging.ts'

const CONTENT_HEADERS = new Set([
  'cache-control',
  'content-disposition',
  'content-encoding',
  'content-language',
  'content-type',
  'expires',
])
const METADATA = 'x-amz-meta-'
const MAX_METADATA = 2048

const STORAGE_CLASSES = new Set([
  'DEEP_ARCHIVE',
  'GLACIER',
  'GLACIER_IR',
  'INTELLIGENT_TIERING',
  'ONEZONE_IA',
  'REDUCED_REDUNDANCY',
  'STANDARD',
  'STANDARD_IA',
])

/**
 * What a write says of its object.
 *
 * @throws {UpstreamError} `MetadataTooLarge`, `InvalidStorageClass`, `InvalidTag`
 */
export const readProperties = (headers: Headers): Properties => ({
  headers: keptHeaders(headers),
  storageClass: storageClassOf(headers),
  tags: parseTagHeader(headers),
})

const keptHeaders = (headers: Headers): Properties['headers'] => {
  const kept = [...headers].filter(
    ([name]) => CONTENT_HEADERS.has(name) || name.startsWith(METADATA),
  )
  checkMetadata(kept)
  return {
    'content-type': 'binary/octet-stream',
    ...Object.fromEntries(kept.map(withoutFraming).filter(([, value]) => value !== '')),
  }
}

const checkMetadata = (kept: readonly (readonly [string, string])[]): void => {
  const size = kept
    .filter(([name]) => name.startsWith(METADATA))
    .reduce((sum, [name, value]) => sum + name.length - METADATA.length + value.length, 0)
  if (size <= MAX_METADATA) return
  throw new UpstreamError('MetadataTooLarge', {
    Size: String(size),
    MaxSizeAllowed: String(MAX_METADATA),
  })
}

/** aws-chunked is how the body came, not what the object is. */
const withoutFraming = ([name, value]: readonly [string, string]): readonly [string, string] => {
  if (name !== 'content-encoding') return [name, value]
  const codings = value.split(',').map(coding => coding.trim())
  return [name, codings.filter(coding => coding !== 'aws-chunked').join(',')]
}

const storageClassOf = (headers: Headers): string => {
  const storageClass = headers.get('x-amz-storage-class') ?? 'STANDARD'
  if (!STORAGE_CLASSES.has(storageClass)) throw new UpstreamError('InvalidStorageClass')
  return storageClass
}

/**
 * What a copy's object is said to be: by its source, where a directive does not say otherwise.
 *
 * @throws {UpstreamError} as `readProperties`; `InvalidArgument` for an unknown directive
 */
export const copiedProperties = (headers: Headers, source: ObjectRecord): Properties => {
  const own = readProperties(headers)
  const replaces = isReplacing(headers, 'metadata')
  const retags = isReplacing(headers, 'tagging')
  return {
    headers: replaces ? own.headers : source.properties.headers,
    storageClass: own.storageClass,
    tags: retags ? own.tags : source.properties.tags,
  }
}

/** Whether a copy takes that from its request. @throws {S3Error} `InvalidArgument` */
export const isReplacing = (headers: Headers, what: 'metadata' | 'tagging'): boolean => {
  const name = `x-amz-${what}-directive`
  const directive = headers.get(name) ?? 'COPY'
  if (directive !== 'COPY' && directive !== 'REPLACE') {
    throw invalidArgument(`Unknown ${what} directive.`, name, directive)
  }
  return directive === 'REPLACE'
}
