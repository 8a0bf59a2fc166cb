import { createHash, randomBytes } from 'node:crypto'
import type { Test } from 'tap'
import { type B2Client, type B2ProxyOptions, startB2Proxy } from '../support/b2-proxy.ts'
import { startB2 } from '../support/b2-server.ts'
import { keyBytes } from '../support/proxy.ts'

export const KEY = keyBytes('main/v1').toString('base64')
export const OLD_KEY = keyBytes('main/v0').toString('base64')
export const BYTES = randomBytes(1000)

/** A B2, the lane before it, and a client that has authorised itself. */
export const meet = async (t: Test, options: Omit<B2ProxyOptions, 'upstream'> = {}) => {
  const server = await startB2(t)
  const proxy = await startB2Proxy(t, { upstream: server.origin, ...options })
  const client = await proxy.authorize()
  return { server, proxy, client }
}

const md5Of = (key: Buffer): string => createHash('md5').update(key).digest('base64')

/** A key of a client's own, in headers. */
export const ownHeaders = (key: Buffer): Record<string, string> => ({
  'x-bz-server-side-encryption-customer-algorithm': 'AES256',
  'x-bz-server-side-encryption-customer-key': key.toString('base64'),
  'x-bz-server-side-encryption-customer-key-md5': md5Of(key),
})

/** A key of a client's own, as a field. */
export const ownField = (key: Buffer) => ({
  mode: 'SSE-C',
  algorithm: 'AES256',
  customerKey: key.toString('base64'),
  customerKeyMd5: md5Of(key),
})

/** Begins a large file; gives its id. */
export const startLarge = async (client: B2Client, fields: object = {}): Promise<string> => {
  const started = { bucketId: 'b-1', fileName: 'large', ...fields }
  return (await client.call('b2_start_large_file', started)).json()['fileId'] ?? ''
}

/** Sends a part of a large file. */
export const sendPart = async (client: B2Client, fileId: string, headers: object = {}) => {
  const url = (await client.call('b2_get_upload_part_url', { fileId })).json()
  const said = {
    authorization: url['authorizationToken'] ?? '',
    'x-bz-part-number': '1',
    ...headers,
  }
  return client.download(url['uploadUrl'] ?? '', { method: 'POST', headers: said, body: BYTES })
}
