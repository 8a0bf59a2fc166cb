import { generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto'

/** PEM texts. The certificate vouches for itself. */
export interface Certificate {
  readonly cert: string
  readonly key: string
}

// X.690: tag, length, content.
const der = (tag: number, ...contents: readonly Buffer[]): Buffer => {
  const content = Buffer.concat(contents)
  const length =
    content.length < 128
      ? [content.length]
      : content.length < 256
        ? [0x81, content.length]
        : [0x82, content.length >> 8, content.length & 255]
  return Buffer.concat([Buffer.from([tag, ...length]), content])
}
const sequence = (...contents: readonly Buffer[]): Buffer => der(0x30, ...contents)
const octets = (content: Buffer): Buffer => der(0x04, content)
const bits = (content: Buffer): Buffer => der(0x03, Buffer.from([0]), content)
const hex = (text: string): Buffer => Buffer.from(text, 'hex')

const ECDSA_WITH_SHA256 = sequence(der(0x06, hex('2a8648ce3d040302')))
const COMMON_NAME = der(0x06, hex('550403'))
const SUBJECT_ALT_NAME = der(0x06, hex('551d11'))
const BASIC_CONSTRAINTS = der(0x06, hex('551d13'))
const TRUE = der(0x01, hex('ff'))

const nameOf = (text: string): Buffer =>
  sequence(der(0x31, sequence(COMMON_NAME, der(0x0c, Buffer.from(text)))))

const utcTime = (text: string): Buffer => der(0x17, Buffer.from(text))

const alternativeOf = (name: string): Buffer =>
  /^[\d.]+$/.test(name)
    ? der(0x87, Buffer.from(name.split('.').map(Number)))
    : der(0x82, Buffer.from(name))

// RFC 5280 §4.1
const toBeSigned = (names: readonly string[], publicKey: KeyObject): Buffer => {
  const name = nameOf(names[0] ?? '')
  const alternatives = sequence(...names.map(alternativeOf))
  return sequence(
    der(0xa0, der(0x02, hex('02'))),
    der(0x02, Buffer.concat([hex('01'), randomBytes(8)])),
    ECDSA_WITH_SHA256,
    name,
    sequence(utcTime('200101000000Z'), utcTime('491231235959Z')),
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
    der(
      0xa3,
      sequence(
        sequence(SUBJECT_ALT_NAME, octets(alternatives)),
        sequence(BASIC_CONSTRAINTS, TRUE, octets(sequence(TRUE))),
      ),
    ),
  )
}

const pemOf = (certificate: Buffer): string =>
  `-----BEGIN CERTIFICATE-----\n${certificate.toString('base64')}\n-----END CERTIFICATE-----\n`

/** Makes a P-256 certificate for host names and IPv4 addresses, so that no key lies in the repository. */
export const createCertificate = (...names: readonly string[]): Certificate => {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const signed = toBeSigned(names, publicKey)
  const signature = sign('sha256', signed, privateKey)
  return {
    cert: pemOf(sequence(signed, ECDSA_WITH_SHA256, bits(signature))),
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  }
}
