import type { Credentials, LiveCredentials } from '../s3/credentials.ts'
import { Secret } from '../s3/secret.ts'

/** Credentials that could not be had, now. */
export class CredentialsError extends Error {
  override readonly name = 'CredentialsError'
}

/** What the SDK gives. It gives the same value until it has a newer one. */
export interface Identity {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken?: string
}

/**
 * Opens the chain of sources that every AWS SDK asks; each call gives what is good now.
 *
 * @param region of the STS that web identities and assumed roles are shown to, where nothing else says it
 */
export type OpenChain = (region: string) => Promise<() => Promise<Identity>>

/**
 * The SDK's own chain: environment, SSO, shared files, process, web identity (IRSA), container (ECS, EKS Pod Identity),
 * instance metadata (IMDSv2). It fetches anew in the last five minutes of what it has, one fetch at a time, while that
 * one still serves. https://docs.aws.amazon.com/sdkref/latest/guide/standardized-credentials.html
 *
 * Loaded here and nowhere else, for it is larger than all the rest of the proxy.
 */
const openSdkChain: OpenChain = async region => {
  const { fromNodeProviderChain } = await import('@aws-sdk/credential-providers')
  return fromNodeProviderChain({ clientConfig: { region }, ignoreCache: true })
}

/** Milliseconds: the sources have time limits of their own, but for STS. */
const PATIENCE = 10_000

const inTime = async <T>(work: Promise<T>, patience: number): Promise<T> => {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new DOMException('no answer in time', 'TimeoutError')),
      patience,
    )
  })
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}

/** The error's name alone: a message may quote the command line of a `credential_process`. */
const whyOf = (error: unknown): string => {
  if (!(error instanceof Error)) return 'unknown error'
  return error.name === 'CredentialsProviderError' ? 'no source has any' : error.name
}

const toCredentials = ({ accessKeyId, secretAccessKey, sessionToken }: Identity): Credentials => ({
  accessKeyId,
  secretAccessKey: new Secret(secretAccessKey),
  sessionToken: sessionToken === undefined ? undefined : new Secret(sessionToken),
})

/** Credentials of the AWS chain, kept by those who give them. */
export const createChain = (
  region: string,
  open: OpenChain = openSdkChain,
  patience: number = PATIENCE,
): LiveCredentials => {
  let opened: ReturnType<OpenChain> | undefined
  let last: { readonly identity: Identity; readonly credentials: Credentials } | undefined
  const identityNow = async (): Promise<Identity> => {
    opened ??= open(region)
    const provide = await opened
    return provide()
  }
  return {
    current: async () => {
      try {
        const identity = await inTime(identityNow(), patience)
        // The same value for the same credentials: signing keys are remembered by it.
        if (last?.identity !== identity) last = { identity, credentials: toCredentials(identity) }
        return last.credentials
      } catch (cause) {
        throw new CredentialsError(
          `The AWS credential chain gives no credentials (${whyOf(cause)}).`,
          { cause },
        )
      }
    },
  }
}
