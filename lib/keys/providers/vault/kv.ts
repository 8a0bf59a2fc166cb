import type { KeyVersion } from '../../keyring.ts'
import { parseKeyring } from '../document.ts'
import { type KeyProvider, KeyProviderError } from '../provider.ts'
import { encodePath } from './http.ts'
import type { VaultData, VaultSession } from './session.ts'

/** A secret of a KV version 2 engine, whose every version holds one key: `{ key: <base64>, derive? }`. */
export interface KvPlace {
  readonly mount: string
  readonly path: string
}

interface Metadata {
  /** Numbers of the versions that can be read, newest first, with when they were made. */
  readonly versions: readonly (readonly [version: number, createdAt: string])[]
  readonly current: number
  /** Versions that are kept; older ones are destroyed. */
  readonly kept: number
}

/** What an engine and a secret keep that say nothing. https://developer.hashicorp.com/vault/api-docs/secret/kv/kv-v2 */
const KEPT_BY_DEFAULT = 10

const isReadable = (state: unknown): state is { readonly created_time: string } =>
  typeof state === 'object' &&
  state !== null &&
  'created_time' in state &&
  typeof state.created_time === 'string' &&
  'destroyed' in state &&
  state.destroyed === false &&
  'deletion_time' in state &&
  state.deletion_time === ''

const numberOf = (value: unknown): number => (typeof value === 'number' ? value : 0)

const metadataOf = (data: VaultData): Metadata => {
  const { versions, current_version: current, max_versions: kept } = data ?? {}
  const states = typeof versions === 'object' && versions !== null ? Object.entries(versions) : []
  return {
    versions: states
      .flatMap(([number, state]) =>
        isReadable(state) ? [[Number(number), state.created_time] as const] : [],
      )
      .toSorted(([a], [b]) => b - a),
    current: numberOf(current),
    kept: numberOf(kept) || KEPT_BY_DEFAULT,
  }
}

type What = 'data' | 'metadata' | 'delete' | 'undelete'

const addressOf = ({ mount, path }: KvPlace, what: What): string =>
  `${encodePath(mount)}/${what}/${encodePath(path)}`

/** A keyring in Vault or OpenBao: version 3 of the secret is version `v3` of the keyring. */
export const createKvProvider = (session: VaultSession, place: KvPlace): KeyProvider => {
  // A version of a secret never changes, so each is fetched once.
  const fetched = new Map<number, KeyVersion>()
  const fetchVersion = async (number: number, createdAt: string): Promise<KeyVersion> => {
    const known = fetched.get(number)
    if (known !== undefined) return known
    const answer = await session.call('GET', `${addressOf(place, 'data')}?version=${number}`)
    const data = answer?.['data']
    const fields = typeof data === 'object' && data !== null ? data : {}
    const version = { ...fields, id: `v${number}`, createdAt }
    const label = `Vault ${place.mount}/${place.path} version ${number}`
    const [parsed] = parseKeyring(label, JSON.stringify({ versions: [version] }))
    if (parsed === undefined) throw new KeyProviderError(`${label} holds no key.`)
    fetched.set(number, parsed)
    return parsed
  }
  return {
    fetch: async () => {
      const { versions } = metadataOf(await session.call('GET', addressOf(place, 'metadata')))
      if (versions.length === 0) {
        throw new KeyProviderError(`Vault has no key at ${place.mount}/${place.path}.`)
      }
      for (const number of fetched.keys()) {
        if (!versions.some(([each]) => each === number)) fetched.delete(number)
      }
      return Promise.all(versions.map(([number, createdAt]) => fetchVersion(number, createdAt)))
    },
  }
}

/**
 * Writes a key as the next version of the secret, if nobody else was faster.
 *
 * @returns the id of the version in the keyring
 * @throws {KeyProviderError} also when the engine would destroy the oldest key for it
 */
export const addKvVersion = async (
  session: VaultSession,
  place: KvPlace,
  version: { readonly key: string; readonly derive?: string },
): Promise<string> => {
  const { current, kept } = metadataOf(await session.call('GET', addressOf(place, 'metadata')))
  if (current >= kept) {
    throw new KeyProviderError(
      `Vault keeps ${kept} versions of ${place.mount}/${place.path}, and would destroy the oldest key, with all that it encrypts. ` +
        `Allow more first: vault kv metadata put -mount=${place.mount} -max-versions=1000 ${place.path}`,
    )
  }
  const answer = await session.call('POST', addressOf(place, 'data'), {
    options: { cas: current },
    data: version,
  })
  return `v${numberOf(answer?.['version'])}`
}

/** Deletes a version of the secret, or brings it back. A deleted one is kept; only `destroy` would end it, which is never asked. */
export const setKvVersionDeleted = async (
  session: VaultSession,
  place: KvPlace,
  version: number,
  isDeleted: boolean,
): Promise<void> => {
  const path = addressOf(place, isDeleted ? 'delete' : 'undelete')
  await session.call('POST', path, { versions: [version] })
}
