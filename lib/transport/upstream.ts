import type { CopyAbility, Signature } from '../dialect/profiles.ts'
import type { CredentialsSource } from '../s3/credentials.ts'
import type { EtagView } from '../s3/etag.ts'

/** `raw`: sockets of our own, for the least CPU. `undici`: the client that Node itself ships, as a fallback. */
export type TransportKind = 'raw' | 'undici'

/** A provider's endpoint, and how to speak to it. */
export interface Upstream {
  readonly name: string
  /** Name of the provider's profile in `dialect/`, such as `aws`, `minio`, `ceph`, `generic`, `embedded`. */
  readonly provider: string
  /** Scheme, host and port, without a path: `https://s3.eu-central-1.amazonaws.com`. */
  readonly endpoint: string
  readonly region: string
  /** None when only clients with credentials of their own (or none) use it. */
  readonly credentials: CredentialsSource | undefined
  /** Overrides the profile's. */
  readonly addressing: 'path' | 'virtual' | undefined
  /** Overrides the profile's. */
  readonly etag?: EtagView | undefined
  /** Overrides the profile's: a newer release of the provider may copy what an older one could not. */
  readonly copy?: CopyAbility | undefined
  /** Overrides the profile's, and with it the words that are spoken. */
  readonly signature?: Signature | undefined
  /** PEM of the CAs that may vouch for the endpoint, instead of the system's. */
  readonly ca: string | undefined
  /** Connections kept at most. */
  readonly connections: number
  readonly timeouts: UpstreamTimeouts
}

/** All in milliseconds. */
export interface UpstreamTimeouts {
  readonly connect: number
  /** From the last byte of a request to the first of its answer. */
  readonly firstByte: number
  /** Between two bytes of a body. */
  readonly idle: number
}
