import type { Permission } from '../policy/decide.ts'
import { S3Error } from '../s3/error.ts'
import type { Wish } from './encryption.ts'
import { type Fields, fieldsOf } from './fields.ts'

/** The header that asks for B2's own method. https://www.backblaze.com/apidocs/b2-upload-file */
export const METHOD_HEADERS: readonly (readonly [string, string])[] = [
  ['x-bz-server-side-encryption', 'AES256'],
]

/** The field that asks for it. https://www.backblaze.com/apidocs/b2-start-large-file */
export const METHOD_FIELD: Fields = { mode: 'SSE-B2', algorithm: 'AES256' }

/**
 * Whether a rule has SSE-B2 encrypt what a request writes.
 *
 * @throws {S3Error} `NotImplemented` for SSE-KMS, which B2 does not have; `InvalidRequest` for a client's own key, since one
 * file has one method, and for a method of its own where the rule rejects that
 */
export const demandsMethod = (permission: Permission, wish: Wish): boolean => {
  if (permission.kind !== 'provider') return false
  const { effect, rule } = permission
  if (effect.method.sse !== 's3')
    throw new S3Error('NotImplemented', `Rule '${rule}' demands SSE-KMS, which B2 does not have.`)
  if (wish.key !== undefined) {
    const message = `This request brings an SSE-C key, and rule '${rule}' encrypts with B2's own method. Send it without.`
    throw new S3Error('InvalidRequest', message)
  }
  if (wish.isOther && effect.conflicts === 'reject') {
    const message = `Rule '${rule}' decides how files are encrypted. Send the request without a method of its own.`
    throw new S3Error('InvalidRequest', message)
  }
  return true
}

/** Whether a document says that what it speaks of was encrypted with SSE-B2. */
export const confirmsMethod = (document: Fields): boolean => {
  const { mode, algorithm } = fieldsOf(document['serverSideEncryption'])
  return mode === 'SSE-B2' && algorithm === 'AES256'
}

/** Whether a document says that what it speaks of is not encrypted at all. */
export const isPlain = (document: Fields): boolean => {
  const { mode } = fieldsOf(document['serverSideEncryption'])
  return mode !== 'SSE-C' && mode !== 'SSE-B2'
}

/** A bucket's default, as a rule demands it for what a client makes of it; the fields as they are where no rule does. */
export const withDefaultMethod = (
  permission: Permission,
  fields: Fields,
  isNew: boolean,
): Fields => {
  const name = 'defaultServerSideEncryption'
  const isSaid = fields[name] !== undefined && fields[name] !== null
  if (!isNew && !isSaid) return fields
  const wish = { key: undefined, isOther: false }
  return demandsMethod(permission, wish) ? { ...fields, [name]: METHOD_FIELD } : fields
}
