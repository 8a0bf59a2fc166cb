import { request } from 'node:http'
import { Readable } from 'node:stream'
import { setTimeout } from 'node:timers/promises'
import t from 'tap'
import type { FaultyRequest, Misbehaviour } from '../../lib/embedded/faults.ts'
import { S3Error } from '../../lib/s3/error.ts'
import type { OperationName } from '../../lib/s3/operation.ts'
import { queryValue } from '../../lib/s3/query.ts'
import type { Transport } from '../../lib/transport/transport.ts'
import { send, signedHeaders } from '../support/client.ts'
import { journeyOf, requestOf } from '../support/journey.ts'
import { keyring } from '../support/proxy.ts'
import { bytesOf, MAIN_NEW, MAIN_OLD, RULES, type Stage, startStage, tripleOf } from './stage.ts'

/** Smaller parts than any provider completes: none of these copies comes to that. */
const PART = 100_000
const BY_PARTS = { whole: PART, part: PART }
const COPY = { method: 'PUT', path: '/other/copy', headers: { 'x-amz-copy-source': 'main/source' } }

const putSource = (stage: Stage, length: number) =>
  stage.direct({
    method: 'PUT',
    path: '/main/source',
    body: bytesOf(length),
    headers: { ...tripleOf(MAIN_OLD), 'x-amz-tagging': 'a=b' },
  })

/** Nothing of a copy is there: no object, and no upload. */
const isNothingLeft = async (stage: Stage): Promise<boolean> => {
  const { status } = await stage.direct({ path: COPY.path })
  return status === 404 && (await stage.uploads('other')).length === 0
}

const status = (status: number, code: string): Misbehaviour => ({ kind: 'status', status, code })

type Failure = readonly [
  name: string,
  on: OperationName | ((request: FaultyRequest) => boolean),
  misbehave: Misbehaviour,
  expected: { readonly status: number; readonly text: RegExp },
]

const UNCONFIRMED = { status: 502, text: /<Code>UnconfirmedEncryption</ }

const WHOLE: readonly Failure[] = [
  [
    'the source breaks off',
    'GetObject',
    { kind: 'cut', bytes: 70_000 },
    { status: 502, text: /UpstreamUnavailable/ },
  ],
  [
    'the source may not be read',
    'GetObject',
    status(403, 'Forbidden'),
    { status: 403, text: /Forbidden/ },
  ],
  ['the source is slow', 'GetObject', status(503, 'SlowDown'), { status: 503, text: /SlowDown/ }],
  [
    'the tags may not be read',
    'GetObjectTagging',
    status(403, 'AccessDenied'),
    { status: 403, text: /AccessDenied/ },
  ],
  [
    'the write fails',
    'PutObject',
    status(500, 'InternalError'),
    { status: 500, text: /InternalError/ },
  ],
  [
    'the write is refused at once',
    'PutObject',
    { kind: 'answerEarly', status: 403, code: 'AccessDenied' },
    { status: 403, text: /AccessDenied/ },
  ],
  ['the write is not encrypted', 'PutObject', { kind: 'ignoreSseC' }, UNCONFIRMED],
  ['the write is encrypted otherwise', 'PutObject', { kind: 'wrongEcho' }, UNCONFIRMED],
]

t.test('a copy that fails leaves nothing, and says why', async t => {
  for (const [name, on, misbehave, expected] of WHOLE) {
    const stage = await startStage(t)
    const proxy = await stage.proxy({ copy: 'none' })
    await putSource(stage, 3 * PART)
    const struck = stage.faults.add({ on, misbehave })
    t.match(await send(proxy.origin, COPY), expected, name)
    t.ok(struck() > 0, name)
    // An object under another key than ours is not ours to delete: a concurrent write may have made it.
    stage.faults.clear()
    if (misbehave.kind !== 'wrongEcho') t.ok(await isNothingLeft(stage), name)
    t.equal((await send(proxy.origin, COPY)).status, 200, `${name}, and then it does not`)
  }
})

const isPart =
  (number: string) =>
  (request: FaultyRequest): boolean =>
    request.method === 'PUT' && queryValue(request.query, 'partNumber') === number

const isRange =
  (range: string) =>
  (request: FaultyRequest): boolean =>
    request.method === 'GET' && request.headers.get('range')?.startsWith(`bytes=${range}-`) === true

const BY_PART: readonly Failure[] = [
  [
    'the upload cannot be created',
    'CreateMultipartUpload',
    status(503, 'SlowDown'),
    { status: 503, text: /SlowDown/ },
  ],
  ['the upload is not encrypted', 'CreateMultipartUpload', { kind: 'ignoreSseC' }, UNCONFIRMED],
  [
    'a part fails',
    isPart('2'),
    status(500, 'InternalError'),
    { status: 500, text: /InternalError/ },
  ],
  ['a part is encrypted otherwise', isPart('2'), { kind: 'wrongEcho' }, UNCONFIRMED],
  [
    'the source breaks off',
    isRange(String(PART)),
    { kind: 'cut', bytes: 70_000 },
    { status: 502, text: /UpstreamUnavailable/ },
  ],
  [
    'the source is changed meanwhile',
    isRange(String(PART)),
    status(412, 'PreconditionFailed'),
    { status: 409, text: /<Code>OperationAborted<.*was changed while it was copied/ },
  ],
  [
    'the source goes',
    isRange(String(PART)),
    status(404, 'NoSuchKey'),
    { status: 404, text: /NoSuchKey/ },
  ],
  [
    'the upload cannot be completed',
    'CompleteMultipartUpload',
    status(500, 'InternalError'),
    { status: 500, text: /InternalError/ },
  ],
]

t.test('a copy by parts that fails leaves nothing, and says why', async t => {
  for (const [name, on, misbehave, expected] of BY_PART) {
    const stage = await startStage(t)
    const proxy = await stage.proxy({ copy: 'none', copyLimits: BY_PARTS })
    await putSource(stage, 3 * PART)
    const struck = stage.faults.add({ on, misbehave })
    t.match(await send(proxy.origin, COPY), expected, name)
    t.ok(struck() > 0, name)
    stage.faults.clear()
    t.ok(await isNothingLeft(stage), name)
  }
})

t.test('an upload that cannot even be aborted hides no error', async t => {
  const stage = await startStage(t)
  const proxy = await stage.proxy({ copy: 'none', copyLimits: BY_PARTS })
  await putSource(stage, 2 * PART)
  stage.faults.add({ on: isPart('2'), misbehave: status(507, 'NoSpace') })
  stage.faults.add({ on: 'AbortMultipartUpload', misbehave: { kind: 'closeAfter' } })
  stage.faults.add({ on: 'AbortMultipartUpload', misbehave: status(500, 'InternalError') })
  t.match(await send(proxy.origin, COPY), { status: 507, text: /NoSpace/ })
})

/** Sends the copy, and hangs up once the provider has seen so many requests of the operation. */
const hangUpAfter = async (origin: string, isTime: () => boolean): Promise<void> => {
  const headers = { 'content-length': '0', ...(await signedHeaders(origin, COPY)) }
  const { hostname, port } = new URL(origin)
  const { method, path } = COPY
  const outgoing = request({ hostname, port, method, path, headers, agent: false })
  outgoing.on('error', () => undefined)
  outgoing.end()
  while (!isTime()) await setTimeout(10)
  outgoing.destroy()
}

const until = async (isSo: () => Promise<boolean>): Promise<boolean> => {
  for (let tries = 0; tries < 100; tries++) {
    if (await isSo()) return true
    await setTimeout(50)
  }
  return false
}

t.test('a source that breaks off while nobody reads it yet harms nobody', async t => {
  const stage = await startStage(t)
  const proxy = await stage.proxy({ copy: 'none' })
  await putSource(stage, 5 * PART)
  stage.faults.add({ on: 'GetObject', misbehave: { kind: 'cut', bytes: 2 * PART } })
  stage.faults.add({ on: 'GetObjectTagging', misbehave: { kind: 'delay', ms: 300 } })
  t.match(await send(proxy.origin, COPY), { status: 502, text: /UpstreamUnavailable/ })
  stage.faults.clear()
  t.ok(await isNothingLeft(stage))
})

t.test('a client that goes away takes its copy with it', async t => {
  for (const [name, on] of [
    ['while the object is written', 'PutObject'],
    ['while a part is written', isPart('2')],
    ['while the upload is completed', 'CompleteMultipartUpload'],
  ] as const) {
    const stage = await startStage(t)
    const proxy = await stage.proxy({
      copy: 'none',
      ...(on === 'PutObject' ? {} : { copyLimits: BY_PARTS }),
    })
    await putSource(stage, 3 * PART)
    const struck = stage.faults.add({ on, misbehave: { kind: 'stall' } })
    await hangUpAfter(proxy.origin, () => struck() > 0)
    t.ok(await until(() => isNothingLeft(stage)), name)
  }
})

t.test('a provider’s own copy that is not encrypted is taken back', async t => {
  const stage = await startStage(t)
  const proxy = await stage.proxy({ provider: 'generic' })
  await stage.direct({ method: 'PUT', path: '/plain/source', body: 'plain' })
  stage.faults.add({ on: 'CopyObject', misbehave: { kind: 'ignoreSseC' } })
  const headers = { 'x-amz-copy-source': 'plain/source' }
  t.match(await send(proxy.origin, { ...COPY, headers }), UNCONFIRMED)
  stage.faults.clear()
  t.ok(await isNothingLeft(stage))
})

t.test('a refused copy keeps what was there before', async t => {
  const stage = await startStage(t)
  const proxy = await stage.proxy({ copy: 'none' })
  await putSource(stage, 1000)
  await send(proxy.origin, { method: 'PUT', path: '/other/copy', body: 'before' })
  stage.faults.add({ on: 'GetObject', misbehave: { kind: 'cut', bytes: 10 } })
  t.equal((await send(proxy.origin, COPY)).status, 502)
  stage.faults.clear()
  t.equal((await send(proxy.origin, { path: '/other/copy' })).text, 'before')
})

t.test('a copy onto itself is refused unless it changes something', async t => {
  const stage = await startStage(t)
  const proxy = await stage.proxy({ copy: 'none' })
  const onto = (headers: Readonly<Record<string, string>> = {}) =>
    send(proxy.origin, {
      method: 'PUT',
      path: '/main/source',
      headers: { 'x-amz-copy-source': 'main/source', ...headers },
    })
  const illegal = { status: 400, text: /copy an object to itself without changing/ }
  await stage.direct({
    method: 'PUT',
    path: '/main/source',
    body: 'x',
    headers: tripleOf(MAIN_NEW),
  })
  t.match(await onto(), illegal)
  t.equal((await onto({ 'x-amz-metadata-directive': 'REPLACE', 'x-amz-meta-a': 'b' })).status, 200)
  t.equal((await onto({ 'x-amz-storage-class': 'STANDARD_IA' })).status, 200)
  const read = await send(proxy.origin, { path: '/main/source' })
  t.match(read, {
    text: 'x',
    headers: { 'x-amz-meta-a': 'b', 'x-amz-storage-class': 'STANDARD_IA' },
  })
  for (const older of [MAIN_OLD, undefined]) {
    const headers = tripleOf(older)
    await stage.direct({ method: 'PUT', path: '/main/source', body: 'y', headers })
    t.equal((await onto()).status, 200, 'the newest key is a change')
    t.match(await onto(), illegal, 'once')
    t.equal((await stage.direct({ path: '/main/source', headers: tripleOf(MAIN_NEW) })).text, 'y')
  }
})

t.test('a long copy answers in time, and tells in the end', async t => {
  const stage = await startStage(t)
  const patience = { silence: 50, interval: 20 }
  const proxy = await stage.proxy({ copy: 'none', patience })
  await putSource(stage, 1000)
  stage.faults.add({ on: 'PutObject', misbehave: { kind: 'delay', ms: 300 } })
  const good = await send(proxy.origin, COPY)
  t.match(good, {
    status: 200,
    text: /^<\?xml[^>]*>\s{5,}<CopyObjectResult .*<ETag>&quot;\w{32}-0&quot;/,
  })
  stage.faults.add({ on: 'PutObject', misbehave: status(503, 'SlowDown') })
  const bad = await send(proxy.origin, COPY)
  t.match(bad, { status: 200, text: /^<\?xml[^>]*>\s{5,}<Error><Code>SlowDown</ })
  t.match(proxy.lines.at(-1), { status: 200, error: 'SlowDown' })
})

t.test('a body that broke off was the source’s, not the client’s', async t => {
  const sent: string[] = []
  const transport: Transport = {
    send: async ({ method, headers }) => {
      sent.push(method)
      // As the transport says of any body that ends too soon.
      if (method === 'PUT') throw new S3Error('IncompleteBody')
      const echo = [...headers].filter(([name]) => /customer-(?:algorithm|key-md5)$/.test(name))
      const answer = new Map([['content-length', '9'], ...echo])
      return { status: 200, headers: answer, body: Readable.from([Buffer.from('too s')]) }
    },
    close: async () => undefined,
  }
  const journey = journeyOf({
    rules: RULES,
    keyrings: [keyring('main', 'v2'), keyring('other', 'w1')],
    transport,
    provider: 'ceph',
  })
  const headers = new Map([['x-amz-copy-source', 'main/source']])
  const asked = { method: 'PUT', path: '/other/copy', query: '', headers, body: '' }
  await t.rejects(journey(requestOf(asked), AbortSignal.timeout(5000)), {
    code: 'UpstreamUnavailable',
    message: /broke off while the copy source was read/,
  })
  t.strictSame(sent, ['GET', 'GET', 'PUT'])
})

t.test('an upload without an id is none', async t => {
  const stage = await startStage(t)
  const proxy = await stage.proxy({ copy: 'none', copyLimits: BY_PARTS })
  await putSource(stage, 2 * PART)
  stage.faults.add({ on: 'CreateMultipartUpload', misbehave: { kind: 'status', status: 204 } })
  t.match(await send(proxy.origin, COPY), { status: 502, text: /gave the upload no id/ })
})
