import { KeyProviderError } from '../provider.ts'
import { type Binding, type KeyWrapper, refusedFor } from '../wrapped.ts'
import { type AwsCall, AwsRefusal } from './call.ts'

/** The KMS keys of a keyring: each an id, an ARN, or an alias. */
export interface KmsKeys {
  /** Wraps new versions. */
  readonly keyId: string
  /** Those that wrapped versions before. No other key is believed: whoever can write the file could have used his own. */
  readonly olderKeyIds: readonly string[]
}

/** https://docs.aws.amazon.com/kms/latest/developerguide/encrypt_context.html */
const contextOf = ({ keyring, version }: Binding) => ({
  'ssec-proxy:keyring': keyring,
  'ssec-proxy:version': version,
})

const textOf = (fields: Readonly<Record<string, unknown>>, field: string): string => {
  const value = fields[field]
  if (typeof value === 'string') return value
  throw new KeyProviderError(`AWS KMS gave no ${field}.`)
}

/** What KMS, and what tests it, answer for a key that was wrapped by another one. */
const OTHER_KEY = ['IncorrectKeyException', 'AccessDeniedException']

const isOtherKey = (error: unknown): boolean =>
  error instanceof AwsRefusal && OTHER_KEY.includes(error.code)

/** Has AWS KMS wrap the keys of a keyring. */
export const createKmsWrapper = (call: AwsCall, { keyId, olderKeyIds }: KmsKeys): KeyWrapper => {
  const decrypt = async (wrapped: string, binding: Binding, KeyId: string): Promise<Buffer> => {
    const fields = { KeyId, CiphertextBlob: wrapped, EncryptionContext: contextOf(binding) }
    return Buffer.from(textOf(await call('Decrypt', fields), 'Plaintext'), 'base64')
  }
  /** By the first of the keys that wrapped it; the first refusal tells most when none did. */
  const unwrap = async (wrapped: string, binding: Binding): Promise<Buffer> => {
    let first: unknown
    for (const each of [keyId, ...olderKeyIds]) {
      try {
        return await decrypt(wrapped, binding, each)
      } catch (error) {
        first ??= error
        if (!isOtherKey(error)) throw refusedFor(binding, error)
      }
    }
    throw refusedFor(binding, first)
  }
  return {
    generate: async binding => {
      const fields = { KeyId: keyId, KeySpec: 'AES_256', EncryptionContext: contextOf(binding) }
      return textOf(await call('GenerateDataKeyWithoutPlaintext', fields), 'CiphertextBlob')
    },
    wrap: async (key, binding) => {
      const Plaintext = key.toString('base64')
      const fields = { KeyId: keyId, Plaintext, EncryptionContext: contextOf(binding) }
      return textOf(await call('Encrypt', fields), 'CiphertextBlob')
    },
    unwrap,
  }
}
