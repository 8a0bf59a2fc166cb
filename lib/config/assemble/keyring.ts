import { resolve } from 'node:path'
import { readKeyringVariable } from '../../keys/providers/env.ts'
import { readKeyringFile } from '../../keys/providers/file.ts'
import { isWrapped, type KeyringSource, type WrappedSource } from '../../keys/providers/load.ts'
import { readWrappedFile } from '../../keys/providers/wrapped-file.ts'
import { ConfigError, type Fault, type Path } from '../../yaml/fault.ts'
import type { NamedPart } from '../parts.ts'
import type { KeyringShape } from '../schema/keyring.ts'
import type { Sources } from '../sources.ts'
import { kmsSource, secretSource } from './aws.ts'
import { vaultConnection } from './vault.ts'

type VaultShape = Extract<KeyringShape, { provider: 'vault' | 'vaultTransit' }>

const vaultSource = async (
  sources: Sources,
  path: Path,
  keyring: VaultShape,
): Promise<KeyringSource | undefined> => {
  const connection = await vaultConnection(sources, path, keyring)
  if (connection === undefined) return undefined
  const { ttl, grace, mount, derive } = keyring
  const shared = { connection, mount, refresh: { ttl, grace }, derive }
  if (keyring.provider === 'vault') return { kind: 'vault', path: keyring.path, ...shared }
  const file = resolve(sources.folder, keyring.path)
  return { kind: 'vaultTransit', path: file, keyName: keyring.keyName, ...shared }
}

/** Where a keyring is to be fetched; undefined where a secret for it cannot be had, which is reported. */
export const keyringSource = async (
  sources: Sources,
  path: Path,
  keyring: KeyringShape,
): Promise<KeyringSource | undefined> => {
  const { derive } = keyring
  switch (keyring.provider) {
    case 'file': {
      const { path: file, readableFor } = keyring
      return { kind: 'file', path: resolve(sources.folder, file), readableFor, derive }
    }
    case 'env':
      return { kind: 'env', variable: keyring.variable, derive }
    case 'exec': {
      const [program = '', ...args] = keyring.command
      const { pass, timeout, ttl, grace } = keyring
      const command = [resolve(sources.folder, program), ...args] as const
      return { kind: 'exec', command: [...command], pass, timeout, refresh: { ttl, grace }, derive }
    }
    case 'awsKms':
      return kmsSource(sources, path, keyring)
    case 'awsSecretsManager':
      return secretSource(sources, path, keyring)
    case 'vault':
    case 'vaultTransit':
      return vaultSource(sources, path, keyring)
  }
}

/** Makes the sources of all keyrings that are well-formed. */
export const keyringSources = async (
  sources: Sources,
  parts: readonly NamedPart<KeyringShape>[],
): Promise<ReadonlyMap<string, KeyringSource>> => {
  const made = await Promise.all(
    parts.map(async ({ name, path, whole }) => {
      const source = whole && (await keyringSource(sources, path, whole))
      return source === undefined ? [] : [[name, source] as const]
    }),
  )
  return new Map(made.flat())
}

type LocalSource = Extract<KeyringSource, { kind: 'file' | 'env' }> | WrappedSource

const isLocal = (source: KeyringSource | undefined): source is LocalSource =>
  source !== undefined && (source.kind === 'file' || source.kind === 'env' || isWrapped(source))

const read = (source: LocalSource, env: NodeJS.ProcessEnv) => {
  switch (source.kind) {
    case 'file':
      return readKeyringFile(source.path, source.readableFor)
    case 'env':
      return readKeyringVariable(source.variable, env)
    case 'awsKms':
    case 'vaultTransit':
      return readWrappedFile(source.path)
  }
}

const faultsOf = async (source: LocalSource, env: NodeJS.ProcessEnv): Promise<readonly Fault[]> => {
  try {
    await read(source, env)
    return []
  } catch (error) {
    if (error instanceof ConfigError) return error.faults
    throw error
  }
}

/**
 * Reads what this machine has of a keyring once, to see whether it can be. Vaults are not asked: a configuration can be
 * checked where they cannot be reached.
 *
 * What is wrong with the whole of it is reported at the option that names it.
 *
 * @returns what is wrong inside it
 */
export const checkKeyring = async (
  sources: Sources,
  { path }: NamedPart<KeyringShape>,
  source: KeyringSource | undefined,
): Promise<readonly Fault[]> => {
  if (!isLocal(source)) return []
  if (source.kind !== 'env') sources.onFile(source.path)
  const faults = await faultsOf(source, sources.env)
  for (const { line, message } of faults) {
    if (line !== undefined) continue
    const option = source.kind === 'env' ? 'variable' : 'path'
    sources.report({ path: [...path, option], message: `names a keyring that ${message}` })
  }
  return faults.filter(({ line }) => line !== undefined)
}
