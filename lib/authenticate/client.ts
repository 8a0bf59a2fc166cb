import type { CredentialsSource } from '../s3/credentials.ts'
import type { Secret } from '../s3/secret.ts'

/** The ways to sign: AWS's signature versions 4 and 2, Huawei OBS's own, and Google's spelling of version 4. */
export const SCHEMES = ['v4', 'v2', 'obs', 'goog4'] as const
export type Scheme = (typeof SCHEMES)[number]

/** How a client proves who it is. */
export type ClientProof =
  | {
      readonly kind: 'signature'
      readonly accessKeyId: string
      readonly secretAccessKey: Secret<string>
      /** Those that it may sign with; left out, `USUAL_SCHEMES`. */
      readonly schemes?: readonly Scheme[]
    }
  /** Trusted by the way it came, for sidecars whose app signs with nothing. */
  | { readonly kind: 'loopback' }
  | { readonly kind: 'unix' }
  | { readonly kind: 'tlsSubject'; readonly subject: string }
  /** Anyone whose request carries no signature. */
  | { readonly kind: 'anonymous' }

/**
 * With what a client's requests are signed for the upstream: the upstream's own pair, the client's own,
 * another pair, or nothing (an anonymous client: the provider's own policy decides).
 */
export type UpstreamCredentials =
  | { readonly kind: 'upstream' }
  | { readonly kind: 'same' }
  | { readonly kind: 'own'; readonly credentials: CredentialsSource }
  | { readonly kind: 'none' }

/** Somebody who may call the proxy. */
export interface Client {
  readonly name: string
  readonly proof: ClientProof
  /** Name of the upstream its requests go to. */
  readonly upstream: string
  readonly upstreamCredentials: UpstreamCredentials
}
