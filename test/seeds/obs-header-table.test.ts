import { createHash } from 'node:crypto'
import t, { type Test } from 'tap'
import type { Client } from '../../lib/authenticate/client.ts'
import { sendRaw } from '../support/client.ts'
import { sdkAuthorization } from '../support/obs-sdk.ts'
import { startObsUpstream } from '../support/obs-upstream.ts'
import { APP, APP_CLIENT, encrypt, keyBytes, rule, startProxy } from '../support/proxy.ts'
import { startUpstream } from '../support/upstream.ts'

/*
 * Huawei's page "Overview of Server-Side Encryption APIs" (updated 2024-02-22): every header of its tables, sent by an app of
 * OBS to an OBS and to a provider that speaks S3, and answered by them; and the documents that it names.
 */

const SSE = 'x-obs-server-side-encryption'
const DATA = 'x-obs-server-side-data-encryption'
const PROJECT = 'x-obs-sse-kms-key-project-id'
const SOURCE = 'x-obs-copy-source-server-side-encryption-customer'
const AMZ = 'x-amz-server-side-encryption'

const digests = (key: Buffer): readonly [string, string] => [
  key.toString('base64'),
  createHash('md5').update(key).digest('base64'),
]
const [KEY, MD5] = digests(keyBytes('own'))
const [FROM, FROM_MD5] = digests(keyBytes('from'))

type Row = readonly [
  what: string,
  sent: Readonly<Record<string, string>>,
  inS3: Readonly<Record<string, string>>,
]

/** Of the columns about objects: upload, copy, upload in parts. What S3 has no word for is not in the third column. */
const OF_OBJECTS: readonly Row[] = [
  ['SSE-KMS', { [SSE]: 'kms' }, { [AMZ]: 'aws:kms' }],
  ['SSE-OBS', { [SSE]: 'AES256' }, { [AMZ]: 'AES256' }],
  ['the algorithm of SSE-KMS', { [SSE]: 'kms', [DATA]: 'SM4' }, { [AMZ]: 'aws:kms' }],
  [
    'the key of SSE-KMS',
    { [SSE]: 'kms', [`${SSE}-kms-key-id`]: 'key/522d6070' },
    { [AMZ]: 'aws:kms', [`${AMZ}-aws-kms-key-id`]: 'key/522d6070' },
  ],
  ['its project', { [SSE]: 'kms', [PROJECT]: '783fc665' }, { [AMZ]: 'aws:kms' }],
]

const SSE_C: Row = [
  'SSE-C',
  {
    [`${SSE}-customer-algorithm`]: 'AES256',
    [`${SSE}-customer-key`]: KEY,
    [`${SSE}-customer-key-md5`]: MD5,
  },
  {
    [`${AMZ}-customer-algorithm`]: 'AES256',
    [`${AMZ}-customer-key`]: KEY,
    [`${AMZ}-customer-key-md5`]: MD5,
  },
]

const OF_SOURCES: Row = [
  'the source of a copy under SSE-C',
  {
    'x-obs-copy-source': '/plain/source',
    [`${SOURCE}-algorithm`]: 'AES256',
    [`${SOURCE}-key`]: FROM,
    [`${SOURCE}-key-md5`]: FROM_MD5,
  },
  {
    'x-amz-copy-source': 'plain/source',
    'x-amz-copy-source-server-side-encryption-customer-algorithm': 'AES256',
    'x-amz-copy-source-server-side-encryption-customer-key': FROM,
    'x-amz-copy-source-server-side-encryption-customer-key-md5': FROM_MD5,
  },
]

const client = {
  ...APP_CLIENT,
  proof: { ...APP_CLIENT.proof, schemes: ['obs'] },
} as Client

const OPTIONS = {
  clients: [client],
  rules: [
    rule({ kind: 'passthrough' }, { buckets: ['plain'] }, 'plain'),
    rule(encrypt({ clientKeys: 'accept' })),
  ],
}

const ask = (
  origin: string,
  method: string,
  target: string,
  sent: Readonly<Record<string, string>> = {},
  body = '',
) => {
  const [uri = '', query] = target.split('?')
  const headers = { host: new URL(origin).host, Date: new Date().toUTCString(), ...sent }
  const request = { method, headers, uri, urlPath: query === undefined ? '' : `?${query}` }
  const authorization = sdkAuthorization('OBS', request, APP.accessKeyId, APP.secretAccessKey)
  const length = method === 'PUT' ? { 'content-length': String(body.length) } : {}
  return sendRaw(origin, method, target, { ...headers, ...length, authorization }, body)
}

const atObs = async (t: Test) => {
  const upstream = await startObsUpstream(t)
  return {
    upstream,
    proxy: await startProxy(t, { upstream: upstream.origin, provider: 'obs', ...OPTIONS }),
  }
}

/** A provider that repeats what it was told about encryption, as S3 does. */
const atS3 = async (t: Test) => {
  const upstream = await startUpstream(t, ({ headers }) => ({
    headers: Object.fromEntries(
      Object.entries(headers).filter(([name]) => name.startsWith(AMZ) && !name.endsWith('-key')),
    ),
    body: headers['x-amz-copy-source']
      ? '<CopyObjectResult><ETag>"e"</ETag></CopyObjectResult>'
      : '',
  }))
  return {
    upstream,
    proxy: await startProxy(t, { upstream: upstream.origin, provider: 'generic', ...OPTIONS }),
  }
}

for (const [what, sent, inS3] of [...OF_OBJECTS, SSE_C]) {
  const path = what === 'SSE-C' ? '/covered/object' : '/plain/object'
  // All but the key itself is answered.
  const { [`${SSE}-customer-key`]: _, ...answered } = sent

  t.test(`${what}, at an OBS`, async t => {
    const { upstream, proxy } = await atObs(t)
    const put = await ask(proxy.origin, 'PUT', path, sent, 'x')
    t.match(put, { status: 200, headers: answered })
    t.match(upstream.seen[0]?.headers, sent)
    t.match(await ask(proxy.origin, 'GET', path, what === 'SSE-C' ? sent : {}), {
      status: 200,
      text: 'x',
      headers: answered,
    })
  })

  t.test(`${what}, at a provider that speaks S3`, async t => {
    const { upstream, proxy } = await atS3(t)
    const put = await ask(proxy.origin, 'PUT', path, sent, 'x')
    t.equal(put.status, 200, put.text)
    t.match(upstream.seen[0]?.headers, inS3)
    const { [DATA]: __, [PROJECT]: ___, ...known } = answered
    t.match(put.headers, known)
    const begun = await ask(proxy.origin, 'POST', `${path}?uploads`, sent)
    t.match(upstream.seen.at(-1)?.headers, inS3, `an upload in parts: ${begun.status}`)
    const foreign = Object.keys(upstream.seen[0]?.headers ?? {}).filter(each => /^x-obs/.test(each))
    t.strictSame(foreign, [])
  })
}

t.test(`${OF_SOURCES[0]}, at both`, async t => {
  const [, sent, inS3] = OF_SOURCES
  const obs = await atObs(t)
  const key = {
    [`${SSE}-customer-algorithm`]: 'AES256',
    [`${SSE}-customer-key`]: FROM,
    [`${SSE}-customer-key-md5`]: FROM_MD5,
  }
  t.equal((await ask(obs.proxy.origin, 'PUT', '/plain/source', key, 'bytes')).status, 200)
  for (const target of ['/plain/copy', '/covered/copy']) {
    const copied = await ask(obs.proxy.origin, 'PUT', target, { ...sent, ...SSE_C[1] })
    t.equal(copied.status, 200, copied.text)
    t.match(obs.upstream.seen.at(-1)?.headers, {
      ...sent,
      'x-obs-copy-source': 'plain/source',
      ...SSE_C[1],
    })
  }
  const s3 = await atS3(t)
  await ask(s3.proxy.origin, 'PUT', '/plain/copy', { ...sent, ...SSE_C[1] })
  t.match(s3.upstream.seen[0]?.headers, { ...inS3, ...SSE_C[2] })
})

/** Of the column about buckets, where SSE-OBS is `obs`. */
const OF_BUCKETS: readonly Row[] = [
  ['SSE-OBS', { [SSE]: 'obs' }, { [AMZ]: 'AES256' }],
  ['SSE-KMS', { [SSE]: 'kms', [`${SSE}-kms-key-id`]: 'k' }, { [AMZ]: 'aws:kms' }],
]

for (const [what, sent, inS3] of OF_BUCKETS) {
  t.test(`a bucket that is made with ${what}`, async t => {
    const obs = await atObs(t)
    t.equal((await ask(obs.proxy.origin, 'PUT', '/plain', sent)).status, 200)
    t.match(obs.upstream.seen[0]?.headers, sent)
    const s3 = await atS3(t)
    t.equal((await ask(s3.proxy.origin, 'PUT', '/plain', sent)).status, 200)
    t.match(s3.upstream.seen[0]?.headers, inS3)
  })
}

const configuration = (method: string): string =>
  `<ServerSideEncryptionConfiguration><Rule><ApplyServerSideEncryptionByDefault><SSEAlgorithm>${method}</SSEAlgorithm></ApplyServerSideEncryptionByDefault></Rule></ServerSideEncryptionConfiguration>`

t.test('Configuring, Obtaining and Deleting Bucket Encryption', async t => {
  const target = '/plain?encryption'
  const headers = { 'Content-Type': 'application/xml' }
  const obs = await atObs(t)
  const own = configuration('kms')
  t.equal((await ask(obs.proxy.origin, 'PUT', target, headers, own)).status, 200)
  t.strictSame([...obs.upstream.documents.values()], [own])
  t.equal((await ask(obs.proxy.origin, 'GET', target)).text, own)
  t.equal((await ask(obs.proxy.origin, 'DELETE', target)).status, 204)
  t.match(await ask(obs.proxy.origin, 'GET', target), { status: 404 })
  const documents: string[] = []
  const upstream = await startUpstream(t, seen => {
    if (seen.method === 'PUT') documents.push(seen.body.toString())
    return seen.method === 'GET' ? { body: documents.at(-1) ?? '' } : {}
  })
  const proxy = await startProxy(t, { upstream: upstream.origin, provider: 'generic', ...OPTIONS })
  for (const [method, s3] of [
    ['kms', 'aws:kms'],
    ['obs', 'AES256'],
  ] as const) {
    t.equal((await ask(proxy.origin, 'PUT', target, headers, configuration(method))).status, 200)
    t.equal(documents.at(-1), configuration(s3))
    t.equal((await ask(proxy.origin, 'GET', target)).text, configuration(method))
  }
})
