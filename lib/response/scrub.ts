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

/** A provider's error document less what it tells of the signature, and of any key that was sent. */
export const scrubDocument = (document: string, keys: readonly CustomerKey[]): string =>
  scrubText(document.replace(TELLTALE, ''), keys)

/** Characters of 32 bytes in base64url, the shortest way to spell a key. */
const SHORTEST = 43

/** A text less any of the keys, however a provider echoes them. */
export const scrubText = (text: string, keys: readonly CustomerKey[]): string =>
  text.length < SHORTEST
    ? text
    : keys
        .flatMap(key => key.spellings().expose())
        .reduce((rest, spelling) => rest.replaceAll(spelling, '[secret]'), text)
