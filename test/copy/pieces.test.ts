import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import fc from 'fast-check'
import t from 'tap'
import { copiedBody } from '../../lib/copy/copied-body.ts'
import { partRanges } from '../../lib/copy/copy-by-parts.ts'
import { madeBy } from '../../lib/copy/result.ts'
import { taggingHeader } from '../../lib/s3/tagging.ts'
import { escapeXml } from '../../lib/s3/xml.ts'
import type { EnforcedRequest } from '../../lib/ssec/enforce.ts'
import { send } from '../support/client.ts'
import { startProxy } from '../support/proxy.ts'
import { startUpstream } from '../support/upstream.ts'
import { RULES } from './stage.ts'

t.test('the ranges of a copy by parts are the object, without gap or overlap', async () => {
  fc.assert(
    fc.property(fc.nat(2 ** 40), fc.integer({ min: 1, max: 2 ** 30 }), (length, part) => {
      const ranges = partRanges(length, part)
      t.ok(ranges.length <= 10_000)
      t.equal(ranges.at(-1)?.last ?? -1, length - 1)
      const isNext = ({ first, last }: (typeof ranges)[0], index: number): boolean =>
        first === (ranges[index - 1]?.last ?? -1) + 1 && last >= first
      t.ok(ranges.every(isNext))
    }),
    { numRuns: 50 },
  )
})

t.test('5 GiB and a byte more', async t => {
  const part = 512 * 1024 ** 2
  const ranges = partRanges(5 * 1024 ** 3 + 1, part)
  t.equal(ranges.length, 11)
  t.strictSame(ranges.at(-1), { first: 5 * 1024 ** 3, last: 5 * 1024 ** 3 })
  const most = partRanges(48.8 * 1024 ** 4, part)
  t.ok(most.length <= 10_000 && most.every(({ first, last }) => last - first < 5 * 1024 ** 3))
})

const tag = (key: string, value: string): string =>
  `<Tag>\n <Key>${escapeXml(key)}</Key><Value>${escapeXml(value)}</Value></Tag>`

t.test('tags travel as they are', async t => {
  const text = fc.string({ unit: 'grapheme' })
  fc.assert(
    fc.property(fc.uniqueArray(fc.tuple(text, text), { selector: ([key]) => key }), tags => {
      const xml = `<Tagging><TagSet>${tags.map(([key, value]) => tag(key, value)).join('')}</TagSet></Tagging>`
      const header = taggingHeader(xml)
      t.match(header, /^[\x21-\x7e]*$/)
      const read = header === '' ? [] : header.split('&').map(one => one.split('='))
      t.strictSame(
        read.map(pair => pair.map(decodeURIComponent)),
        tags,
      )
    }),
    { numRuns: 50 },
  )
  t.equal(taggingHeader('<Tagging><TagSet/></Tagging>'), '')
  t.equal(taggingHeader('<Tag><Key>a</Key><Value/></Tag>'), 'a=')
})

const asking = (algorithm: string) =>
  ({ headers: new Map([['x-amz-checksum-algorithm', algorithm]]) }) as unknown as EnforcedRequest

t.test('a checksum that is asked for is computed as the bytes flow', async t => {
  const bytes = Buffer.from('the bytes of the source')
  const sha256 = createHash('sha256').update(bytes).digest('base64')
  const wire = Readable.from([])
  const source = { headers: new Map(), wire, length: bytes.length, key: undefined }
  const body = copiedBody(asking('SHA256'), source, new Map())
  const { filter, trailer, length } = body.kind === 'stream' ? body.payload : {}
  t.equal(length, bytes.length)
  const flown = [bytes.subarray(0, 5), bytes.subarray(5)].flatMap(part => filter?.push(part) ?? [])
  t.ok(Buffer.concat([...flown, ...(filter?.end() ?? [])]).equals(bytes))
  t.match(trailer, { name: 'x-amz-checksum-sha256' })
  t.equal(trailer?.value(), sha256)
  const kept = copiedBody(asking('SHA256'), source, new Map([['x-amz-checksum-sha256', sha256]]))
  t.match(kept, { kind: 'stream', payload: { trailer: undefined, filter: undefined } })
  const empty = copiedBody(asking('CRC32'), { ...source, length: 0 }, new Map())
  t.equal(empty.kind === 'bytes' && empty.trailer?.value(), 'AAAAAA==')
})

t.test('what a write’s answer does not date is dated now', async t => {
  const now = new Date('2033-12-01T16:00:00Z')
  const dated = new Map([['date', 'Thu, 01 Dec 2011 16:00:00 GMT']])
  const made = (headers: ReadonlyMap<string, string>) =>
    madeBy({ status: 200, headers, body: undefined }, now)
  t.equal(made(dated).lastModified.toISOString(), '2011-12-01T16:00:00.000Z')
  t.equal(made(new Map()).lastModified, now)
})

t.test('a source whose length is not told is not copied', async t => {
  const upstream = await startUpstream(t, () => ({ body: 'as chunks' }))
  const proxy = await startProxy(t, { upstream: upstream.origin, provider: 'ceph', rules: RULES })
  const headers = { 'x-amz-copy-source': 'plain/k' }
  const copied = await send(proxy.origin, { method: 'PUT', path: '/main/k', headers })
  t.match(copied, { status: 502, text: /did not say how long/ })
  t.equal(upstream.seen.length, 1)
})
