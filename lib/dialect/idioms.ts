import { percentDecode } from '../s3/encoding.ts'
import { S3Error } from '../s3/error.ts'
import { type Headers, withHeaders, withoutHeaders } from '../s3/headers.ts'
import type { Query } from '../s3/query.ts'
import type { Family } from './families.ts'

// What one family says in another place, or in another form, than S3: no pair of names tells it.

const SOURCE = 'x-amz-copy-source'
const SOURCE_VERSION = 'x-amz-copy-source-version-id'
const VERSION = '?versionId='

type Entries = readonly (readonly [string, string])[]

/** `taken` goes, `given` comes. */
const exchanged = (headers: Headers, taken: string, given: Entries): Headers =>
  withHeaders(
    withoutHeaders(headers, name => name === taken),
    given,
  )

const sourceVersionIntoValue = ({ sourceVersion }: Family, headers: Headers): Headers => {
  const source = headers.get(SOURCE)
  const version = headers.get(SOURCE_VERSION)
  if (sourceVersion === 'value' || source === undefined || version === undefined) return headers
  return exchanged(headers, SOURCE_VERSION, [[SOURCE, `${source}${VERSION}${version}`]])
}

const sourceVersionIntoHeader = ({ sourceVersion }: Family, headers: Headers): Headers => {
  const source = headers.get(SOURCE) ?? ''
  const at = source.indexOf(VERSION)
  if (sourceVersion === 'value' || at < 0) return headers
  return withHeaders(headers, [
    [SOURCE, source.slice(0, at)],
    [SOURCE_VERSION, percentDecode(source.slice(at + VERSION.length))],
  ])
}

const readCreateOnly = ({ createOnly }: Family, headers: Headers): Headers => {
  const [name = '', value] = createOnly ?? []
  return headers.get(name) === value && value !== undefined
    ? exchanged(headers, name, [['if-none-match', '*']])
    : headers
}

const writeCreateOnly = ({ createOnly }: Family, headers: Headers): Headers =>
  createOnly !== undefined && headers.get('if-none-match') === '*'
    ? exchanged(headers, 'if-none-match', [createOnly])
    : headers

const HASHES: ReadonlyMap<string, string> = new Map([
  ['crc32c', 'x-amz-checksum-crc32c'],
  ['md5', 'content-md5'],
])

const unknownHash = (name: string): S3Error =>
  new S3Error('InvalidArgument', `The header ${name} must be crc32c=BASE64, md5=BASE64, or both.`)

/** S3 has a header for each hash, and the proxy verifies them. */
const readHashes = ({ hashes }: Family, headers: Headers): Headers => {
  const text = hashes && headers.get(hashes)
  if (hashes === undefined || text === undefined) return headers
  const found = text.split(',').map((part): readonly [string, string] => {
    const [, kind = '', value = ''] = /^\s*(\w+)=(\S+)\s*$/.exec(part) ?? []
    const name = HASHES.get(kind)
    if (name === undefined) throw unknownHash(hashes)
    const said = headers.get(name)
    if (said !== undefined && said !== value) throw unknownHash(hashes)
    return [name, value]
  })
  return exchanged(headers, hashes, found)
}

/**
 * A request whose names are S3's already, with the family's idioms in S3's form.
 *
 * @throws {S3Error} `InvalidArgument` for hashes of another kind
 */
export const readIdioms = (family: Family, headers: Headers): Headers =>
  readHashes(family, readCreateOnly(family, sourceVersionIntoValue(family, headers)))

/** A request in S3's vocabulary, with what the family says in another form in that form, its names being S3's still. */
export const writeIdioms = (family: Family, headers: Headers): Headers =>
  writeCreateOnly(family, sourceVersionIntoHeader(family, headers))

/**
 * Refuses what would be a document in words that nobody here translates.
 *
 * @throws {S3Error} `NotImplemented`
 */
export const refuseOtherDocuments = (
  { otherDocuments, prefix }: Family,
  query: Query,
  headers: Headers,
): void => {
  const found = query.find(({ name }) => otherDocuments.includes(name))
  // A canned ACL is a header, and no document.
  if (found === undefined || (found.name === 'acl' && headers.has('x-amz-acl'))) return
  throw new S3Error(
    'NotImplemented',
    `The documents of '?${found.name}' differ between S3 and the words ${prefix}*, and are not translated by this proxy.`,
  )
}
