import { resolve } from 'node:path'
import { KeyProviderError } from '../../keys/providers/provider.ts'
import { encodePath } from '../../keys/providers/vault/http.ts'
import {
  createVaultSession,
  type VaultAuth,
  type VaultConnection,
  type VaultData,
} from '../../keys/providers/vault/session.ts'
import { Secret } from '../../s3/secret.ts'
import type { Path } from '../../yaml/fault.ts'
import { originOf } from '../checks/upstreams.ts'
import type { Part } from '../parts.ts'
import type { VaultRef } from '../schema/secrets.ts'
import type { VaultPlace } from '../schema/vault.ts'
import { type ReadField, readCertificates, readSecret, type Sources } from '../sources.ts'

const vaultAuth = async (
  sources: Sources,
  path: Path,
  auth: VaultPlace['auth'],
): Promise<VaultAuth | undefined> => {
  if ('token' in auth) {
    const token = await readSecret(sources, [...path, 'token'], auth.token)
    return token && { kind: 'token', token }
  }
  if ('appRole' in auth) {
    const { mount, roleId, secretId: ref } = auth.appRole
    const secretId = await readSecret(sources, [...path, 'appRole', 'secretId'], ref)
    return secretId && { kind: 'appRole', mount, roleId, secretId }
  }
  const { mount, role, tokenFile } = auth.kubernetes
  return { kind: 'kubernetes', mount, role, jwtFile: resolve(sources.folder, tokenFile) }
}

/** How a vault is reached; undefined where what it takes cannot be had, which is reported. */
export const vaultConnection = async (
  sources: Sources,
  path: Path,
  { address, namespace, timeout, ...place }: VaultPlace,
): Promise<VaultConnection | undefined> => {
  const auth = await vaultAuth(sources, [...path, 'auth'], place.auth)
  const ca = place.ca && (await readCertificates(sources, [...path, 'ca'], place.ca))
  return auth && { address: originOf(address), namespace, ca, auth, timeout }
}

/** Reads each secret once, whatever number of its fields is asked for. */
const createReadSecret = (connection: VaultConnection) => {
  // They are read within moments of each other, so no token ends meanwhile.
  const session = createVaultSession(connection, () => new Date(0))
  const known = new Map<string, Promise<VaultData>>()
  return ({ mount, path }: VaultRef): Promise<VaultData> => {
    const call = `${encodePath(mount)}/data/${encodePath(path)}`
    const reading = known.get(call) ?? session.call('GET', call)
    known.set(call, reading)
    return reading
  }
}

const fieldOf = (secret: VaultData, field: string): Secret<string> | undefined => {
  const data = secret?.['data']
  const value = typeof data === 'object' && data !== null ? Object.entries(data) : []
  const [, text] = value.find(([name]) => name === field) ?? []
  return typeof text === 'string' && text !== '' ? new Secret(text) : undefined
}

/** Of a configuration without a vault, or whose vault cannot be used: that is reported elsewhere. */
const nowhere =
  (sources: Pick<Sources, 'report'>, isNamed: boolean): ReadField =>
  async path => {
    const message =
      'names a secret of a vault, and there is none. Add vault: {address: ..., auth: ...}.'
    if (!isNamed) sources.report({ path, message })
    return undefined
  }

/** What the vault itself is opened with cannot lie in it. */
const inside =
  (sources: Pick<Sources, 'report'>): ReadField =>
  async path => {
    const message = 'lies in the vault that it opens. Say {env: NAME} or {file: path}.'
    sources.report({ path, message })
    return undefined
  }

/** A way to read secrets from the vault of the configuration. What cannot be had is reported where it is named. */
export const createReadField = async (
  sources: Omit<Sources, 'readField'>,
  [part]: readonly Part<VaultPlace>[],
): Promise<ReadField> => {
  const outside = { ...sources, readField: inside(sources) }
  const connection = part?.whole && (await vaultConnection(outside, part.path, part.whole))
  if (connection === undefined) return nowhere(sources, part !== undefined)
  const read = createReadSecret(connection)
  return async (path, ref) => {
    try {
      const found = fieldOf(await read(ref), ref.field)
      const message = 'names a secret, or a field of it, that the vault does not have.'
      if (found === undefined) sources.report({ path, message })
      return found
    } catch (error) {
      if (!(error instanceof KeyProviderError)) throw error
      sources.report({ path, message: `cannot be read. ${error.message}` })
      return undefined
    }
  }
}
