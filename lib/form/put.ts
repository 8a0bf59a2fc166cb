import { validateHeaderName, validateHeaderValue } from 'node:http'
import type { Address } from '../s3/address.ts'
import { S3Error } from '../s3/error.ts'
import type { Headers } from '../s3/headers.ts'
import { taggingHeader } from '../s3/tagging.ts'
import type { Form } from './form.ts'

/** The PutObject that a form comes to. */
export interface FormPut {
  readonly address: Extract<Address, { level: 'object' }>
  readonly headers: Headers
}

/**
 * Writes a form as the head of a PutObject.
 *
 * @throws {S3Error} `InvalidArgument` without an object key, or for a field that cannot be a header; `MalformedXML` for
 *   tags; `InvalidToken`; `NotImplemented` for a field that asks for something that the proxy does not know
 */
export const toPut = (form: Form): FormPut => ({
  address: { level: 'object', bucket: form.bucket, objectKey: objectKeyOf(form) },
  headers: new Map([
    ...ofHop(form),
    ...[...form.fields].flatMap(([name, value]) => toHeader(name, value)),
    ['content-length', String(form.length)],
  ]),
})

const objectKeyOf = ({ fields }: Form): string => {
  const objectKey = fields.get('key')
  if (objectKey === undefined) throw missingField('key')
  if (objectKey !== '') return objectKey
  throw new S3Error('InvalidArgument', 'User key must have a length greater than 0.')
}

/** The error for a field that a form must have. */
export const missingField = (name: string): S3Error =>
  new S3Error(
    'InvalidArgument',
    `Bucket POST must contain a field named '${name}'.  If it is specified, please check the order of the fields.`,
    { details: { ArgumentName: name, ArgumentValue: '' } },
  )

/** What a provider needs for CORS, or its bucket's policy may ask about. All else that counts stands in the fields. */
const OF_HOP = ['origin', 'referer', 'user-agent']

const ofHop = ({ request: { headers } }: Form): readonly (readonly [string, string])[] =>
  OF_HOP.flatMap(name => {
    const value = headers.get(name)
    return value === undefined ? [] : [[name, value] as const]
  })

const HEADERS = new Set([
  'cache-control',
  'content-disposition',
  'content-encoding',
  'content-language',
  'content-md5',
  'content-type',
  'expires',
  'x-amz-acl',
  'x-amz-expected-bucket-owner',
  'x-amz-request-payer',
  'x-amz-sdk-checksum-algorithm',
  'x-amz-storage-class',
  'x-amz-website-redirect-location',
])
const FAMILIES = [
  'x-amz-checksum-',
  'x-amz-grant-',
  'x-amz-meta-',
  'x-amz-object-lock-',
  'x-amz-server-side-encryption',
]
const isHeader = (name: string): boolean =>
  HEADERS.has(name) || FAMILIES.some(family => name.startsWith(family))

/** Fields of the signature, which was judged. */
const SIGNATURE = new Set(['x-amz-algorithm', 'x-amz-credential', 'x-amz-date', 'x-amz-signature'])

type Entries = readonly (readonly [name: string, value: string])[]

const toHeader = (name: string, value: string): Entries => {
  // An input that was left empty says nothing; metadata may be empty.
  if (value === '' && !name.startsWith('x-amz-meta-')) return []
  if (name === 'acl') return header('x-amz-acl', value)
  if (name === 'tagging') return header('x-amz-tagging', tagsOf(value))
  if (isHeader(name)) return header(name, value)
  if (name === 'x-amz-security-token') throw new S3Error('InvalidToken')
  if (!name.startsWith('x-amz-') || SIGNATURE.has(name)) return []
  throw new S3Error('NotImplemented', `The form field '${name}' is not implemented by this proxy.`)
}

const header = (name: string, value: string): Entries => {
  const binary = Buffer.from(value).toString('latin1')
  try {
    validateHeaderName(name)
    validateHeaderValue(name, binary)
  } catch (cause) {
    throw new S3Error('InvalidArgument', 'A form field is not valid as a header.', { cause })
  }
  return [[name, binary]]
}

const tagsOf = (xml: string): string => {
  if (/^\s*(?:<\?xml[^>]*\?>\s*)?<Tagging[\s>]/.test(xml)) return taggingHeader(xml)
  throw new S3Error('MalformedXML')
}
