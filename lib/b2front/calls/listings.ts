import { jsonAnswer } from '../../b2/error.ts'
import { type Fields, textOf } from '../../b2/fields.ts'
import { read, tell } from '../ask.ts'
import { type Answer, bucketAddress, bucketIn, type FrontCall, numberIn } from '../call.ts'
import { type Described, fileDocument, timestampOf } from '../file.ts'
import {
  fileIdOf,
  fileOfId,
  largeIdOf,
  largeOfId,
  type Position,
  positionIdOf,
  positionOfId,
} from '../ids.ts'
import { before, comesBefore } from '../order.ts'
import { fieldIn, innerOf, nameReader } from '../xml.ts'
import { hidden } from './files.ts'

/** Entries that S3 lists at most at once, and B2 counts as one call. */
const MOST = 1000

/** B2 takes more, and answers with fewer where it likes. */
const countIn = (fields: Fields, name: string, usual: number): number =>
  Math.min(numberIn(fields, name, usual, [1, 10_000]), MOST)

/** What every listing of S3's is asked with. An empty text is none. */
const withinOf = (fields: Fields, prefixField = 'prefix') =>
  [
    ['encoding-type', 'url'],
    ['prefix', textOf(fields, prefixField) || undefined],
    ['delimiter', textOf(fields, 'delimiter') || undefined],
  ] as const

// A listing says neither what a file's info is nor how it is encrypted.
const UNTOLD = {
  contentSha1: 'none',
  contentType: 'application/octet-stream',
  fileInfo: {},
  encryption: { mode: null, algorithm: null },
}

const folder = (bucket: string, objectKey: string): Described => ({
  ...UNTOLD,
  bucket,
  objectKey,
  action: 'folder',
  fileId: null,
  contentLength: 0,
  contentSha1: null,
  contentType: null,
  uploadTimestamp: 0,
})

const stored = (bucket: string, objectKey: string, inner: string): Described => ({
  ...UNTOLD,
  bucket,
  objectKey,
  action: 'upload',
  fileId: fileIdOf({ bucket, objectKey }, fieldIn(inner, 'VersionId'), fieldIn(inner, 'ETag')),
  contentLength: Number(fieldIn(inner, 'Size') ?? 0),
  uploadTimestamp: timestampOf(fieldIn(inner, 'LastModified')),
})

const marker = (bucket: string, objectKey: string, inner: string): Described => {
  const file = { bucket, objectKey, versionId: undefined, etag: undefined }
  const at = timestampOf(fieldIn(inner, 'LastModified'))
  return hidden(file, fieldIn(inner, 'VersionId') ?? '', at)
}

type Kind = 'Contents' | 'Version' | 'DeleteMarker' | 'CommonPrefixes'

const READ: Readonly<Record<Kind, (bucket: string, name: string, inner: string) => Described>> = {
  Contents: stored,
  Version: stored,
  DeleteMarker: marker,
  CommonPrefixes: (bucket, name) => folder(bucket, name),
}

/** The entries of a page in B2's order, in which folders stand among files. */
const entriesOf = (xml: string, bucket: string): readonly Described[] => {
  const readName = nameReader(xml)
  const entries = innerOf(xml, Object.keys(READ)).map(([kind, inner]) => {
    const name = fieldIn(inner, kind === 'CommonPrefixes' ? 'Prefix' : 'Key') ?? ''
    return READ[kind as Kind](bucket, readName(name), inner)
  })
  // Stable, so that the versions of a name stay as they were.
  return [...entries].sort((a, b) =>
    comesBefore(a.objectKey, b.objectKey) ? -1 : comesBefore(b.objectKey, a.objectKey) ? 1 : 0,
  )
}

/** Whether an entry is at or behind a name; a folder is as long as something in it is. */
const isFrom = (start: string, { objectKey, action }: Described): boolean =>
  !comesBefore(objectKey, start) || (action === 'folder' && start.startsWith(objectKey))

/** A page of names, as B2's document has it. */
const namesPage = async ({ fields, caller, ask }: FrontCall): Promise<Fields> => {
  const bucket = bucketIn(fields)
  const start = textOf(fields, 'startFileName') ?? ''
  const count = Math.min(countIn(fields, 'maxFileCount', 100), MOST - 1)
  const { xml } = await tell(ask, {
    method: 'GET',
    address: bucketAddress(bucket),
    query: [
      ['list-type', '2'],
      // One more than asked for: its name is where the next page begins.
      ['max-keys', String(count + 1)],
      // B2 begins with the name, S3 behind it.
      ['start-after', start === '' ? undefined : before(start)],
      ...withinOf(fields),
    ],
  })
  const page = entriesOf(xml, bucket)
  const entries = page.filter(entry => isFrom(start, entry))
  const isCut = fieldIn(xml, 'IsTruncated') === 'true'
  const more = isCut ? entries.at(-1)?.objectKey : entries[count]?.objectKey
  const shown = isCut ? entries.slice(0, -1) : entries.slice(0, count)
  return {
    files: shown.map(entry => fileDocument(caller.client, entry)),
    nextFileName: more ?? (isCut ? (page.at(-1)?.objectKey ?? null) : null),
  }
}

/** https://www.backblaze.com/apidocs/b2-list-file-names */
export const listFileNames: Answer = async call => jsonAnswer(200, await namesPage(call))

/** Where a listing of versions shall begin. */
const versionStart = (fields: Fields, bucket: string): Position | undefined => {
  const name = textOf(fields, 'startFileName')
  const id = textOf(fields, 'startFileId')
  if (id !== undefined) {
    const position = positionOfId(bucket, id)
    if (position !== undefined) return position
    // By an id of a file's: with that name, and the version is looked for on the page.
    return { key: before(name ?? fileOfId(id).objectKey), within: undefined }
  }
  return name === undefined || name === '' ? undefined : { key: before(name), within: undefined }
}

/** The entries from the file on that the client names; all, where it goes on behind a page. */
const fromFile = (
  entries: readonly Described[],
  fields: Fields,
  bucket: string,
): readonly Described[] => {
  const id = textOf(fields, 'startFileId')
  if (id !== undefined && positionOfId(bucket, id) !== undefined) return entries
  const start = textOf(fields, 'startFileName') ?? ''
  const behind = entries.filter(entry => isFrom(start, entry))
  const at = id === undefined ? -1 : behind.findIndex(({ fileId }) => fileId === id)
  return at < 0 ? behind : behind.slice(at)
}

/** Where S3 says that a listing goes on. */
const nextOf = (xml: string, key: string, within: string): Position | undefined => {
  const name = fieldIn(xml, key)
  if (fieldIn(xml, 'IsTruncated') !== 'true' || name === undefined) return undefined
  return { key: nameReader(xml)(name), within: fieldIn(xml, within) || undefined }
}

/** https://www.backblaze.com/apidocs/b2-list-file-versions */
export const listFileVersions: Answer = async call => {
  const { fields, caller, ask } = call
  const bucket = bucketIn(fields)
  const start = versionStart(fields, bucket)
  const answer = await ask({
    method: 'GET',
    address: bucketAddress(bucket),
    query: [
      ['versions', ''],
      ['max-keys', String(countIn(fields, 'maxFileCount', 100))],
      ['key-marker', start?.key],
      ['version-id-marker', start?.within],
      ...withinOf(fields),
    ],
  })
  // A provider without versions has one of each name.
  if (answer.status === 501)
    return jsonAnswer(200, { ...(await namesPage(call)), nextFileId: null })
  const { xml } = await read(answer)
  const next = nextOf(xml, 'NextKeyMarker', 'NextVersionIdMarker')
  const entries = fromFile(entriesOf(xml, bucket), fields, bucket)
  return jsonAnswer(200, {
    files: entries.map(entry => fileDocument(caller.client, entry)),
    nextFileName: next?.key ?? null,
    nextFileId: next === undefined ? null : positionIdOf(bucket, next),
  })
}

const uploadStart = (fields: Fields, bucket: string): Position | undefined => {
  const id = textOf(fields, 'startFileId')
  if (id === undefined) return undefined
  const position = positionOfId(bucket, id)
  if (position !== undefined) return position
  return { key: before(largeOfId(id).objectKey), within: undefined }
}

/** Large files that a listing tells of at most: https://www.backblaze.com/apidocs/b2-list-unfinished-large-files */
const MOST_LARGE = 100

export const listUnfinished: Answer = async ({ fields, caller, ask }) => {
  const bucket = bucketIn(fields)
  const start = uploadStart(fields, bucket)
  const { xml } = await tell(ask, {
    method: 'GET',
    address: bucketAddress(bucket),
    query: [
      ['uploads', ''],
      ['max-uploads', String(numberIn(fields, 'maxFileCount', MOST_LARGE, [1, MOST_LARGE]))],
      ['key-marker', start?.key],
      ['upload-id-marker', start?.within],
      ...withinOf({ prefix: fields['namePrefix'] }),
    ],
  })
  const next = nextOf(xml, 'NextKeyMarker', 'NextUploadIdMarker')
  const readName = nameReader(xml)
  const files = innerOf(xml, ['Upload']).map(([, inner]) => {
    const objectKey = readName(fieldIn(inner, 'Key') ?? '')
    const uploadId = fieldIn(inner, 'UploadId') ?? ''
    return fileDocument(caller.client, {
      ...UNTOLD,
      bucket,
      objectKey,
      action: 'start',
      fileId: largeIdOf({ bucket, objectKey, uploadId }),
      contentLength: 0,
      uploadTimestamp: timestampOf(fieldIn(inner, 'Initiated')),
    })
  })
  return jsonAnswer(200, {
    files,
    nextFileId: next === undefined ? null : positionIdOf(bucket, next),
  })
}
