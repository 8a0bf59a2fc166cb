import { createHash } from 'node:crypto'
import t, { type Test } from 'tap'
import { type Received, type Sending, send } from '../support/client.ts'
import { encrypt, rule, startProxy } from '../support/proxy.ts'
import { echoOf, type Seen, startUpstream } from '../support/upstream.ts'

const HEX = 'd41d8cd98f00b204e9800998ecf8427e'
const md5 = (text: string): string => createHash('md5').update(text).digest('base64')

const RULES = [rule({ kind: 'passthrough' }, { prefixes: ['plain/', 'ä/'] }), rule(encrypt())]
const UPLOAD = '<R><UploadId>up</UploadId></R>'

interface Exchanged {
  readonly seen: Seen | undefined
  readonly answer: Received
}

/** Sends requests through a proxy, and tells what of each arrived at the provider. */
const start = async (t: Test, rules = RULES): Promise<(sending: Sending) => Promise<Exchanged>> => {
  const upstream = await startUpstream(t, seen => ({
    headers: { ...echoOf(seen), etag: `"${HEX}"` },
    body: seen.method === 'POST' ? UPLOAD : '',
  }))
  // It takes checksums, and marks as the others do.
  const provider = 'embedded'
  const proxy = await startProxy(t, { upstream: upstream.origin, provider, rules })
  return async sending => {
    const before = upstream.seen.length
    const answer = await send(proxy.origin, sending)
    return { seen: upstream.seen[before], answer }
  }
}

t.test('conditions name ETags as the provider knows them', async t => {
  const exchange = await start(t)
  const cases: readonly (readonly [header: string, sent: string, arrives: string])[] = [
    ['if-match', `"${HEX}-0"`, `"${HEX}"`],
    ['if-match', `"${HEX}"`, `"${HEX}"`],
    ['if-match', `"${HEX}-3"`, `"${HEX}-3"`],
    ['if-none-match', '*', '*'],
    ['if-none-match', `W/"${HEX}-0", "${HEX}-3","${HEX}-0"`, `W/"${HEX}", "${HEX}-3","${HEX}"`],
    ['if-range', `"${HEX}-0"`, `"${HEX}"`],
    ['x-amz-meta-of', `"${HEX}-0"`, `"${HEX}-0"`],
  ]
  for (const [header, sent, arrives] of cases) {
    for (const method of ['GET', 'HEAD']) {
      const { seen } = await exchange({ method, path: '/b/k', headers: { [header]: sent } })
      t.equal(seen?.headers[header], arrives, `${method} ${header}: ${sent}`)
    }
  }
})

t.test('nothing changes where nothing is encrypted, or nothing marked', async t => {
  const sent = { path: '/b/plain/k', headers: { 'if-match': `"${HEX}-0"` } }
  const exchange = await start(t)
  t.equal((await exchange(sent)).seen?.headers['if-match'], `"${HEX}-0"`)
  const asIs = await start(t, [rule(encrypt({ etag: 'as-is' }))])
  t.equal((await asIs({ ...sent, path: '/b/k' })).seen?.headers['if-match'], `"${HEX}-0"`)
})

t.test('a copy’s conditions are about the object that they name', async t => {
  const exchange = await start(t)
  const conditions = {
    'x-amz-copy-source-if-match': `"${HEX}-0"`,
    'x-amz-copy-source-if-none-match': `"${HEX}-0"`,
    'if-match': `"${HEX}-0"`,
  }
  const copy = async (source: string, target: string): Promise<readonly unknown[]> => {
    const headers = { 'x-amz-copy-source': source, ...conditions }
    const { seen } = await exchange({ method: 'PUT', path: target, headers })
    return Object.keys(conditions).map(name => seen?.headers[name] === `"${HEX}"`)
  }
  t.strictSame(await copy('/b/a', '/b/k'), [true, true, true])
  t.strictSame(await copy('/b/plain/a', '/b/k'), [false, false, true])
  t.strictSame(await copy('/b/a', '/b/plain/k'), [true, true, false])
})

t.test('an upload is completed with the parts’ own ETags, however they are written', async t => {
  const exchange = await start(t)
  const created = await exchange({ method: 'POST', path: '/b/k', query: { uploads: '' } })
  const uploadId = /<UploadId>([^<]*)</.exec(created.answer.text)?.[1] ?? ''
  const quotes = ['"', '&quot;', '&#34;', '']
  const parts = (etag: string): string =>
    `<CompleteMultipartUpload>${quotes.map(quote => `<Part><ETag>${quote}${etag}${quote}</ETag></Part>`).join('')}</CompleteMultipartUpload>`
  const body = parts(`${HEX}-0`)
  const complete = { method: 'POST', path: '/b/k', query: { uploadId }, body }
  // The checksum is that of the object.
  const headers = { 'content-md5': md5(body), 'x-amz-checksum-crc32': 'AAAAAA==' }
  const { seen } = await exchange({ ...complete, headers })
  t.equal(String(seen?.body), parts(HEX))
  t.equal(seen?.headers['content-md5'], md5(parts(HEX)))
  t.equal(seen?.headers['x-amz-checksum-crc32'], 'AAAAAA==')
  t.equal((await exchange(complete)).seen?.headers['content-md5'], undefined)
  const wrong = await exchange({ ...complete, headers: { 'content-md5': md5('another') } })
  t.match(wrong.answer, { status: 400, text: /BadDigest/ })
  t.equal(wrong.seen, undefined)
  const unmarked = await exchange({ ...complete, body: parts(HEX) })
  t.equal(String(unmarked.seen?.body), parts(HEX))
})

t.test('a multi-object delete keeps its conditions, and its names', async t => {
  const exchange = await start(t)
  const document = (...objects: readonly (readonly [objectKey: string, etag: string])[]): string =>
    `<Delete>${objects.map(([objectKey, etag]) => `<Object><Key>${objectKey}</Key><ETag>${etag}</ETag></Object>`).join('')}</Delete>`
  const body = document(
    [`ä${HEX}-0`, `"${HEX}-0"`],
    ['plain/k', `"${HEX}-0"`],
    ['ä/k', `"${HEX}-0"`],
    ['a&amp;b', `&quot;${HEX}-0&quot;`],
  )
  const expected = document(
    [`ä${HEX}-0`, `"${HEX}"`],
    ['plain/k', `"${HEX}-0"`],
    ['ä/k', `"${HEX}-0"`],
    ['a&amp;b', `&quot;${HEX}&quot;`],
  )
  const checksum = createHash('sha256').update(body).digest('base64')
  const headers = { 'x-amz-checksum-sha256': checksum, 'x-amz-sdk-checksum-algorithm': 'SHA256' }
  const { seen } = await exchange({
    method: 'POST',
    path: '/b',
    query: { delete: '' },
    body,
    headers,
  })
  t.equal(String(seen?.body), expected)
  t.equal(seen?.headers['content-md5'], md5(expected))
  t.equal(seen?.headers['x-amz-checksum-sha256'], undefined, 'it was the other document’s')
  t.equal(seen?.headers['x-amz-sdk-checksum-algorithm'], undefined)
})
