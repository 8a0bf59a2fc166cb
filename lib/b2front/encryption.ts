import { type Fields, fieldsOf, textOf } from '../b2/fields.ts'
import { S3Error } from '../s3/error.ts'
import type { Headers } from '../s3/headers.ts'
import type { HeaderEntry } from './file-info.ts'

const BZ = 'x-bz-server-side-encryption'
const AMZ = 'x-amz-server-side-encryption'
const SOURCE = 'x-amz-copy-source-server-side-encryption'

/** What a client's headers say of encryption, in S3's: whether it may say that is the policy's to judge. */
export const encryptionOfHeaders = (headers: Headers): readonly HeaderEntry[] =>
  [...headers].flatMap(([name, value]) =>
    name.startsWith(BZ) ? [[AMZ + name.slice(BZ.length), value] as const] : [],
  )

const keyOf = (field: Fields, prefix: string): readonly HeaderEntry[] => [
  [`${prefix}-customer-algorithm`, textOf(field, 'algorithm') ?? ''],
  [`${prefix}-customer-key`, textOf(field, 'customerKey') ?? ''],
  [`${prefix}-customer-key-md5`, textOf(field, 'customerKeyMd5') ?? ''],
]

const NONE: readonly (string | undefined)[] = [undefined, 'none']

/**
 * What a field of a document says of encryption, in S3's headers.
 *
 * @throws {S3Error} `InvalidRequest` for a mode that B2 does not have
 */
export const encryptionOfField = (
  value: unknown,
  place: 'object' | 'source' = 'object',
): readonly HeaderEntry[] => {
  const field = fieldsOf(value)
  const mode = textOf(field, 'mode')
  if (mode === 'SSE-C') return keyOf(field, place === 'object' ? AMZ : SOURCE)
  // A source that the provider encrypted needs nothing to be read.
  if (NONE.includes(mode) || (mode === 'SSE-B2' && place === 'source')) return []
  if (mode === 'SSE-B2') return [[AMZ, textOf(field, 'algorithm') ?? 'AES256']]
  throw new S3Error('InvalidRequest', 'serverSideEncryption has a mode that is unknown.')
}

/** How an S3 answer says that a file is encrypted, as documents of B2's have it. */
export const encryptionIn = (headers: Headers): Fields => {
  if (headers.has(`${AMZ}-customer-algorithm`)) return { mode: 'SSE-C', algorithm: 'AES256' }
  // B2 has one word for every method of the provider's own.
  return headers.has(AMZ)
    ? { mode: 'SSE-B2', algorithm: 'AES256' }
    : { mode: 'none', algorithm: null }
}

/** The same as headers of a download. */
export const encryptionHeaders = (headers: Headers): readonly HeaderEntry[] => {
  const echoed = ['-customer-algorithm', '-customer-key-md5'].flatMap(rest => {
    const value = headers.get(AMZ + rest)
    return value === undefined ? [] : [[BZ + rest, value] as const]
  })
  return headers.has(AMZ) ? [[BZ, 'AES256']] : echoed
}
