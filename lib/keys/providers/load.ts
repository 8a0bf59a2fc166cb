import type { Derive } from '../derive.ts'
import { createKeyring, type Keyring } from '../keyring.ts'
import { readKeyringVariable } from './env.ts'
import { createExecProvider, type ExecSource } from './exec.ts'
import { type Readers, readKeyringFile } from './file.ts'
import type { KeyProvider } from './provider.ts'
import { createKvProvider, type KvPlace } from './vault/kv.ts'
import { createVaultSession, type VaultConnection } from './vault/session.ts'

/** How long what was fetched may be used. */
export interface Refresh {
  /** Milliseconds after which a keyring is fetched anew. */
  readonly ttl: number
  /** Milliseconds beyond that for which it serves while it cannot be fetched. */
  readonly grace: number
}

/** Which key provider has a keyring, and under what name there. */
export type KeyringSource = {
  /** How customer keys are made of the versions that do not say it themselves. */
  readonly derive: Derive
} & (
  | { readonly kind: 'file'; readonly path: string; readonly readableFor: Readers }
  /** Environment variable with the keyring document, or with one base64 key. */
  | { readonly kind: 'env'; readonly variable: string }
  | ({ readonly kind: 'exec'; readonly refresh: Refresh } & ExecSource)
  | ({
      readonly kind: 'vault'
      readonly refresh: Refresh
      readonly connection: VaultConnection
    } & KvPlace)
)

/** A keyring's provider, and when to ask it again; a file's change is told by others. */
export interface Fetching {
  readonly provider: KeyProvider
  readonly derive: Derive
  readonly refresh: Refresh | undefined
}

/** What a provider takes from its surroundings. */
export interface Surroundings {
  readonly env: NodeJS.ProcessEnv
  readonly now: () => Date
}

const providerOf = (source: KeyringSource, { env, now }: Surroundings): KeyProvider => {
  switch (source.kind) {
    case 'file':
      return { fetch: () => readKeyringFile(source.path, source.readableFor) }
    case 'env':
      return { fetch: async () => readKeyringVariable(source.variable, env) }
    case 'exec':
      return createExecProvider(source, env)
    case 'vault':
      return createKvProvider(createVaultSession(source.connection, now), source)
  }
}

/** Makes ready to fetch a keyring. */
export const fetchingOf = (source: KeyringSource, surroundings: Surroundings): Fetching => ({
  provider: providerOf(source, surroundings),
  derive: source.derive,
  refresh: 'refresh' in source ? source.refresh : undefined,
})

/**
 * Fetches a keyring from its key provider, once.
 *
 * @throws {ConfigError} with every fault
 * @throws {KeyProviderError} when the provider cannot be reached, or refuses
 */
export const loadKeyring = async (
  name: string,
  source: KeyringSource,
  env: NodeJS.ProcessEnv,
  now: () => Date,
): Promise<Keyring> => {
  const { provider, derive } = fetchingOf(source, { env, now })
  return createKeyring(name, await provider.fetch(), derive)
}
