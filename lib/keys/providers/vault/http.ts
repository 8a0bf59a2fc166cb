import { Agent, type Dispatcher, request } from 'undici'
import { KeyProviderError } from '../provider.ts'

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

/** Answers that another try may mend. https://developer.hashicorp.com/vault/api-docs#http-status-codes */
const PASSING: readonly number[] = [412, 429, 472, 473, 500, 502, 503, 504]

const REMEDIES: Readonly<Record<number, string>> = {
  400: 'It does not take the request: check mount, path and key name.',
  403: 'The token may not do that, or has ended: check the policy and the auth method.',
  404: 'There is nothing: check namespace, mount and path.',
  503: 'It is sealed, or down for maintenance.',
}

const TRIES = 3

const isFinal = (tried: Answer | KeyProviderError): boolean =>
  !(tried instanceof KeyProviderError) && !PASSING.includes(tried.status)

const pause = (attempt: number, random: () => number): Promise<void> =>
  new Promise(resolve => setTimeout(resolve, 200 * 2 ** attempt * (0.5 + random() / 2)))

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
    const answer = await request(`${address}/v1/${path}`, {
      method,
      dispatcher,
      headers: { ...headers, ...(token !== undefined && { 'x-vault-token': token }) },
      body: body === undefined ? null : JSON.stringify(body),
      signal: AbortSignal.timeout(timeout),
    })
    return { status: answer.statusCode, value: parse(await answer.body.text()) }
  }
  const attempt = (call: Parameters<VaultSend>): Promise<Answer | KeyProviderError> =>
    once(...call).catch((error: unknown) => unreachable(address, error))
  return async (...call) => {
    let tried = await attempt(call)
    for (let count = 1; count < TRIES && !isFinal(tried); count++) {
      await pause(count, random)
      tried = await attempt(call)
    }
    if (tried instanceof KeyProviderError) throw tried
    return tried
  }
}

const unreachable = (address: string, error: unknown): KeyProviderError => {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  const why = error instanceof Error && error.name === 'TimeoutError' ? 'no answer in time' : code
  return new KeyProviderError(`Vault at ${address} cannot be reached (${why ?? 'broken off'}).`)
}

/** What a status says that is not wanted. */
export const refused = (address: string, status: number, what: string): KeyProviderError =>
  new KeyProviderError(
    `Vault at ${address} answered ${status} to ${what}. ${REMEDIES[status] ?? ''}`.trim(),
  )

/** A path of Vault's, encoded but for its slashes. */
export const encodePath = (path: string): string =>
  path.split('/').map(encodeURIComponent).join('/')
