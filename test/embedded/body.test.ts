import { once } from 'node:events'
import { Agent, type ClientRequest, request } from 'node:http'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import t from 'tap'
import { decodeAwsChunked } from '../../lib/embedded/body/aws-chunked.ts'
import { type Ask, base64Md5, start, triple, untilEmpty } from './raw.ts'

const TRAILER = 'STREAMING-UNSIGNED-PAYLOAD-TRAILER'
const SIGNED = 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD'

async function* inPieces(text: string, size: number): AsyncGenerator<Buffer> {
  const bytes = Buffer.from(text)
  for (let i = 0; i < bytes.length; i += size) yield bytes.subarray(i, i + size)
}

const decode = async (text: string, size = text.length) => {
  const trailers = new Map<string, string>()
  const chunks: Buffer[] = []
  for await (const chunk of decodeAwsChunked(inPieces(text, size), trailers)) chunks.push(chunk)
  return { body: Buffer.concat(chunks).toString(), trailers: Object.fromEntries(trailers) }
}

t.test('aws-chunked is decoded however it is cut', async t => {
  const framed =
    '5\r\nhello\r\n7;chunk-signature=abc\r\n, world\r\n0\r\nX-Amz-Checksum-Crc32: NhCmhg==\r\n\r\n'
  const expected = { body: 'hello, world', trailers: { 'x-amz-checksum-crc32': 'NhCmhg==' } }
  for (let size = 1; size <= framed.length; size++) {
    t.strictSame(await decode(framed, size), expected)
  }
})

t.test('a body may end without the empty line, or with no trailer', async t => {
  t.strictSame(await decode('0\r\na:b'), { body: '', trailers: { a: 'b' } })
  t.strictSame(await decode('1\r\nx\r\n0\r\n\r\n'), { body: 'x', trailers: {} })
})

t.test('framing that breaks off or is wrong is refused', async t => {
  for (const framed of [
    '',
    '5\r\nhel',
    '5\r\nhello',
    '5\r\nhello\r\n',
    '5\r\nhello!\r\n0\r\n\r\n',
    'x\r\n',
    '-1\r\n',
    `${'0'.repeat(5000)}\r\n`,
    'a'.repeat(5000),
  ]) {
    await t.rejects(decode(framed, 1000), { code: 'IncompleteBody' }, framed.slice(0, 20))
  }
})

const chunked = (mode: string, length: number, more: Record<string, string> = {}) => ({
  'x-amz-content-sha256': mode,
  'x-amz-decoded-content-length': String(length),
  'content-encoding': 'aws-chunked',
  ...more,
})

t.test('a chunked body is stored without its framing', async t => {
  const { ask } = await start(t)
  const framed = '5\r\nhello\r\n0\r\n\r\n'
  const gzipped = { ...chunked(TRAILER, 5), 'content-encoding': 'aws-chunked,gzip' }
  for (const headers of [chunked(TRAILER, 5), chunked(SIGNED, 5), gzipped]) {
    t.equal((await ask('PUT', '/box/a', headers, framed)).status, 200)
    const get = await ask('GET', '/box/a')
    t.equal(get.text, 'hello')
    t.equal(get.headers['content-encoding'], headers === gzipped ? 'gzip' : undefined)
  }
})

const CHECKSUM = 'x-amz-checksum-crc32'
const trailing = (value: string, announced = CHECKSUM, sent = CHECKSUM) =>
  [
    chunked(TRAILER, 5, { 'x-amz-trailer': announced }),
    `5\r\nhello\r\n0\r\n${sent}:${value}\r\n\r\n`,
  ] as const

t.test('a trailing checksum is checked and kept', async t => {
  const { ask } = await start(t)
  const put = await ask('PUT', '/box/a', ...trailing('NhCmhg=='))
  t.match(put.headers, { [CHECKSUM]: 'NhCmhg==', 'x-amz-checksum-type': 'FULL_OBJECT' })
  for (const [sent, code] of [
    [trailing('AAAAAA=='), 'BadDigest'],
    [trailing('AAAA'), 'InvalidRequest'],
    [trailing('NhCmhg==', CHECKSUM, 'x-amz-checksum-sha1'), 'MalformedTrailerError'],
    [trailing('NhCmhg==', 'x-amz-checksum-md2'), 'InvalidRequest'],
  ] as const) {
    t.equal((await ask('PUT', '/box/new', ...sent)).element('Code'), code)
  }
  t.equal((await ask('GET', '/box/new')).status, 404)
})

type Sent = readonly [headers: Readonly<Record<string, string>>, body: string]

const REFUSED: readonly (readonly [what: string, sent: Sent, code: string])[] = [
  [
    'another payload hash',
    [{ 'x-amz-content-sha256': '0'.repeat(64) }, 'x'],
    'XAmzContentSHA256Mismatch',
  ],
  ['another Content-MD5', [{ 'content-md5': base64Md5('y') }, 'x'], 'BadDigest'],
  ['a Content-MD5 that is none', [{ 'content-md5': 'AAAA' }, 'x'], 'InvalidDigest'],
  ['a shorter body than told', [chunked(TRAILER, 6), '5\r\nhello\r\n0\r\n\r\n'], 'IncompleteBody'],
  ['a longer body than told', [chunked(TRAILER, 4), '5\r\nhello\r\n0\r\n\r\n'], 'IncompleteBody'],
  ['no length', [{ 'x-amz-content-sha256': TRAILER }, '0\r\n\r\n'], 'MissingContentLength'],
  ['more than S3 takes at once', [chunked(TRAILER, 6 * 1024 ** 3), '0\r\n\r\n'], 'EntityTooLarge'],
  ['an unknown payload mode', [{ 'x-amz-content-sha256': 'x' }, 'x'], 'InvalidArgument'],
  [
    'two checksums',
    [{ [CHECKSUM]: 'NhCmhg==', 'x-amz-checksum-sha1': 'x' }, 'hello'],
    'InvalidRequest',
  ],
  ['another checksum', [{ [CHECKSUM]: 'NhCmhg==' }, 'x'], 'BadDigest'],
  ['an impossible checksum', [{ [CHECKSUM]: 'no' }, 'x'], 'InvalidRequest'],
  ['a checksum not known here', [{ 'x-amz-checksum-xxhash64': 'AAAA' }, 'x'], 'NotImplemented'],
  [
    'a checksum announced and not sent',
    [{ 'x-amz-sdk-checksum-algorithm': 'CRC32' }, 'x'],
    'InvalidRequest',
  ],
]

t.test('a body that is not what its head says leaves neither object nor part', async t => {
  const path = t.testdir()
  const { ask } = await start(t, path)
  const upload = await ask('POST', '/box/parts?uploads')
  const part = `/box/parts?partNumber=1&uploadId=${upload.element('UploadId')}`
  for (const [what, [headers, body], code] of REFUSED) {
    t.equal((await ask('PUT', '/box/new', headers, body)).element('Code'), code, what)
    t.equal((await ask('PUT', part, headers, body)).element('Code'), code, what)
  }
  t.equal((await ask('GET', '/box/new')).status, 404)
  for (const folder of ['data', 'parts']) {
    t.strictSame(await untilEmpty(join(path, 'contents', 'box', folder)), [], folder)
  }
})

/** Sends a head and a bit of its body, and goes away. */
const breakOff = async (origin: string, target: string, headers: Record<string, string>) => {
  const outgoing = request(`${origin}${target}`, { method: 'PUT', headers, agent: false })
  outgoing.on('error', () => undefined)
  outgoing.write(Buffer.alloc(100_000))
  await setTimeout(50)
  outgoing.destroy()
}

t.test('a client that goes away leaves neither object nor part', async t => {
  const path = t.testdir()
  const { ask, origin } = await start(t, path)
  const upload = await ask('POST', '/box/parts?uploads', triple('k'))
  const part = `/box/parts?partNumber=1&uploadId=${upload.element('UploadId')}`
  const framing = { 'content-length': '200000', ...triple('k') }
  for (const target of ['/box/new', part]) await breakOff(origin, target, framing)
  t.strictSame(await untilEmpty(join(path, 'contents', 'box', 'data')), [])
  t.equal((await ask('GET', '/box/new')).status, 404)
})

/** Waits to be told to continue; gives whether it was. */
const expectContinue = async (outgoing: ClientRequest) => {
  let continued = false
  outgoing.on('continue', () => {
    continued = true
    outgoing.end('hello')
  })
  outgoing.flushHeaders()
  const [answer] = await once(outgoing, 'response')
  answer.resume()
  return { continued, status: answer.statusCode, connection: answer.headers.connection }
}

t.test('a client that waits is told to continue once its body is wanted', async t => {
  const { ask, origin } = await start(t)
  const headers = { expect: '100-continue', 'content-length': '5' }
  const put = (bucket: string) =>
    expectContinue(request(`${origin}/${bucket}/a`, { method: 'PUT', headers, agent: false }))
  t.match(await put('box'), { continued: true, status: 200 })
  t.match(await put('absent'), { continued: false, status: 404, connection: 'close' })
  t.equal((await ask('GET', '/box/a')).text, 'hello')
})

t.test('a body that is refused unread leaves its connection usable', async t => {
  const { origin } = await start(t)
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  t.teardown(() => agent.destroy())
  const send = async (method: string, target: string, body: Buffer) => {
    const headers = { 'content-length': body.length }
    const outgoing = request(`${origin}${target}`, { method, headers, agent })
    outgoing.end(body)
    const [answer] = await once(outgoing, 'response')
    await answer.resume().toArray()
    return [answer.statusCode, outgoing.reusedSocket]
  }
  t.strictSame(await send('PUT', '/absent-bucket/a', Buffer.alloc(3_000_000)), [404, false])
  t.strictSame(await send('GET', '/box', Buffer.alloc(0)), [200, true])
})

t.test('a document is read no further than a document goes', async t => {
  const { ask } = await start(t)
  const post = (ask: Ask, length: string) =>
    ask('POST', '/box?delete', chunked(TRAILER, Number(length)), '0\r\n\r\n')
  t.equal((await post(ask, '5000000')).element('Code'), 'MaxMessageLengthExceeded')
  t.equal((await post(ask, '0')).element('Code'), 'MalformedXML')
})
