import type { Secret } from './secret.ts'

/** An S3 key pair, with the session token of temporary ones. */
export interface Credentials {
  readonly accessKeyId: string
  readonly secretAccessKey: Secret<string>
  readonly sessionToken: Secret<string> | undefined
}

/** Credentials that change while the proxy runs. */
export interface LiveCredentials {
  /**
   * Those of now.
   *
   * @throws {Error} when there are none; the message is fit for a log
   */
  current(): Promise<Credentials>
}

/** Credentials as they were given once, or as they come. */
export type CredentialsSource = Credentials | LiveCredentials

/** What to sign with now. */
export const credentialsNow = (source: CredentialsSource): Credentials | Promise<Credentials> =>
  'current' in source ? source.current() : source
