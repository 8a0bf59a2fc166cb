import { KeyProviderError } from '../provider.ts'
import { type Binding, type KeyWrapper, refusedFor } from '../wrapped.ts'
import { encodePath } from './http.ts'
import type { VaultData, VaultSession } from './session.ts'

/** A key of a Transit engine. */
export interface TransitKey {
  readonly mount: string
  readonly keyName: string
}

/** Of what the wrapping key is derived, so that no binding's key comes out under another one. */
const contextOf = ({ keyring, version }: Binding): string =>
  Buffer.from(`ssec-proxy\0${keyring}\0${version}`).toString('base64')

const textOf = (data: VaultData, field: string): string => {
  const value = data?.[field]
  if (typeof value === 'string') return value
  throw new KeyProviderError(`Vault gave no ${field}.`)
}

/**
 * Has the Transit engine of a Vault or OpenBao wrap the keys of a keyring.
 * https://developer.hashicorp.com/vault/api-docs/secret/transit
 */
export const createTransitWrapper = (
  session: VaultSession,
  { mount, keyName }: TransitKey,
): KeyWrapper => {
  const post = (action: string, body: unknown): Promise<VaultData> =>
    session.call('POST', `${encodePath(mount)}/${action}/${encodePath(keyName)}`, body)
  /** A key that derives nothing takes any context, and so would bind a wrapped key to nothing. */
  const checkDerived = async (): Promise<void> => {
    const key = await session.call('GET', `${encodePath(mount)}/keys/${encodePath(keyName)}`)
    if (key?.['derived'] === true) return
    throw new KeyProviderError(
      `The Transit key ${mount}/${keyName} is not there, or not a derived one. Make one: vault write ${mount}/keys/${keyName} derived=true`,
    )
  }
  return {
    generate: async binding => {
      await checkDerived()
      const body = { context: contextOf(binding), bits: 256 }
      return textOf(await post('datakey/wrapped', body), 'ciphertext')
    },
    wrap: async (key, binding) => {
      await checkDerived()
      const body = { context: contextOf(binding), plaintext: key.toString('base64') }
      return textOf(await post('encrypt', body), 'ciphertext')
    },
    unwrap: async (wrapped, binding) => {
      const body = { context: contextOf(binding), ciphertext: wrapped }
      const data = await post('decrypt', body).catch((error: unknown) => {
        throw refusedFor(binding, error)
      })
      return Buffer.from(textOf(data, 'plaintext'), 'base64')
    },
  }
}
