import fc from 'fast-check'
import t from 'tap'
import { type Received, send } from '../support/client.ts'
import type { RunningProxy } from '../support/proxy.ts'
import { bytesOf, MAIN_NEW, MAIN_OLD, type Stage, startStage, tripleOf } from './stage.ts'

/*
 * A streamed copy is what the provider's own would be: the same object, the same answer, the same refusal. The embedded
 * upstream copies as AWS does, and so judges what the proxy makes of the same copy.
 */

const BODY = bytesOf(5_000)

const SOURCE_HEADERS = {
  'content-type': 'text/plain; charset=utf-8',
  'cache-control': 'max-age=60',
  'content-disposition': 'attachment; filename="a.txt"',
  'content-encoding': 'gzip',
  'content-language': 'de',
  expires: 'Thu, 01 Dec 2033 16:00:00 GMT',
  'x-amz-meta-colour': 'blue',
  'x-amz-meta-empty': '',
  'x-amz-tagging': 'team=a%20b&x=%2B%26%3D',
  'x-amz-storage-class': 'STANDARD_IA',
}

const ETAG_OF_SOURCE = 'ETAG'
const PAST = 'Thu, 01 Dec 2011 16:00:00 GMT'
const FUTURE = 'Thu, 01 Dec 2033 16:00:00 GMT'

const condition = (...values: readonly string[]) => fc.option(fc.constantFrom(...values))

/** What a client may say with a copy. */
const copyHeaders = fc
  .record({
    'x-amz-metadata-directive': fc.option(fc.constantFrom('COPY', 'REPLACE', 'MERGE')),
    'x-amz-tagging-directive': fc.option(fc.constantFrom('COPY', 'REPLACE', 'MERGE')),
    'x-amz-tagging': condition('own=1', 'a=b&c=d'),
    'x-amz-storage-class': condition('STANDARD', 'GLACIER_IR', 'NO_SUCH'),
    'x-amz-acl': condition('private', 'public-read'),
    'x-amz-meta-shape': condition('round'),
    'content-type': condition('image/png'),
    'cache-control': condition('no-store'),
    'x-amz-copy-source-if-match': condition(ETAG_OF_SOURCE, '"another"'),
    'x-amz-copy-source-if-none-match': condition(ETAG_OF_SOURCE, '"another"'),
    'x-amz-copy-source-if-modified-since': condition(PAST, FUTURE),
    'x-amz-copy-source-if-unmodified-since': condition(PAST, FUTURE),
    'if-none-match': condition('*'),
    'if-match': condition('"another"'),
  })
  .map(headers => Object.fromEntries(Object.entries(headers).filter(([, value]) => value !== null)))

/** Most clients say little, and what is said together hides what is said alone. */
const fewHeaders = fc
  .tuple(copyHeaders, fc.array(fc.nat(), { minLength: 1, maxLength: 4 }))
  .map(([headers, picks]) => {
    const entries = Object.entries(headers)
    return Object.fromEntries(picks.flatMap(pick => entries.slice(pick % 14, (pick % 14) + 1)))
  }) as fc.Arbitrary<Record<string, string>>

const COMPARED = [
  'cache-control',
  'content-disposition',
  'content-encoding',
  'content-language',
  'content-length',
  'content-type',
  'expires',
  'x-amz-storage-class',
  'x-amz-tagging-count',
]

/** What an object is, but for when it was written and how it is encrypted. */
const objectAt = async (stage: Stage, proxy: RunningProxy, path: string) => {
  const read = await send(proxy.origin, { path })
  const tags = await stage.direct({ path, query: { tagging: '' } })
  const kept = Object.entries(read.headers).filter(
    ([name]) => COMPARED.includes(name) || name.startsWith('x-amz-meta-'),
  )
  return {
    status: read.status,
    bytes: read.body.equals(BODY),
    headers: Object.fromEntries(kept.sort()),
    tags: tags.status === 200 ? tags.text : undefined,
  }
}

/** Of several faults at once S3 names one, and which is not said. */
const withoutCause = (outcome: ReturnType<typeof outcomeOf>) =>
  outcome.status < 300 ? outcome : { status: 'refused' }

const outcomeOf = ({ status, text }: Received) => ({
  status,
  code: /<Code>([^<]*)/.exec(text)?.[1],
  root: /<(CopyObjectResult|CopyPartResult|Error)\b/.exec(text)?.[1],
  elements: [...text.matchAll(/<(ETag|LastModified)>[^<]+/g)].map(([, name]) => name),
})

t.test('a streamed CopyObject is what the provider’s own would be', async t => {
  const stage = await startStage(t)
  const own = await stage.proxy({ copy: 'full' })
  const streamed = await stage.proxy({ copy: 'none' })
  const outcomes = new Set<string>()
  let turn = 0
  await fc.assert(
    fc.asyncProperty(
      fewHeaders,
      fc.constantFrom(MAIN_NEW, MAIN_OLD, undefined),
      fc.boolean(),
      async (asked, key, isThere) => {
        turn += 1
        const put = { method: 'PUT', path: `/main/source${turn}`, body: BODY }
        const { etag } = (
          await stage.direct({ ...put, headers: { ...SOURCE_HEADERS, ...tripleOf(key) } })
        ).headers
        const headers = {
          ...Object.fromEntries(
            Object.entries(asked).map(([name, value]) => [
              name,
              value === ETAG_OF_SOURCE ? (etag ?? '') : value,
            ]),
          ),
          'x-amz-copy-source': put.path,
        }
        const copies = [own, streamed].map(async (proxy, index) => {
          const path = `/other/copy${turn}-${index}`
          if (isThere) await send(own.origin, { method: 'PUT', path, body: 'before' })
          const copied = await send(proxy.origin, { method: 'PUT', path, headers })
          const outcome = outcomeOf(copied)
          outcomes.add(`${outcome.status} ${outcome.code}`)
          return {
            copied: Object.keys(asked).length > 1 ? withoutCause(outcome) : outcome,
            object: await objectAt(stage, own, path),
          }
        })
        const [expected, found] = await Promise.all(copies)
        if (JSON.stringify(found) !== JSON.stringify(expected)) {
          throw new Error(`${JSON.stringify(found)}\ninstead of\n${JSON.stringify(expected)}`)
        }
      },
    ),
    { numRuns: 150 },
  )
  t.ok(outcomes.size >= 5, [...outcomes].sort().join(', '))
  t.ok(outcomes.has('200 undefined'))
  t.ok(outcomes.has('412 PreconditionFailed'))
})

const RANGES = [
  'bytes=0-0',
  'bytes=0-4999',
  'bytes=4999-4999',
  'bytes=10-4000',
  'bytes=0-5000',
  'bytes=5000-5001',
  'bytes=9-8',
  'bytes=-5',
  'bytes=5-',
  'bytes=0-1,3-4',
  '0-2',
  'bytes=a-b',
  'bytes=0-99999999999999999999',
]

t.test(
  'a streamed UploadPartCopy takes and refuses the ranges that the provider’s own does',
  async t => {
    const stage = await startStage(t)
    const own = await stage.proxy({ copy: 'full' })
    const streamed = await stage.proxy({ copy: 'none' })
    const source = { method: 'PUT', path: '/main/source', body: BODY }
    await stage.direct({ ...source, headers: tripleOf(MAIN_OLD) })
    const path = '/other/parts'
    const created = await send(own.origin, { method: 'POST', path, query: { uploads: '' } })
    const uploadId = /<UploadId>([^<]*)/.exec(created.text)?.[1] ?? ''
    for (const [index, range] of RANGES.entries()) {
      const query = { partNumber: String(index + 1), uploadId }
      const headers = { 'x-amz-copy-source': 'main/source', 'x-amz-copy-source-range': range }
      const [expected, found] = await Promise.all(
        [own, streamed].map(({ origin }) => send(origin, { method: 'PUT', path, query, headers })),
      )
      t.strictSame(found && outcomeOf(found), expected && outcomeOf(expected), range)
    }
  },
)

t.test('missing things are missing either way', async t => {
  const stage = await startStage(t)
  for (const ability of ['full', 'none'] as const) {
    const { origin } = await stage.proxy({ copy: ability })
    const copy = (source: string, path: string) =>
      send(origin, { method: 'PUT', path, headers: { 'x-amz-copy-source': source } })
    t.match(await copy('main/none', '/main/a'), { status: 404, text: '<Code>NoSuchKey' }, ability)
    t.match(await copy('none/a', '/main/a'), { status: 404, text: '<Code>NoSuchBucket' }, ability)
    await send(origin, { method: 'PUT', path: '/main/a', body: 'x' })
    t.match(await copy('main/a', '/none/a'), { status: 404, text: '<Code>NoSuchBucket' }, ability)
  }
})
