import { createHash, randomBytes } from 'node:crypto'
import type { Test } from 'tap'
import { startEmbedded } from '../../lib/embedded/server.ts'
import {
  type B2Answer,
  type B2Client,
  type B2ProxyOptions,
  startB2Proxy,
} from '../support/b2-proxy.ts'

export const BYTES = randomBytes(100_000)

export const sha1 = (bytes: Buffer): string => createHash('sha1').update(bytes).digest('hex')

/** An S3 provider, the lane before it, and a client that has authorised itself and made a bucket. */
export const meet = async (t: Test, options: Omit<B2ProxyOptions, 'upstream'> = {}) => {
  const embedded = await startEmbedded({ path: t.testdir(), host: '127.0.0.1', port: 0 })
  t.teardown(() => embedded.close())
  const asked = { provider: 'embedded', ...options, upstream: embedded.origin }
  const proxy = await startB2Proxy(t, asked)
  const client = await proxy.authorize()
  const bucketId = await createBucket(client, 'photos')
  return { embedded, proxy, client, bucketId, asked }
}

export const createBucket = async (client: B2Client, bucketName: string): Promise<string> => {
  const fields = { accountId: client.account['accountId'], bucketName, bucketType: 'allPrivate' }
  return (await client.call('b2_create_bucket', fields)).json()['bucketId'] ?? ''
}

/** Uploads a file as B2's clients do: with its SHA-1 in front, unless headers say otherwise. */
export const upload = async (
  client: B2Client,
  bucketId: string,
  fileName: string,
  bytes: Buffer,
  headers: Readonly<Record<string, string>> = {},
): Promise<B2Answer> => {
  const url = (await client.call('b2_get_upload_url', { bucketId })).json()
  return client.download(url['uploadUrl'] ?? '', {
    method: 'POST',
    headers: {
      authorization: url['authorizationToken'] ?? '',
      'x-bz-file-name': fileName,
      'content-type': 'b2/x-auto',
      'x-bz-content-sha1': sha1(bytes),
      ...headers,
    },
    body: bytes,
  })
}
