import type { Derive } from '../derive.ts'
import { createKeyring, type Keyring } from '../keyring.ts'
import type { AwsConnection } from './aws/call.ts'
import { createAwsCall } from './aws/call.ts'
import { createKmsWrapper, type KmsKeys } from './aws/kms.ts'
import { createSecretProvider, type SecretPlace } from './aws/secrets-manager.ts'
import { readKeyringVariable } from './env.ts'
import { createExecProvider, type ExecSource } from './exec.ts'
import { type Readers, readKeyringFile } from './file.ts'
import type { KeyProvider } from './provider.ts'
import { createKvProvider, type KvPlace } from './vault/kv.ts'
import { createVaultSession, type VaultConnection } from './vault/session.ts'
import { createTransitWrapper, type TransitKey } from './vault/transit.ts'
import { createWrappedProvider, type KeyWrapper } from './wrapped.ts'

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
      readonly kind: 'awsKms'
      readonly refresh: Refresh
      readonly connection: AwsConnection
      /** File of the wrapped keys. */
      readonly path: string
    } & KmsKeys)
  | ({
      readonly kind: 'awsSecretsManager'
      readonly refresh: Refresh
      readonly connection: AwsConnection
    } & SecretPlace)
  | ({
      readonly kind: 'vaultTransit'
      readonly refresh: Refresh
      readonly connection: VaultConnection
      /** File of the wrapped keys. */
      readonly path: string
    } & TransitKey)
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

/** Sources whose keys lie wrapped in a file. */
export type WrappedSource = Extract<KeyringSource, { kind: 'awsKms' | 'vaultTransit' }>

export const isWrapped = (source: KeyringSource): source is WrappedSource =>
  source.kind === 'awsKms' || source.kind === 'vaultTransit'

/** Who wraps the keys of a keyring. */
export const wrapperOf = (source: WrappedSource, { now }: Surroundings): KeyWrapper => {
  switch (source.kind) {
    case 'awsKms':
      return createKmsWrapper(createAwsCall('kms', source.connection, now), source)
    case 'vaultTransit':
      return createTransitWrapper(createVaultSession(source.connection, now), source)
  }
}

const providerOf = (
  name: string,
  source: KeyringSource,
  surroundings: Surroundings,
): KeyProvider => {
  const { env, now } = surroundings
  switch (source.kind) {
    case 'file':
      return { fetch: () => readKeyringFile(source.path, source.readableFor) }
    case 'env':
      return { fetch: async () => readKeyringVariable(source.variable, env) }
    case 'exec':
      return createExecProvider(source, env)
    case 'awsKms':
    case 'vaultTransit':
      return createWrappedProvider(wrapperOf(source, surroundings), name, source.path)
    case 'awsSecretsManager':
      return createSecretProvider(createAwsCall('secretsmanager', source.connection, now), source)
    case 'vault':
      return createKvProvider(createVaultSession(source.connection, now), source)
  }
}

/** Makes ready to fetch a keyring. */
export const fetchingOf = (
  name: string,
  source: KeyringSource,
  surroundings: Surroundings,
): Fetching => ({
  provider: providerOf(name, source, surroundings),
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
  const { provider, derive } = fetchingOf(name, source, { env, now })
  return createKeyring(name, await provider.fetch(), derive)
}
