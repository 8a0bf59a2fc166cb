import type { Client } from './authenticate/client.ts'
import { schemesOf } from './authenticate/schemes.ts'
import { S3Error } from './s3/error.ts'
import type { S3Response } from './s3/response.ts'

/**
 * Answers `HEAD /?apiversion`, which SDKs of OBS send unsigned before they first speak to a bucket: with OBS's version
 * they go on in OBS's own dialect, without it in AWS's version 2. So the proxy's clients decide, all together.
 *
 * @throws {S3Error} `NotImplemented` where no client may sign as these SDKs do
 */
export const negotiate = (clients: readonly Client[]): S3Response => {
  const schemes = new Set(clients.flatMap(schemesOf))
  const length = ['content-length', '0'] as const
  if (schemes.has('obs')) {
    return { status: 200, headers: new Map([['x-obs-api', '3.0'], length]), body: undefined }
  }
  if (schemes.has('v2')) return { status: 200, headers: new Map([length]), body: undefined }
  throw new S3Error('NotImplemented', "No client of this proxy may sign with 'obs' or 'v2'.")
}
