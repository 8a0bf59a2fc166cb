import { randomBytes } from 'node:crypto'
import { Secret } from '../s3/secret.ts'
import type { KeyVersion } from './keyring.ts'

/** AES-256, the one algorithm of SSE-C. */
export const KEY_BYTES = 32

/** Makes a version with a fresh random master. */
export const generateVersion = (
  id: string,
  createdAt: Date | undefined,
  random = randomBytes,
): KeyVersion => ({
  id,
  createdAt,
  master: new Secret(random(KEY_BYTES)),
})

/** Makes a secret access key for a client: 40 characters, as AWS's have. */
export const generateSecretAccessKey = (random = randomBytes): string =>
  random(30).toString('base64url')
