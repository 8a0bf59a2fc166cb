import { createHash } from 'node:crypto'
import t, { type Test } from 'tap'
import type { Client } from '../../lib/authenticate/client.ts'
import { createObsClient } from '../support/obs-client.ts'
import { sdkAuthorization } from '../support/obs-sdk.ts'
import { startObsUpstream } from '../support/obs-upstream.ts'
import { APP, APP_CLIENT, encrypt, rule, startProxy } from '../support/proxy.ts'
import { type RawAnswer, sayRaw } from '../support/raw.ts'
import { echoOf, startUpstream } from '../support/upstream.ts'

/*
 * The sample requests of Huawei's page "SSE-C" (updated 2024-09-29), line by line as printed but for date, access key and
 * signature, which the vendor's own SDK makes; before an OBS, and before a provider that speaks S3.
 */

const KEY = 'K7QkYpBkM5+hca27fsNkUnNVaobncnLht/rCB2o/9Cw='
/** What the page prints, which is not this key's. */
const PRINTED_MD5 = '4XvB3tbNTN+tIEVa0/fGaQ=='
const MD5 = createHash('md5').update(Buffer.from(KEY, 'base64')).digest('base64')
const DOMAIN = 'obs.region.myhuaweicloud.com'
const BODY = Buffer.alloc(5242, 'o')

const UPLOADING = `PUT /encryp2 HTTP/1.1
User-Agent: curl/7.29.0
Host: examplebucket.obs.region.myhuaweicloud.com
Accept: */*
Date: Wed, 06 Jun 2018 09:12:00 GMT
Authorization: OBS H4IPJX0TQTHTHEBQQCEC:mZSfafoM+llApk0HGOThlqeccu0=
x-obs-server-side-encryption-customer-algorithm:AES256
x-obs-server-side-encryption-customer-key:K7QkYpBkM5+hca27fsNkUnNVaobncnLht/rCB2o/9Cw=
x-obs-server-side-encryption-customer-key-MD5:4XvB3tbNTN+tIEVa0/fGaQ==
Content-Length: 5242`

const COPYING = `PUT /kmsobject HTTP/1.1
User-Agent: curl/7.29.0
Host: examplebucket.obs.region.myhuaweicloud.com
Accept: */*
Date: Wed, 06 Jun 2018 09:20:10 GMT
Authorization: OBS H4IPJX0TQTHTHEBQQCEC:mZSfafoM+llApk0HGOThlqeccu0=
x-obs-copy-source-server-side-encryption-customer-algorithm:AES256
x-obs-copy-source-server-side-encryption-customer-key:K7QkYpBkM5+hca27fsNkUnNVaobncnLht/rCB2o/9Cw=
x-obs-copy-source-server-side-encryption-customer-key-MD5:4XvB3tbNTN+tIEVa0/fGaQ==
x-obs-server-side-encryption: kms
x-obs-copy-source: /examplebucket/encryp2
Content-Length: 5242`

const BY_URL = `PUT /encrypobject?AccessKeyId=H4IPJX0TQTHTHEBQQCEC&Expires=1532688887&Signature=EQmDuOhaLUrzrzRNZxwS72CXeXM%3D HTTP/1.1
User-Agent: curl/7.29.0
Host: examplebucket.obs.region.myhuaweicloud.com
Accept: */*
x-obs-server-side-encryption-customer-algorithm: AES256
x-obs-server-side-encryption-customer-key:K7QkYpBkM5+hca27fsNkUnNVaobncnLht/rCB2o/9Cw=
x-obs-server-side-encryption-customer-key-MD5:4XvB3tbNTN+tIEVa0/fGaQ==
Content-Length: 5242
Expect: 100-continue`

const pairOf = (line: string): readonly [string, string] => {
  const at = line.indexOf(':')
  return [line.slice(0, at), line.slice(at + 1).trim()]
}

/** A printed request, of today and of the proxy's client. */
const signed = (printed: string, md5: string): readonly string[] => {
  const now = new Date().toUTCString()
  const lines = printed
    .replace(PRINTED_MD5, md5)
    .replace(/^Date: .*$/m, `Date: ${now}`)
    .split('\n')
  const [start = '', ...rest] = lines
  const uri = `/examplebucket${start.split(' ')[1]}`
  const headers = Object.fromEntries(
    rest.map(pairOf).map(([name, value]) => [name.replace('MD5', 'md5'), value]),
  )
  const { Authorization: _, ...unsigned } = headers
  const request = { method: 'PUT', headers: unsigned, uri, urlPath: '' }
  const { accessKeyId, secretAccessKey } = APP
  const authorization = sdkAuthorization('OBS', request, accessKeyId, secretAccessKey)
  return lines.map(line =>
    line.startsWith('Authorization') ? `Authorization: ${authorization}` : line,
  )
}

/** The printed signed URL, as the SDK signs it for the headers that are sent with it. */
const signedByUrl = async (md5: string): Promise<readonly string[]> => {
  const lines = BY_URL.replace(PRINTED_MD5, md5).split('\n')
  const sdk = await createObsClient({ port: 1, ...APP }, { signature: 'obs', pathStyle: false })
  const Headers = Object.fromEntries(
    lines.map(pairOf).filter(([name]) => name.startsWith('x-obs-')),
  )
  const place = { Bucket: 'examplebucket', Key: 'encrypobject' }
  const { SignedUrl } = sdk.createSignedUrlSync({ Method: 'PUT', ...place, Headers, Expires: 60 })
  sdk.close()
  return [`PUT /encrypobject${new URL(SignedUrl).search} HTTP/1.1`, ...lines.slice(1)]
}

const CLIENT: Client = {
  ...APP_CLIENT,
  proof: { ...APP_CLIENT.proof, schemes: ['obs'] } as Client['proof'],
}

const KMS = {
  kind: 'provider',
  method: { sse: 'kms' },
  plaintextReads: 'deny',
  conflicts: 'remove',
  onUnconfirmed: 'delete',
} as const

const OPTIONS = {
  clients: [CLIENT],
  domains: [DOMAIN],
  rules: [rule(KMS, { prefixes: ['kmsobject'] }, 'kms'), rule(encrypt({ clientKeys: 'accept' }))],
}

const SSE_C = 'server-side-encryption-customer'

/** What the page says of the answer. */
const checkStored = (t: Test, answer: RawAnswer): void => {
  t.match(answer, {
    status: 200,
    headers: {
      'x-obs-request-id': /./,
      etag: /^"[0-9a-f]{32}(?:-0)?"$/,
      [`x-obs-${SSE_C}-algorithm`]: 'AES256',
      [`x-obs-${SSE_C}-key-md5`]: MD5,
    },
  })
  t.notOk(Object.keys(answer.headers).some(name => name.startsWith('x-amz-')))
}

for (const provider of ['obs', 'generic'] as const) {
  const start = async (t: Test) => {
    const upstream =
      provider === 'obs'
        ? await startObsUpstream(t)
        : await startUpstream(t, seen => ({
            headers: {
              etag: '"0f91242c7f3d86f98ae572a686d0696e"',
              'x-amz-request-id': '8DF4',
              ...(seen.headers['x-amz-server-side-encryption'] && {
                'x-amz-server-side-encryption': seen.headers['x-amz-server-side-encryption'],
              }),
              ...echoOf(seen),
            },
            body: seen.headers['x-amz-copy-source']
              ? '<CopyObjectResult><ETag>"1072e1b96b47d7ec859710068aa70d57"</ETag></CopyObjectResult>'
              : '',
          }))
    const proxy = await startProxy(t, { upstream: upstream.origin, provider, ...OPTIONS })
    return { upstream, proxy }
  }
  const prefix = provider === 'obs' ? 'x-obs-' : 'x-amz-'

  t.test(`Uploading an Object Encrypted with SSE-C, before ${provider}`, async t => {
    const { upstream, proxy } = await start(t)
    const printed = await sayRaw(proxy.origin, signed(UPLOADING, PRINTED_MD5), BODY)
    t.match(printed, { status: 400, headers: { 'x-obs-error-code': 'InvalidArgument' } })
    t.match(printed.text, 'calculated MD5 hash of the key did not match')
    t.equal(upstream.seen.length, 0)
    checkStored(t, await sayRaw(proxy.origin, signed(UPLOADING, MD5), BODY))
    t.match(upstream.seen[0], {
      body: BODY,
      headers: { [`${prefix}${SSE_C}-key`]: KEY, [`${prefix}${SSE_C}-key-md5`]: MD5 },
    })
  })

  t.test(`Copying … and Saving It as a KMS Encrypted Object, before ${provider}`, async t => {
    const { upstream, proxy } = await start(t)
    await sayRaw(proxy.origin, signed(UPLOADING, MD5), BODY)
    // It is printed with a body, which a copy has no use for.
    const copied = await sayRaw(proxy.origin, signed(COPYING, MD5), BODY)
    t.match(copied, {
      status: 200,
      headers: { 'x-obs-request-id': /./, 'x-obs-server-side-encryption': 'kms' },
    })
    const seen = upstream.seen.at(-1)
    t.match(seen?.headers, {
      [`${prefix}copy-source`]: 'examplebucket/encryp2',
      [`${prefix}copy-source-${SSE_C}-key`]: KEY,
      [`${prefix}copy-source-${SSE_C}-key-md5`]: MD5,
      [`${prefix}server-side-encryption`]: provider === 'obs' ? 'kms' : 'aws:kms',
    })
    t.equal(seen?.headers[`${prefix}${SSE_C}-key`], undefined, 'one method')
    t.equal(seen?.body.length, 0)
  })

  t.test(`Uploading an SSE-C Encrypted Object Using a Signed URL, before ${provider}`, async t => {
    const { upstream, proxy } = await start(t)
    const answer = await sayRaw(proxy.origin, await signedByUrl(MD5), BODY)
    checkStored(t, answer)
    t.strictSame(answer.before, [100])
    t.match(upstream.seen[0]?.body, BODY)
    const refused = await sayRaw(proxy.origin, await signedByUrl(PRINTED_MD5), BODY)
    t.match(refused, { before: [], status: 400 }, 'before the body is asked for')
  })
}
