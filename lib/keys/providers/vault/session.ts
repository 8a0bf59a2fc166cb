import { readFile } from 'node:fs/promises'
import type { Secret } from '../../../s3/secret.ts'
import { KeyProviderError } from '../provider.ts'
import { createVaultSend, encodePath, recordOf, refused, type VaultEndpoint } from './http.ts'

/** How the proxy shows a HashiCorp Vault or OpenBao who it is. `mount` is the auth method's. */
export type VaultAuth =
  | { readonly kind: 'token'; readonly token: Secret<string> }
  | {
      readonly kind: 'appRole'
      readonly mount: string
      readonly roleId: string
      readonly secretId: Secret<string>
    }
  | {
      readonly kind: 'kubernetes'
      readonly mount: string
      readonly role: string
      /** File of the service account's token. Kubernetes renews it, so each login reads it anew. */
      readonly jwtFile: string
    }

export interface VaultConnection extends VaultEndpoint {
  readonly auth: VaultAuth
}

/** A call's answer: its `data`, or undefined where there is nothing (404). */
export type VaultData = Readonly<Record<string, unknown>> | undefined

export interface VaultSession {
  /**
   * @param path after `/v1/`, each segment encoded
   * @throws {KeyProviderError}
   */
  call(method: 'GET' | 'POST', path: string, body?: unknown): Promise<VaultData>
}

interface Login {
  readonly token: string
  /** When the token ends, in milliseconds; Infinity when never. */
  readonly until: number
  /** Milliseconds that it was given for. */
  readonly lease: number
  readonly isRenewable: boolean
}

/** Speaks to one Vault or OpenBao, and keeps its token alive: renews it in the last third of its time, or logs in anew. */
export const createVaultSession = (
  connection: VaultConnection,
  now: () => Date,
  random: () => number = Math.random,
): VaultSession => {
  const { address, auth } = connection
  const send = createVaultSend(connection, random)

  const loginOf = (value: unknown): Login => {
    const { client_token, lease_duration, renewable } = recordOf(value)
    if (typeof client_token !== 'string') {
      throw new KeyProviderError(`Vault at ${address} gave no token at the login.`)
    }
    const lease = typeof lease_duration === 'number' ? lease_duration * 1000 : 0
    return {
      token: client_token,
      lease,
      until: lease === 0 ? Number.POSITIVE_INFINITY : now().getTime() + lease,
      isRenewable: renewable === true,
    }
  }

  const loginBy = async (mount: string, body: unknown): Promise<Login> => {
    const path = `auth/${encodePath(mount)}/login`
    const { status, value } = await send('POST', path, undefined, body)
    if (status !== 200) throw refused(address, status, `the login at ${path}`)
    return loginOf(value['auth'])
  }

  const logIn = async (): Promise<Login> => {
    switch (auth.kind) {
      case 'token': {
        const token = auth.token.expose()
        const { status, value } = await send('GET', 'auth/token/lookup-self', token)
        if (status !== 200) throw refused(address, status, 'the look-up of the token')
        const { ttl, renewable } = recordOf(value['data'])
        return loginOf({ client_token: token, lease_duration: ttl, renewable })
      }
      case 'appRole':
        return loginBy(auth.mount, { role_id: auth.roleId, secret_id: auth.secretId.expose() })
      case 'kubernetes': {
        const jwt = (await readToken(auth.jwtFile)).trim()
        return loginBy(auth.mount, { role: auth.role, jwt })
      }
    }
  }

  const renew = async (login: Login): Promise<Login> => {
    const { status, value } = await send('POST', 'auth/token/renew-self', login.token, {})
    return status === 200 ? loginOf(value['auth']) : logIn()
  }

  let current: Promise<Login> | undefined
  const loggedIn = async (): Promise<Login> => {
    current ??= logIn()
    try {
      const login = await current
      if (login.until - now().getTime() > login.lease / 3) return login
      current = login.isRenewable ? renew(login) : logIn()
      return await current
    } catch (error) {
      current = undefined
      throw error
    }
  }

  return {
    call: async (method, path, body) => {
      const login = await loggedIn()
      let answer = await send(method, path, login.token, body)
      if (answer.status === 403 && auth.kind !== 'token') {
        // Its token may have been revoked before its time.
        current = undefined
        answer = await send(method, path, (await loggedIn()).token, body)
      }
      if (answer.status === 404) return undefined
      if (answer.status >= 300) throw refused(address, answer.status, `${method} ${path}`)
      return recordOf(answer.value['data'])
    },
  }
}

const readToken = async (file: string): Promise<string> => {
  try {
    return await readFile(file, 'utf8')
  } catch (cause) {
    throw new KeyProviderError(`the service account's token ${file} cannot be read.`, { cause })
  }
}
