import { hash } from 'node:crypto'

/** The digest that every provider wants: base64 of the 16 bytes of the MD5 of the key's 32 bytes. */
export const keyMd5 = (key: Buffer): string => hash('md5', key, 'base64')

/** How the digest is made right; AWS's own words leave it open. */
export const MD5_RULE =
  'The key MD5 is the base64 of the 16-byte MD5 of the 32 bytes of the key, as `base64 -d | openssl md5 -binary | base64` makes it of the base64 key. It is not optional.'

const base64 = (text: string): string => Buffer.from(text).toString('base64')

/** A way to get the digest wrong that is known from somewhere, and how to tell it. */
interface Mistake {
  readonly what: string
  readonly md5s: (key: string, bytes: Buffer) => readonly string[]
}

const MISTAKES: readonly Mistake[] = [
  {
    // https://docs.ovh.com/gb/en/storage/object-storage/s3/encrypt-your-objects-with-sse-c/
    what: "What was sent is the hex MD5 of the base64 text and a newline, in base64, as OVHcloud's guide computes it.",
    md5s: key => {
      const hex = hash('md5', `${key}\n`, 'hex')
      return [base64(`${hex}\n`), base64(hex)]
    },
  },
  {
    what: 'What was sent is the MD5 of the base64 text, not of the bytes that it stands for.',
    md5s: key => [hash('md5', key, 'base64'), hash('md5', `${key}\n`, 'base64')],
  },
  {
    what: 'What was sent is the right MD5 in hex.',
    md5s: (_, bytes) => {
      const hex = hash('md5', bytes, 'hex')
      return [hex, base64(hex), base64(`${hex}\n`)]
    },
  },
]

const TWICE = /^[A-Za-z0-9+/]{43}=$/

/** AWS's words for a key that is none, and, where it is known, what was done wrong. */
export const keyFault = (bytes: Buffer): string => {
  const words = 'The secret key was invalid for the specified algorithm.'
  return TWICE.test(bytes.toString('latin1'))
    ? `${words} What was sent is in base64 twice: awscli and the SDKs encode the key themselves where they are given no MD5, so give them its 32 bytes (fileb://).`
    : words
}

/** AWS's words for a digest that is not the key's, and, where it is known, what was done wrong. */
export const md5Fault = (key: string, bytes: Buffer, given: string): string => {
  const mistake = MISTAKES.find(({ md5s }) => md5s(key, bytes).includes(given))
  const words = 'The calculated MD5 hash of the key did not match the hash that was provided.'
  return mistake === undefined ? words : `${words} ${mistake.what} ${MD5_RULE}`
}
