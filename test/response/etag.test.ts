import { once } from 'node:events'
import { createServer, type IncomingMessage, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import t from 'tap'
import type { Rule } from '../../lib/policy/rule.ts'
import { type Received, type Sending, send, signedHeaders } from '../support/client.ts'
import { encrypt, rule, startProxy } from '../support/proxy.ts'
import { type Answer, echoOf, type Seen, startUpstream } from '../support/upstream.ts'

const HEX = 'd41d8cd98f00b204e9800998ecf8427e'
const QUOTED = `"${HEX}"`
const MARKED = `"${HEX}-0"`
const MULTIPART = `"${HEX}-7"`

const etagIn = (xml: string): string | undefined => /<ETag>([^<]*)</.exec(xml)?.[1]
const textOf = (element: string, xml: string): string =>
  new RegExp(`<${element}>([^<]*)<`).exec(xml)?.[1] ?? ''

/** What a request is told by, in turn, and the document that answers it. */
const DOCUMENTS: readonly (readonly [
  is: (seen: Seen, query: URLSearchParams) => boolean,
  inside: (etag: string) => string,
])[] = [
  [(_, query) => query.has('uploads'), () => '<UploadId>up</UploadId>'],
  [(_, query) => query.has('attributes'), etag => `<ETag>${etag.replaceAll('"', '')}</ETag>`],
  [({ headers }) => 'x-amz-copy-source' in headers, etag => `<ETag>${etag}</ETag>`],
  [
    ({ method }, query) => method === 'GET' && query.has('uploadId'),
    etag => `<UploadId>up</UploadId><Part><ETag>${etag}</ETag></Part>`,
  ],
  [({ method }) => method === 'POST', etag => `<ETag>${etag.replaceAll('"', '&#34;')}</ETag>`],
]

/** A provider whose every object and part has the same ETag. */
const telling =
  (etag: string) =>
  (seen: Seen): Answer => {
    const { searchParams } = new URL(seen.target, 'http://provider')
    const document = DOCUMENTS.find(([is]) => is(seen, searchParams))
    return document === undefined
      ? { headers: { ...echoOf(seen), etag } }
      : { headers: echoOf(seen), body: `<?xml version="1.0"?><R>${document[1](etag)}</R>` }
  }

const KEYS = ['a', 'plain/a', 'a b']

const listing = (etag: string, keys: readonly string[] = KEYS): string => {
  const objects = keys.map(key => `<Contents><Key>${key}</Key><ETag>${etag}</ETag></Contents>`)
  return `<ListBucketResult>${objects.join('')}</ListBucketResult>`
}

/** Every surface that shows an ETag of the object at `path`. */
const surfaces = async (
  origin: string,
  path: string,
): Promise<Readonly<Record<string, string | undefined>>> => {
  const ask = (sending: Omit<Sending, 'path'>): Promise<Received> =>
    send(origin, { path, ...sending })
  const created = await ask({ method: 'POST', query: { uploads: '' } })
  const uploadId = textOf('UploadId', created.text)
  const part = { partNumber: '1', uploadId }
  const copy = { 'x-amz-copy-source': '/b/source' }
  const complete = '<CompleteMultipartUpload/>'
  return {
    put: (await ask({ method: 'PUT', body: 'x' })).headers.etag,
    head: (await ask({ method: 'HEAD' })).headers.etag,
    get: (await ask({})).headers.etag,
    part: (await ask({ method: 'PUT', query: part, body: 'x' })).headers.etag,
    copy: etagIn((await ask({ method: 'PUT', headers: copy })).text),
    partCopy: etagIn((await ask({ method: 'PUT', query: part, headers: copy })).text),
    parts: etagIn((await ask({ query: { uploadId } })).text),
    complete: etagIn((await ask({ method: 'POST', query: { uploadId }, body: complete })).text),
    attributes: etagIn(
      (await ask({ query: { attributes: '' }, headers: { 'x-amz-object-attributes': 'ETag' } }))
        .text,
    ),
  }
}

const same = (etag: string) => ({
  ...{ put: etag, head: etag, get: etag, part: etag, copy: etag, partCopy: etag, parts: etag },
  complete: etag.replaceAll('"', '&#34;'),
  attributes: etag.replaceAll('"', ''),
})

const split = [rule({ kind: 'passthrough' }, { prefixes: ['plain/'] }), rule(encrypt())]

t.test('every surface shows an object’s ETag alike', async t => {
  const upstream = await startUpstream(t, telling(QUOTED))
  const cases: readonly (readonly [
    name: string,
    rules: readonly Rule[],
    path: string,
    etag: string,
  ])[] = [
    ['marked', [rule(encrypt())], '/b/k', MARKED],
    ['not marked where nothing is encrypted', split, '/b/plain/k', QUOTED],
    ['as is where the rule says so', [rule(encrypt({ etag: 'as-is' }))], '/b/k', QUOTED],
  ]
  for (const [name, rules, path, etag] of cases) {
    const proxy = await startProxy(t, { upstream: upstream.origin, rules })
    t.strictSame(await surfaces(proxy.origin, path), same(etag), name)
  }
})

t.test(
  'a provider whose ETags are MD5s has them shown as they are, unless a rule marks',
  async t => {
    const upstream = await startUpstream(t, telling(QUOTED))
    const shown = async (effect: Parameters<typeof encrypt>[0]): Promise<string | undefined> => {
      const rules = [rule(encrypt(effect))]
      const proxy = await startProxy(t, { upstream: upstream.origin, provider: 'ceph', rules })
      return (await send(proxy.origin, { method: 'HEAD', path: '/b/k' })).headers.etag
    }
    t.equal(await shown({}), QUOTED)
    t.equal(await shown({ etag: 'mark' }), MARKED)
  },
)

t.test('a multipart upload’s ETag shows that it is no MD5 already', async t => {
  const upstream = await startUpstream(t, telling(MULTIPART))
  const proxy = await startProxy(t, { upstream: upstream.origin })
  t.strictSame(await surfaces(proxy.origin, '/b/k'), same(MULTIPART))
})

const shownIn = (xml: string): readonly string[] =>
  [...xml.matchAll(/<ETag>([^<]*)</g)].map(([, etag]) => etag ?? '')

t.test('a listing and a HEAD agree on every object, whatever rules split the bucket', async t => {
  const answering = (seen: Seen): Answer => {
    if (!/^\/b(\?|$)/.test(seen.target)) return { headers: { etag: QUOTED } }
    const isEncoded = seen.target.includes('encoding-type=url')
    const body = listing(QUOTED, isEncoded ? KEYS.map(encodeURIComponent) : KEYS)
    return { body, headers: { 'content-length': String(body.length) } }
  }
  const upstream = await startUpstream(t, answering)
  const rules = [
    rule({ kind: 'passthrough' }, { prefixes: ['plain/'] }),
    // Who may only write, or only list, sees what the others see.
    rule({ kind: 'deny' }, { prefixes: ['a b'], operations: ['HeadObject'] }),
    rule(encrypt({ plaintextReads: 'allow' })),
  ]
  const proxy = await startProxy(t, { upstream: upstream.origin, rules })
  const queries: readonly Readonly<Record<string, string>>[] = [
    {},
    { 'list-type': '2', prefix: 'a' },
    { versions: '' },
    { 'encoding-type': 'url' },
  ]
  for (const query of queries) {
    const { text } = await send(proxy.origin, { path: '/b', query })
    t.strictSame(shownIn(text), [MARKED, QUOTED, MARKED])
  }
  for (const [i, etag] of [MARKED, QUOTED].entries()) {
    const head = await send(proxy.origin, { method: 'HEAD', path: `/b/${KEYS[i]}` })
    t.equal(head.headers.etag, etag, 'for an object in plaintext, too: a listing cannot tell')
  }
})

t.test('a listing is asked for uncompressed, and an object as the client likes', async t => {
  const upstream = await startUpstream(t, () => ({ body: listing(QUOTED) }))
  const rules = [rule(encrypt({ plaintextReads: 'allow' }))]
  const proxy = await startProxy(t, { upstream: upstream.origin, rules })
  const headers = { 'accept-encoding': 'gzip' }
  await send(proxy.origin, { path: '/b', headers })
  await send(proxy.origin, { path: '/b/k', headers })
  t.strictSame(
    upstream.seen.map(seen => seen.headers['accept-encoding']),
    ['identity', 'gzip'],
  )
})

t.test('a listing that comes compressed all the same is refused', async t => {
  const upstream = await startUpstream(t, () => ({
    headers: { 'content-encoding': 'gzip' },
    body: 'x',
  }))
  const proxy = await startProxy(t, { upstream: upstream.origin })
  t.match(await send(proxy.origin, { path: '/b' }), { status: 500, text: /InternalError/ })
})

t.test('a listing that breaks off is not passed for a whole one', async t => {
  const cutOff = listing(QUOTED).slice(0, -40)
  const upstream = await startUpstream(t, () => ({ body: cutOff }))
  const proxy = await startProxy(t, { upstream: upstream.origin })
  await t.rejects(send(proxy.origin, { path: '/b' }))
})

t.test('a listing of any length flows through as it comes', async t => {
  const page = listing(QUOTED).slice('<ListBucketResult>'.length, -'</ListBucketResult>'.length)
  const server = createServer((_, response) => {
    response.write('<ListBucketResult>')
    for (let i = 0; i < 5000; i++) response.write(page)
    response.end('</ListBucketResult>')
  }).listen(0, '127.0.0.1')
  t.teardown(() => server.close())
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const limits = { documentBytes: 1000 }
  const proxy = await startProxy(t, { upstream: `http://127.0.0.1:${port}`, limits })
  const answer = await send(proxy.origin, { path: '/b' })
  t.equal(answer.headers['content-length'], undefined)
  t.equal(shownIn(answer.text).length, 15_000)
  t.ok(shownIn(answer.text).every(etag => etag === MARKED))
})

t.test('what keeps a long copy’s connection alive is passed on at once', async t => {
  let finish = (): void => undefined
  const server = createServer((message, response) => {
    response.writeHead(200, echoOf({ headers: message.headers } as unknown as Seen))
    response.write('<?xml version="1.0"?>\n ')
    finish = () => response.end(`<CopyObjectResult><ETag>${QUOTED}</ETag></CopyObjectResult>`)
  }).listen(0, '127.0.0.1')
  t.teardown(() => server.close())
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const proxy = await startProxy(t, { upstream: `http://127.0.0.1:${port}` })
  const copy = { method: 'PUT', path: '/b/k', headers: { 'x-amz-copy-source': '/b/source' } }
  const headers = await signedHeaders(proxy.origin, copy)
  const outgoing = request(`${proxy.origin}/b/k`, { ...copy, headers }).end()
  const [answer]: [IncomingMessage] = (await once(outgoing, 'response')) as [IncomingMessage]
  const chunks: string[] = []
  for await (const chunk of answer) {
    chunks.push(String(chunk))
    finish()
  }
  t.equal(etagIn(chunks.join('')), MARKED)
  t.ok(chunks.length > 1)
})
