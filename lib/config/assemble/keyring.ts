import { resolve } from 'node:path'
import { type KeyringSource, loadKeyring } from '../../keys/providers/load.ts'
import { ConfigError, type Fault } from '../../yaml/fault.ts'
import type { NamedPart } from '../parts.ts'
import type { KeyringShape } from '../schema/keyring.ts'
import type { Sources } from '../sources.ts'

/** Where a keyring is to be fetched. */
export const keyringSource = ({ folder }: Sources, keyring: KeyringShape): KeyringSource => {
  switch (keyring.provider) {
    case 'file':
      return {
        kind: 'file',
        path: resolve(folder, keyring.path),
        readableFor: keyring.readableFor,
        derive: keyring.derive,
      }
    case 'env':
      return { kind: 'env', variable: keyring.variable, derive: keyring.derive }
  }
}

const faultsOf = async (
  name: string,
  source: KeyringSource,
  env: NodeJS.ProcessEnv,
): Promise<readonly Fault[]> => {
  try {
    await loadKeyring(name, source, env)
    return []
  } catch (error) {
    if (error instanceof ConfigError) return error.faults
    throw error
  }
}

/**
 * Fetches a keyring once, to see whether it can be.
 *
 * What is wrong with the whole of it is reported at the option that names it.
 *
 * @returns what is wrong inside it
 */
export const checkKeyring = async (
  sources: Sources,
  { name, path, whole }: NamedPart<KeyringShape>,
): Promise<readonly Fault[]> => {
  if (whole === undefined) return []
  const source = keyringSource(sources, whole)
  if (source.kind === 'file') sources.onFile(source.path)
  const faults = await faultsOf(name, source, sources.env)
  for (const { line, message } of faults) {
    if (line !== undefined) continue
    const option = source.kind === 'file' ? 'path' : 'variable'
    sources.report({ path: [...path, option], message: `names a keyring that ${message}` })
  }
  return faults.filter(({ line }) => line !== undefined)
}
