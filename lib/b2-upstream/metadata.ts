import { type Headers, withoutHeaders } from '../s3/headers.ts'
import { invalidArgument, Refused } from './error.ts'

/** Name and value of an entry of B2's file info. */
export type InfoEntry = readonly [name: string, value: string]

const META = 'x-amz-meta-'
const INFO = 'x-bz-info-'

/** S3's content headers that B2 keeps as file info, and gives back as headers. https://www.backblaze.com/apidocs/b2-upload-file */
const CONTENT: readonly (readonly [header: string, info: string])[] = [
  ['cache-control', 'b2-cache-control'],
  ['content-disposition', 'b2-content-disposition'],
  ['content-encoding', 'b2-content-encoding'],
  ['content-language', 'b2-content-language'],
  ['expires', 'b2-expires'],
]

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** A header's value as text. Headers are one character per byte. */
const textOfHeader = (name: string, value: string): string => {
  try {
    return UTF8.decode(Buffer.from(value, 'latin1'))
  } catch {
    throw invalidArgument(`The value of ${name} is not UTF-8, which is all that B2 keeps.`)
  }
}

const NAME_CHARACTERS = 50
const ENTRIES = 10
/** Bytes of a file's name and info, as they are written. */
const BYTES = { plain: 7000, encrypted: 2048 }

const checkName = (name: string): void => {
  if (name.startsWith('b2-'))
    throw invalidArgument(
      `B2 keeps the metadata names that begin with b2- for itself: ${META}${name}.`,
    )
  if (name.length > NAME_CHARACTERS)
    throw invalidArgument(
      `B2 takes metadata names of up to ${NAME_CHARACTERS} characters: ${META}${name}.`,
    )
}

const tooLarge = (message: string): Refused => new Refused(400, 'MetadataTooLarge', message)

const checkSize = (
  entries: readonly InfoEntry[],
  objectKey: string,
  isEncrypted: boolean,
): void => {
  if (entries.length > ENTRIES)
    throw tooLarge(
      `B2 keeps up to ${ENTRIES} entries of metadata and content headers, not ${entries.length}.`,
    )
  const written = [objectKey, ...entries.flat()].map(encodeURIComponent).join('')
  const limit = isEncrypted ? BYTES.encrypted : BYTES.plain
  if (written.length > limit)
    throw tooLarge(
      `B2 takes ${limit} bytes of object key and metadata${isEncrypted ? ' beside encryption' : ''}.`,
    )
}

/**
 * Metadata and content headers as B2's file info.
 *
 * @param isEncrypted whether a method of encryption is asked for, which leaves less room
 * @throws {Refused} for what B2 could not give back as it was
 */
export const infoOf = (
  headers: Headers,
  objectKey: string,
  isEncrypted: boolean,
): readonly InfoEntry[] => {
  const metadata = [...headers].flatMap(([header, value]): InfoEntry[] => {
    if (!header.startsWith(META)) return []
    const name = header.slice(META.length)
    checkName(name)
    return [[name, textOfHeader(header, value)]]
  })
  const content = CONTENT.flatMap(([header, info]): InfoEntry[] => {
    const value = headers.get(header)
    return value === undefined ? [] : [[info, textOfHeader(header, value)]]
  })
  const entries = [...metadata, ...content]
  checkSize(entries, objectKey, isEncrypted)
  return entries
}

/** File info as headers of an upload. */
export const infoHeaders = (entries: readonly InfoEntry[]): readonly InfoEntry[] =>
  entries.map(([name, value]) => [`${INFO}${name}`, encodeURIComponent(value)])

const headerOf = (text: string): string | undefined => {
  const value = Buffer.from(text, 'utf8').toString('latin1')
  return /^[\t\x20-\x7e\x80-\xff]*$/.test(value) ? value : undefined
}

const decoded = (value: string): string | undefined => {
  try {
    return headerOf(decodeURIComponent(value.replaceAll('+', '%20')))
  } catch {
    return undefined
  }
}

const ownHeaders = (headers: Headers): readonly InfoEntry[] =>
  CONTENT.flatMap(([header, info]) => {
    const kept = headers.get(`${INFO}${info}`)
    const value = kept === undefined ? headers.get(header) : decoded(kept)
    return value === undefined ? [] : [[header, value] as const]
  })

/**
 * A download's file info as metadata and content headers. What no header can say is counted, as S3 does.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html (x-amz-missing-meta)
 */
export const metadataOf = (headers: Headers): readonly InfoEntry[] => {
  const info = [
    ...withoutHeaders(headers, name => !name.startsWith(INFO) || name.startsWith(`${INFO}b2-`)),
  ]
  const read = info.map(([name, value]) => [name.slice(INFO.length), decoded(value)] as const)
  const kept = read.flatMap(([name, value]) =>
    value === undefined ? [] : [[`${META}${name}`, value] as const],
  )
  const missing = read.length - kept.length
  const counted = missing === 0 ? [] : [['x-amz-missing-meta', String(missing)] as const]
  return [...kept, ...counted, ...ownHeaders(headers)]
}
