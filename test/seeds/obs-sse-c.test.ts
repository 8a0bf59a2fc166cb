import { createHash } from 'node:crypto'
import t from 'tap'
import { send } from '../support/client.ts'
import { startObsUpstream } from '../support/obs-upstream.ts'
import { encrypt, keyring, rule, startProxy } from '../support/proxy.ts'

/*
 * The samples of OBS's page "SSE-C" (support.huaweicloud.com, updated 2024-09-29), asked by an S3 client, the key being
 * the page's where the rule takes a client's, and else the vault's.
 */

const KEY = 'K7QkYpBkM5+hca27fsNkUnNVaobncnLht/rCB2o/9Cw='
/** The page prints another, which is not this key's. */
const MD5 = createHash('md5').update(Buffer.from(KEY, 'base64')).digest('base64')
const SSE = 'x-amz-server-side-encryption'
const CUSTOMER = { [`${SSE}-customer-algorithm`]: 'AES256', [`${SSE}-customer-key`]: KEY }
const SOURCE = 'x-amz-copy-source-server-side-encryption-customer'
const body = Buffer.alloc(5242, 'o')

const started = async (test: Parameters<typeof startProxy>[0]) => {
  const upstream = await startObsUpstream(test)
  const proxy = await startProxy(test, {
    upstream: upstream.origin,
    provider: 'obs',
    keyrings: [keyring('main', 'v1')],
    rules: [
      rule(
        {
          kind: 'provider',
          method: { sse: 'kms' },
          plaintextReads: 'deny',
          conflicts: 'remove',
          onUnconfirmed: 'delete',
        },
        { prefixes: ['kmsobject'] },
        'kms',
      ),
      rule(encrypt({ clientKeys: 'accept' })),
    ],
  })
  return { upstream, proxy }
}

t.test('Uploading an Object Encrypted with SSE-C', async t => {
  const { upstream, proxy } = await started(t)
  const headers = { ...CUSTOMER, [`${SSE}-customer-key-md5`]: MD5 }
  const path = '/examplebucket/encryp2'
  const put = await send(proxy.origin, { method: 'PUT', path, body, headers })
  t.equal(put.status, 200, put.text)
  t.equal(put.headers['etag'], '"0f91242c7f3d86f98ae572a686d0696e-0"', 'no MD5, and shown as none')
  t.equal(put.headers[`${SSE}-customer-algorithm`], 'AES256')
  t.equal(put.headers[`${SSE}-customer-key-md5`], MD5)
  t.match(upstream.seen[0]?.headers, {
    'x-obs-server-side-encryption-customer-algorithm': 'AES256',
    'x-obs-server-side-encryption-customer-key': KEY,
    'x-obs-server-side-encryption-customer-key-md5': MD5,
    'content-length': '5242',
  })
})

t.test('Copying an SSE-C Encrypted Object and Saving It as a KMS Encrypted Object', async t => {
  const { upstream, proxy } = await started(t)
  const path = '/examplebucket/encryp2'
  await send(proxy.origin, {
    method: 'PUT',
    path,
    body,
    headers: { ...CUSTOMER, [`${SSE}-customer-key-md5`]: MD5 },
  })
  const copied = await send(proxy.origin, {
    method: 'PUT',
    path: '/examplebucket/kmsobject',
    headers: {
      [`${SOURCE}-algorithm`]: 'AES256',
      [`${SOURCE}-key`]: KEY,
      [`${SOURCE}-key-md5`]: MD5,
      [SSE]: 'aws:kms',
      'x-amz-copy-source': '/examplebucket/encryp2',
    },
  })
  t.equal(copied.status, 200, copied.text)
  t.equal(copied.headers[SSE], 'aws:kms')
  t.match(upstream.seen.at(-1)?.headers, {
    'x-obs-copy-source-server-side-encryption-customer-algorithm': 'AES256',
    'x-obs-copy-source-server-side-encryption-customer-key': KEY,
    'x-obs-copy-source-server-side-encryption-customer-key-md5': MD5,
    'x-obs-server-side-encryption': 'kms',
  })
  const stored = upstream.objects.at('/examplebucket/kmsobject')
  t.equal(stored?.body.length, 5242)
  t.equal(stored?.keyMd5, undefined, 'one method')
})
