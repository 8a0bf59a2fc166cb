import type { CustomerKey } from '../keys/customer-key.ts'

// AWS shows in a SignatureDoesNotMatch what it signed, the customer key's header among it.
// https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
const TELLTALES = [
  'AWSAccessKeyId',
  'CanonicalRequest',
  'CanonicalRequestBytes',
  'SignatureProvided',
  'StringToSign',
  'StringToSignBytes',
]
const TELLTALE = new RegExp(`<(${TELLTALES.join('|')})>[\\s\\S]*?</\\1>`, 'g')

const escapeRegExp = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')

/** A provider's error document less what it tells of the signature, and of any key that was sent. */
export const scrubDocument = (document: string, keys: readonly CustomerKey[]): string =>
  scrubText(document.replace(TELLTALE, ''), keys)

/** A text less any of the keys, however a provider echoes them. */
export const scrubText = (text: string, keys: readonly CustomerKey[]): string =>
  keys.reduce((rest, key) => rest.replace(forms(key), '[secret]'), text)

const forms = (key: CustomerKey): RegExp => {
  const base64 = key.base64.expose()
  const bytes = Buffer.from(base64, 'base64')
  const written = [
    base64,
    encodeURIComponent(base64),
    base64.replaceAll('+', '&#43;'),
    bytes.toString('base64url'),
    bytes.toString('hex'),
  ]
  return new RegExp(written.map(escapeRegExp).join('|'), 'gi')
}
