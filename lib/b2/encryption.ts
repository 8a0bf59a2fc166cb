import { createHash, timingSafeEqual } from 'node:crypto'
import { type CustomerKey, customerKey } from '../keys/customer-key.ts'
import type { Keys } from '../keys/find-keys.ts'
import type { Permission } from '../policy/decide.ts'
import { S3Error } from '../s3/error.ts'
import type { Headers } from '../s3/headers.ts'
import { type Fields, fieldsOf, textOf } from './fields.ts'

const PREFIX = 'x-bz-server-side-encryption'
const ALGORITHM = `${PREFIX}-customer-algorithm`
const KEY = `${PREFIX}-customer-key`
const MD5 = `${PREFIX}-customer-key-md5`

/** Whether a header asks for encryption, or tells of it. */
export const isEncryptionHeader = (name: string): boolean => name.startsWith(PREFIX)

/** The headers that carry a key. https://www.backblaze.com/apidocs/b2-upload-file */
export const keyHeaders = (key: CustomerKey): readonly (readonly [string, string])[] => [
  [ALGORITHM, 'AES256'],
  [KEY, key.base64.expose()],
  [MD5, key.md5],
]

/** The field that carries a key. https://www.backblaze.com/apidocs/b2-copy-file */
export const keyField = (key: CustomerKey): Fields => ({
  mode: 'SSE-C',
  algorithm: 'AES256',
  customerKey: key.base64.expose(),
  customerKeyMd5: key.md5,
})

/** What a client itself asks for. */
export interface Wish {
  readonly key: CustomerKey | undefined
  /** Whether it wants one of the provider's own methods. */
  readonly isOther: boolean
}

const checked = (algorithm?: string, key?: string, md5?: string): CustomerKey => {
  const bytes = Buffer.from(key ?? '', 'base64')
  if (algorithm !== 'AES256' || bytes.length !== 32 || bytes.toString('base64') !== key) {
    throw new S3Error('InvalidRequest', 'SSE-C takes AES256 and a base64 key of 32 bytes.')
  }
  const digest = createHash('md5').update(bytes).digest()
  const given = Buffer.from(md5 ?? '', 'base64')
  if (given.length !== digest.length || !timingSafeEqual(given, digest)) {
    throw new S3Error('InvalidRequest', 'The MD5 of the SSE-C key is not that of its 32 bytes.')
  }
  return customerKey('client', 'own', bytes)
}

/** @throws {S3Error} `InvalidRequest` for a malformed key */
export const wishOfHeaders = (headers: Headers): Wish => {
  const names = [ALGORITHM, KEY, MD5]
  const isKey = names.some(name => headers.has(name))
  return {
    key: isKey ? checked(headers.get(ALGORITHM), headers.get(KEY), headers.get(MD5)) : undefined,
    isOther: [...headers.keys()].some(name => isEncryptionHeader(name) && !names.includes(name)),
  }
}

/** @throws {S3Error} `InvalidRequest` for a malformed key */
export const wishOfField = (value: unknown): Wish => {
  const field = fieldsOf(value)
  const mode = textOf(field, 'mode')
  if (mode !== 'SSE-C') return { key: undefined, isOther: mode !== undefined && mode !== 'none' }
  const text = (name: string): string | undefined => textOf(field, name)
  return {
    key: checked(text('algorithm'), text('customerKey'), text('customerKeyMd5')),
    isOther: false,
  }
}

/**
 * The keys that a place may take: the client's own alone, or ours.
 *
 * @throws {S3Error} `InvalidRequest` for a client's key, or another method, where the rule rejects it
 */
export const demandedKeys = (
  permission: Permission,
  ours: Keys | undefined,
  wish: Wish,
): Keys | undefined => {
  if (permission.kind !== 'encrypt') return undefined
  const { effect, rule } = permission
  if (wish.isOther && effect.conflicts === 'reject') {
    throw new S3Error(
      'InvalidRequest',
      `Rule '${rule}' encrypts with customer keys and refuses another server-side encryption. Send the request without it.`,
    )
  }
  if (wish.key === undefined) return ours
  if (effect.clientKeys === 'accept') return [wish.key]
  throw new S3Error(
    'InvalidRequest',
    `This request brings its own SSE-C key, which rule '${rule}' does not accept. Send it without; the proxy supplies the key.`,
  )
}

/** Whether a document says that what it speaks of was encrypted with `key`; B2 does not show the key's MD5 in all of them. */
export const confirmsKey = (document: Fields, key: CustomerKey): boolean => {
  const shown = fieldsOf(document['serverSideEncryption'])
  const md5 = textOf(shown, 'customerKeyMd5')
  return isCustomerKey(document) && (md5 === undefined || md5 === key.md5)
}

/** Whether a document says that what it speaks of is encrypted with some customer key. */
export const isCustomerKey = (document: Fields): boolean => {
  const { mode, algorithm } = fieldsOf(document['serverSideEncryption'])
  return mode === 'SSE-C' && algorithm === 'AES256'
}

/** Whether an answer's headers say that `key` encrypted what it brings. */
export const echoesKey = (headers: Headers, key: CustomerKey): boolean =>
  headers.get(ALGORITHM) === 'AES256' && headers.get(MD5) === key.md5
