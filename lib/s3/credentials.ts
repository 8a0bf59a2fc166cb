import type { Secret } from './secret.ts'

/** An S3 key pair, with the session token of temporary ones. */
export interface Credentials {
  readonly accessKeyId: string
  readonly secretAccessKey: Secret<string>
  readonly sessionToken: Secret<string> | undefined
}
