import { percentDecode } from '../s3/encoding.ts'
import { S3Error } from '../s3/error.ts'
import type { Query } from '../s3/query.ts'
import { characterData, elementText } from '../s3/xml.ts'
import { type Asker, refusalText } from './asker.ts'

/** An object, or one version of it, as a listing tells of it. */
export interface Listed {
  readonly objectKey: string
  /** Only in a listing of versions. */
  readonly versionId: string | undefined
  readonly isLatest: boolean
  /** Without quotes. */
  readonly etag: string
  /** Bytes. */
  readonly size: number
}

/** What of a bucket is walked. */
export interface Range {
  readonly bucket: string
  readonly prefix: string
  /** The object key that the walk begins behind. */
  readonly after: string | undefined
  /** The version behind which it begins among those of `after`. */
  readonly afterVersion?: string | undefined
  /** The last object key that may be walked. */
  readonly through: string | undefined
  readonly versions: boolean
}

/** Where bulk commands keep their ledgers in a bucket: no listing of theirs tells of it. */
export const OWN_PREFIX = '.ssec-proxy/'

/** The order of listings: by the bytes of UTF-8, which is not that of JavaScript's strings. */
export const compareKeys = (a: string, b: string): number =>
  Buffer.compare(Buffer.from(a), Buffer.from(b))

const ENTRY = /<(Contents|Version)>([\s\S]*?)<\/\1>/g

const unquoted = (etag: string): string => etag.replaceAll('"', '')

type Decode = (text: string) => string

// RGW and MinIO write a space as `+`, as AWS does.
const decodeName: Decode = text => percentDecode(text.replaceAll('+', '%20'))

const field = (xml: string, name: string): string | undefined => {
  const match = new RegExp(`<${name}>([\\s\\S]*?)</${name}>`).exec(xml)
  return match?.[1] === undefined ? undefined : characterData(match[1])
}

const toListed = (kind: string, xml: string, decode: Decode): Listed => ({
  objectKey: decode(field(xml, 'Key') ?? ''),
  versionId: kind === 'Version' ? (field(xml, 'VersionId') ?? 'null') : undefined,
  isLatest: kind !== 'Version' || field(xml, 'IsLatest') === 'true',
  etag: unquoted(field(xml, 'ETag') ?? ''),
  size: Number(field(xml, 'Size') ?? 0),
})

/** A page of a listing. */
export interface Page {
  readonly entries: readonly Listed[]
  readonly isTruncated: boolean
  readonly nextKey: string | undefined
  readonly nextVersion: string | undefined
}

/** Reads a page of ListObjectsV2 or ListObjectVersions. */
export const parsePage = (xml: string): Page => {
  const isEncoded = elementText(xml, 'EncodingType') === 'url'
  const decode: Decode = isEncoded ? decodeName : text => text
  const entries = [...xml.matchAll(ENTRY)].map(([, kind = '', inner = '']) =>
    toListed(kind, inner, decode),
  )
  const next = elementText(xml, 'NextKeyMarker')
  return {
    entries,
    isTruncated: elementText(xml, 'IsTruncated') === 'true',
    nextKey: next === undefined ? entries.at(-1)?.objectKey : decode(next),
    nextVersion: elementText(xml, 'NextVersionIdMarker'),
  }
}

const parameters = (pairs: readonly (readonly [string, string | undefined])[]): Query =>
  pairs.flatMap(([name, value]) => (value === undefined ? [] : [{ name, value }]))

interface Position {
  readonly key: string | undefined
  readonly version: string | undefined
}

const queryOf = ({ prefix, versions }: Range, { key, version }: Position, most: number): Query =>
  versions
    ? parameters([
        ['versions', ''],
        ['encoding-type', 'url'],
        ['prefix', prefix],
        ['key-marker', key],
        ['version-id-marker', version],
        ['max-keys', String(most)],
      ])
    : parameters([
        ['list-type', '2'],
        ['encoding-type', 'url'],
        ['prefix', prefix],
        // Not the continuation token: that is good for one run, and this for the next one, too.
        ['start-after', key],
        ['max-keys', String(most)],
      ])

export const PAGE = 1000

/** @throws {S3Error} when the bucket may not be listed */
export const readPage = async (
  asker: Asker,
  range: Range,
  position: Position,
  most: number = PAGE,
): Promise<Page> => {
  const answer = await asker.ask({
    method: 'GET',
    address: { level: 'bucket', bucket: range.bucket },
    query: queryOf(range, position, most),
  })
  const xml = Buffer.isBuffer(answer.body) ? answer.body.toString('utf8') : ''
  if (answer.status === 200) return parsePage(xml)
  throw new S3Error(
    'UpstreamUnavailable',
    `Bucket ${range.bucket} could not be listed: ${refusalText(answer)}`,
  )
}

/** Every page of a range, one held at a time. */
async function* pages(asker: Asker, range: Range): AsyncGenerator<Page, void, void> {
  let position: Position = { key: range.after, version: range.afterVersion }
  for (;;) {
    const page = await readPage(asker, range, position)
    yield page
    if (!page.isTruncated || page.nextKey === undefined) return
    position = { key: page.nextKey, version: page.nextVersion }
  }
}

/** Every object, or version, of a range in the order of the listing. Nothing is held but a page. */
export async function* listAll(asker: Asker, range: Range): AsyncGenerator<Listed, void, void> {
  for await (const { entries } of pages(asker, range)) {
    for (const entry of entries) {
      if (range.through !== undefined && compareKeys(entry.objectKey, range.through) > 0) return
      yield entry
    }
  }
}

/** The same without what bulk commands keep in the bucket themselves. */
export async function* list(asker: Asker, range: Range): AsyncGenerator<Listed, void, void> {
  for await (const entry of listAll(asker, range)) {
    if (!entry.objectKey.startsWith(OWN_PREFIX)) yield entry
  }
}
