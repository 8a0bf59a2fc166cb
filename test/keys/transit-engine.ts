import { createCipheriv, createDecipheriv, createHmac, randomBytes } from 'node:crypto'

type Fields = Readonly<Record<string, unknown>>
type Reply = readonly [status: number, body: unknown]

const NONCE = 12
const TAG = 16

const bytesOf = (value: unknown): Buffer => Buffer.from(String(value ?? ''), 'base64')

/**
 * A stub of a Transit engine with a derived key `ssec` and a plain one, `plain`. It is written after the API's pages
 * (https://developer.hashicorp.com/vault/api-docs/secret/transit); test/real tries the engine itself.
 */
export const createTransitEngine = () => {
  const master = randomBytes(32)
  // As Vault does: a key that derives nothing takes any context.
  const keyOf = (name: string, context: unknown): Buffer =>
    name === 'ssec' ? createHmac('sha256', master).update(bytesOf(context)).digest() : master
  const encrypt = (name: string, fields: Fields, key: Buffer): Reply => {
    const nonce = randomBytes(NONCE)
    const cipher = createCipheriv('aes-256-gcm', keyOf(name, fields['context']), nonce)
    const sealed = Buffer.concat([nonce, cipher.update(key), cipher.final(), cipher.getAuthTag()])
    return [200, { data: { ciphertext: `vault:v1:${sealed.toString('base64')}` } }]
  }
  const decrypt = (name: string, fields: Fields): Reply => {
    const sealed = bytesOf(String(fields['ciphertext']).replace('vault:v1:', ''))
    const key = keyOf(name, fields['context'])
    const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, NONCE))
    decipher.setAuthTag(sealed.subarray(-TAG))
    try {
      const plain = [decipher.update(sealed.subarray(NONCE, -TAG)), decipher.final()]
      return [200, { data: { plaintext: Buffer.concat(plain).toString('base64') } }]
    } catch {
      return [400, { errors: ['cipher: message authentication failed'] }]
    }
  }
  /** Answers a call, such as `POST /v1/transit/decrypt/ssec`; undefined for one that is not for it. */
  return (call: string, fields: Fields): Reply | undefined => {
    const [, action, name = ''] =
      /^(?:GET|POST) \/v1\/transit\/(.*)\/(ssec|plain)$/.exec(call) ?? []
    switch (action) {
      case 'keys':
        return [200, { data: { derived: name === 'ssec', type: 'aes256-gcm96' } }]
      case 'datakey/wrapped':
        return encrypt(name, fields, randomBytes(Number(fields['bits']) / 8))
      case 'encrypt':
        return encrypt(name, fields, bytesOf(fields['plaintext']))
      case 'decrypt':
        return decrypt(name, fields)
      default:
        return undefined
    }
  }
}
