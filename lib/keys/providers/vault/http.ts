import { Agent, type Dispatcher, request } from 'undici'
import { KeyProviderError } from '../provider.ts'
import { unreachable, withTries } from '../tries.ts'

/** Where a Vault or OpenBao is, and how it is reached. */
export interface VaultEndpoint {
  /** Scheme, host and port. */
  readonly address: string
  readonly namespace: string | undefined
  /** PEM text of the CAs that may vouch for it, instead of the system's. */
  readonly ca: string | undefined
  /** Milliseconds for one answer. */
  readonly timeout: number
}

export interface Answer {
  readonly status: number
  readonly value: Readonly<Record<string, unknown>>
}

/** Sends one call, and again where that may help. */
export type VaultSend = (
  method: Dispatcher.HttpMethod,
  path: string,
  token: string | undefined,
  body?: unknown,
) => Promise<Answer>

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

export const recordOf = (value: unknown): Readonly<Record<string, unknown>> =>
  isRecord(value) ? value : {}

/** Statuses that another try may mend. https://developer.hashicorp.com/vault/api-docs#http-status-codes */
const PASSING: readonly number[] = [412, 429, 472, 473, 500, 502, 503, 504]

const isPassing = ({ status }: Answer): boolean => PASSING.includes(status)

const REMEDIES: Readonly<Record<number, string>> = {
  400: 'It does not take the request: check mount, path and key name.',
  403: 'The token may not do that, or has ended: check the policy and the auth method.',
  404: 'There is nothing: check namespace, mount and path.',
  // Vault 1.13.0 answers it to a wrong secret id, which others call 400.
  500: 'It failed. At a login, check the ids.',
  503: 'It is sealed, or down for maintenance.',
}

const parse = (text: string): Readonly<Record<string, unknown>> => {
  try {
    return recordOf(JSON.parse(text))
  } catch {
    return {}
  }
}

/** Says a call to a vault: each of a few tries has its own time limit, and they come with growing pauses. */
export const createVaultSend = (
  { address, namespace, ca, timeout }: VaultEndpoint,
  random: () => number,
): VaultSend => {
  const dispatcher = new Agent({ connect: { ...(ca !== undefined && { ca }), timeout } })
  const headers = {
    'x-vault-request': 'true',
    ...(namespace !== undefined && { 'x-vault-namespace': namespace }),
  }
  const once = async (...[method, path, token, body]: Parameters<VaultSend>) => {
    const sent = request(`${address}/v1/${path}`, {
      method,
      dispatcher,
      headers: { ...headers, ...(token !== undefined && { 'x-vault-token': token }) },
      body: body === undefined ? null : JSON.stringify(body),
      signal: AbortSignal.timeout(timeout),
    })
    try {
      const answer = await sent
      return { status: answer.statusCode, value: parse(await answer.body.text()) }
    } catch (error) {
      throw unreachable(`Vault at ${address}`, error)
    }
  }
  return (...call) => withTries(() => once(...call), isPassing, random)
}

/** What a status says that is not wanted. */
export const refused = (address: string, status: number, what: string): KeyProviderError =>
  new KeyProviderError(
    `Vault at ${address} answered ${status} to ${what}. ${REMEDIES[status] ?? ''}`.trim(),
  )

/** A path of Vault's, encoded but for its slashes. */
export const encodePath = (path: string): string =>
  path.split('/').map(encodeURIComponent).join('/')
