import { decodeB2 } from '../b2/file-name.ts'
import { S3Error } from '../s3/error.ts'
import type { Headers } from '../s3/headers.ts'

/** What a client noted about a file: names in lower case, values of any text. */
export type FileInfo = Readonly<Record<string, string>>

/** A header of S3's, name and value. */
export type HeaderEntry = readonly [name: string, value: string]

/** Info that B2 answers downloads with as headers, which S3 has, too. https://www.backblaze.com/docs/cloud-storage-file-information */
const CONTENT: readonly (readonly [info: string, header: string])[] = [
  ['b2-cache-control', 'cache-control'],
  ['b2-content-disposition', 'content-disposition'],
  ['b2-content-encoding', 'content-encoding'],
  ['b2-content-language', 'content-language'],
  ['b2-expires', 'expires'],
]

const INFO = 'x-bz-info-'
const META = 'x-amz-meta-'

/** Where the SHA-1 that an upload began with is kept: B2 lets no client note under a name like it. */
const SHA1 = `${META}b2-content-sha1`

const invalid = (name: string): S3Error =>
  new S3Error('InvalidRequest', `Bad file info: ${name} is not allowed, or its value is not.`)

const NAME = /^[a-z0-9!#$%&'*+.^_`|~-]+$/

const checked = (entries: readonly HeaderEntry[]): FileInfo => {
  const info = new Map<string, string>()
  for (const [said, value] of entries) {
    const name = said.toLowerCase()
    const isReserved = name.startsWith('b2-') && CONTENT.every(([known]) => known !== name)
    if (!NAME.test(name) || isReserved || info.has(name) || /\p{Surrogate}/u.test(value))
      throw invalid(said)
    info.set(name, value)
  }
  return Object.fromEntries(info)
}

/**
 * The info among an upload's headers.
 *
 * @throws {S3Error} `InvalidRequest` for a name that B2 does not allow, `InvalidURI` for a broken escape
 */
export const infoOfHeaders = (headers: Headers): FileInfo =>
  checked(
    [...headers].flatMap(([name, value]) =>
      name.startsWith(INFO) ? [[name.slice(INFO.length), decodeB2(value)] as const] : [],
    ),
  )

/**
 * The info of a document's field.
 *
 * @throws {S3Error} `InvalidRequest`
 */
export const infoOfField = (value: unknown): FileInfo => {
  if (value === undefined || value === null) return {}
  if (typeof value !== 'object' || Array.isArray(value)) throw invalid('fileInfo')
  const entries = Object.entries(value)
  const texts = entries.flatMap(([name, text]) =>
    typeof text === 'string' ? [[name, text] as const] : [],
  )
  if (texts.length < entries.length) throw invalid('fileInfo')
  return checked(texts)
}

const ESCAPED: Readonly<Record<string, string>> = { '-': 'm', _: 'u' }

/**
 * A name as it survives every provider: Ceph gives each `_` of a header's name back as `-`.
 *
 * `a_b` is `a--b`, `a-b` stays; a longer run of them is spelled between `---`: `a__b` is `a---uu---b`.
 */
export const metadataName = (name: string): string =>
  name.replace(/[-_]+/g, run => {
    if (run === '_') return '--'
    if (run === '-') return '-'
    return `---${run.replace(/[-_]/g, each => ESCAPED[each] ?? each)}---`
  })

/** The name that `metadataName` wrote, or that an S3 client did. */
export const infoName = (name: string): string =>
  name.replace(/---([mu]{2,})---|--/g, (_, run: string | undefined) =>
    run === undefined ? '_' : run.replaceAll('m', '-').replaceAll('u', '_'),
  )

const PLAIN = /^[!-~](?:[ -~]*[!-~])?$/

/** A value as a header takes it: text of other characters as RFC 2047 writes it, which S3 itself does, too. */
const metadataValue = (value: string): string =>
  PLAIN.test(value) && !value.startsWith('=?')
    ? value
    : `=?UTF-8?B?${Buffer.from(value).toString('base64')}?=`

const utf8 = (binary: string): string => Buffer.from(binary, 'latin1').toString('utf8')

const quoted = (text: string): string =>
  utf8(
    text
      .replaceAll('_', ' ')
      .replace(/=([0-9A-F]{2})/gi, (_, hex: string) =>
        String.fromCharCode(Number.parseInt(hex, 16)),
      ),
  )

const WORD = /^=\?utf-8\?([bq])\?([^?]*)\?=$/i

const infoValue = (value: string): string => {
  const [, coding, text = ''] = WORD.exec(value) ?? []
  if (coding === undefined) return utf8(value)
  return coding.toLowerCase() === 'b' ? Buffer.from(text, 'base64').toString('utf8') : quoted(text)
}

const contentEntry = (header: string, name: string, value: string): HeaderEntry => {
  for (const character of value) if (character < ' ' || character === '\x7f') throw invalid(name)
  return [header, Buffer.from(value).toString('latin1')]
}

/**
 * What a file's info is in S3.
 *
 * @param sha1 hex of the file's bytes, where it is known before they are
 * @throws {S3Error} `InvalidRequest` for a value that no header takes
 */
export const metadataOf = (info: FileInfo, sha1?: string): readonly HeaderEntry[] => [
  ...Object.entries(info).map(([name, value]): HeaderEntry => {
    const header = CONTENT.find(([known]) => known === name)?.[1]
    return header === undefined
      ? [META + metadataName(name), metadataValue(value)]
      : contentEntry(header, name, value)
  }),
  ...(sha1 === undefined ? [] : [[SHA1, sha1] as const]),
]

/** The info of a stored file, out of an S3 answer. */
export const infoOf = (headers: Headers): FileInfo =>
  Object.fromEntries([
    ...[...headers].flatMap(([name, value]) =>
      name.startsWith(META) && name !== SHA1
        ? [[infoName(name.slice(META.length)), infoValue(value)]]
        : [],
    ),
    ...CONTENT.flatMap(([name, header]) => {
      const value = headers.get(header)
      return value === undefined ? [] : [[name, utf8(value)]]
    }),
  ])

/** The info as headers of a download. What B2 answers as headers of its own is not among it. */
export const infoHeaders = (headers: Headers): readonly HeaderEntry[] =>
  Object.entries(infoOf(headers)).flatMap(([name, value]) =>
    CONTENT.some(([known]) => known === name)
      ? []
      : [[INFO + name, encodeURIComponent(value)] as const],
  )

/** The SHA-1 of a stored file, where it is known. */
export const sha1Of = (headers: Headers): string | undefined => headers.get(SHA1)
