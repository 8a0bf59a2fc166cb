import { createHash } from 'node:crypto'
import t from 'tap'
import { createHasher } from '../../lib/embedded/body/checksum.ts'
import type { ChecksumAlgorithm } from '../../lib/embedded/store/records.ts'
import { type Answer, start, triple } from './raw.ts'

const { ask } = await start(t)

const BIG = Buffer.alloc(5 * 1024 * 1024, 'a')
const TAIL = Buffer.from('tail')

const told = ({ status, element }: Answer) => [status, element('Code')]

type Headers = Readonly<Record<string, string>>

const create = async (key: string, headers: Headers = {}): Promise<string> =>
  (await ask('POST', `/box/${key}?uploads`, headers)).element('UploadId') ?? ''

interface Listed {
  readonly number: number
  readonly etag: string
  readonly more?: string
}

const complete = (
  key: string,
  uploadId: string,
  parts: readonly Listed[],
  headers: Headers = {},
) => {
  const listed = parts.map(
    ({ number, etag, more = '' }) =>
      `<Part><PartNumber>${number}</PartNumber><ETag>${etag}</ETag>${more}</Part>`,
  )
  const xml = `<CompleteMultipartUpload>${listed.join('')}</CompleteMultipartUpload>`
  return ask('POST', `/box/${key}?uploadId=${uploadId}`, headers, xml)
}

const digest = async (
  algorithm: ChecksumAlgorithm,
  ...bytes: readonly Buffer[]
): Promise<Buffer> => {
  const hasher = await createHasher(algorithm)
  for (const each of bytes) hasher.update(each)
  return hasher.digest()
}

const sendSummed = async (
  key: string,
  uploadId: string,
  algorithm: ChecksumAlgorithm,
  body: Buffer,
  number: number,
): Promise<Listed & { readonly sum: string }> => {
  const sum = (await digest(algorithm, body)).toString('base64')
  const headers = { [`x-amz-checksum-${algorithm.toLowerCase()}`]: sum }
  const target = `/box/${key}?partNumber=${number}&uploadId=${uploadId}`
  const { headers: answered } = await ask('PUT', target, headers, body)
  const more = `<Checksum${algorithm}>${sum}</Checksum${algorithm}>`
  return { number, etag: String(answered.etag), more, sum }
}

const KINDS = [
  ['CRC32', undefined, 'COMPOSITE'],
  ['CRC32', 'FULL_OBJECT', 'FULL_OBJECT'],
  ['CRC32C', 'FULL_OBJECT', 'FULL_OBJECT'],
  ['CRC64NVME', undefined, 'FULL_OBJECT'],
  ['SHA1', undefined, 'COMPOSITE'],
  ['SHA256', 'COMPOSITE', 'COMPOSITE'],
] as const

for (const [algorithm, wanted, type] of KINDS) {
  t.test(`the ${type} ${algorithm} of an object comes from its parts`, async t => {
    const key = `sum-${algorithm}-${type}`
    const declared = {
      'x-amz-checksum-algorithm': algorithm,
      ...(wanted === undefined ? {} : { 'x-amz-checksum-type': wanted }),
    }
    const created = await ask('POST', `/box/${key}?uploads`, declared)
    t.match(created.headers, { 'x-amz-checksum-algorithm': algorithm, 'x-amz-checksum-type': type })
    const uploadId = created.element('UploadId') ?? ''
    const parts = [
      await sendSummed(key, uploadId, algorithm, BIG, 1),
      await sendSummed(key, uploadId, algorithm, TAIL, 2),
    ]
    const sums = parts.map(({ sum }) => Buffer.from(sum, 'base64'))
    const expected =
      type === 'COMPOSITE'
        ? `${(await digest(algorithm, ...sums)).toString('base64')}-2`
        : (await digest(algorithm, BIG, TAIL)).toString('base64')
    const header = `x-amz-checksum-${algorithm.toLowerCase()}`
    const wrong = await complete(key, uploadId, parts, { [header]: 'AAAA' })
    t.strictSame(told(wrong), [400, 'BadDigest'])
    const done = await complete(key, uploadId, parts, { [header]: expected })
    t.strictSame(
      [done.element(`Checksum${algorithm}`), done.element('ChecksumType')],
      [expected, type],
    )
    const head = await ask('HEAD', `/box/${key}`, { 'x-amz-checksum-mode': 'ENABLED' })
    t.equal(head.headers[header], expected)
    const attributes = await ask('GET', `/box/${key}?attributes`, {
      'x-amz-object-attributes': 'ObjectParts,Checksum',
    })
    t.equal(attributes.element('PartsCount'), '2')
    t.match(
      attributes.text,
      `<Part><PartNumber>2</PartNumber><Size>4</Size>${parts[1]?.more}</Part>`,
    )
  })
}

t.test('a declared checksum is demanded of every part, and of the list of them', async t => {
  const uploadId = await create('demanding', { 'x-amz-checksum-algorithm': 'SHA256' })
  const target = `/box/demanding?partNumber=1&uploadId=${uploadId}`
  const none = await ask('PUT', target, {}, 'x')
  t.equal(
    none.element('Message'),
    'Checksum Type mismatch occurred, expected checksum Type: sha256, actual checksum Type: null',
  )
  const sha1 = createHash('sha1').update('x').digest('base64')
  t.strictSame(told(await ask('PUT', target, { 'x-amz-checksum-sha1': sha1 }, 'x')), [
    400,
    'InvalidRequest',
  ])
  const part = await sendSummed('demanding', uploadId, 'SHA256', TAIL, 1)
  const { number, etag } = part
  const silent = await complete('demanding', uploadId, [{ number, etag }])
  t.match(silent.element('Message'), 'It was missing for part 1 in the request.')
  const other = await complete('demanding', uploadId, [
    { number, etag, more: '<ChecksumSHA256>AAAA</ChecksumSHA256>' },
  ])
  t.strictSame(told(other), [400, 'InvalidPart'])
  const listed = await ask('GET', `/box/demanding?uploadId=${uploadId}`)
  t.equal(listed.element('ChecksumSHA256'), part.sum)
  t.equal((await complete('demanding', uploadId, [part])).status, 200)
})

t.test('declarations that S3 does not know are refused', async t => {
  for (const headers of [
    { 'x-amz-checksum-algorithm': 'MD4' },
    { 'x-amz-checksum-algorithm': 'SHA256', 'x-amz-checksum-type': 'FULL_OBJECT' },
    { 'x-amz-checksum-algorithm': 'CRC64NVME', 'x-amz-checksum-type': 'COMPOSITE' },
    { 'x-amz-checksum-algorithm': 'CRC32', 'x-amz-checksum-type': 'PARTS' },
    { 'x-amz-checksum-type': 'COMPOSITE' },
  ]) {
    t.strictSame(told(await ask('POST', '/box/new?uploads', headers)), [400, 'InvalidRequest'])
  }
})

t.test('lists of parts that cannot be are refused, and the upload goes on', async t => {
  const uploadId = await create('lists')
  const { headers } = await ask('PUT', `/box/lists?partNumber=1&uploadId=${uploadId}`, {}, 'x')
  const etag = String(headers.etag)
  const target = `/box/lists?uploadId=${uploadId}`
  const list = (part: string) =>
    `<CompleteMultipartUpload><Part>${part}</Part></CompleteMultipartUpload>`
  for (const [xml, code] of [
    ['<CompleteMultipartUpload></CompleteMultipartUpload>', 'MalformedXML'],
    [list('<PartNumber>1</PartNumber>'), 'MalformedXML'],
    [list(`<PartNumber>one</PartNumber><ETag>${etag}</ETag>`), 'MalformedXML'],
    [list(`<PartNumber>0</PartNumber><ETag>${etag}</ETag>`), 'InvalidArgument'],
    [list(`<PartNumber>2</PartNumber><ETag>${etag}</ETag>`), 'InvalidPart'],
  ] as const) {
    t.strictSame(told(await ask('POST', target, {}, xml)), [400, code])
  }
  const twice = [
    { number: 1, etag },
    { number: 1, etag },
  ]
  t.strictSame(told(await complete('lists', uploadId, twice)), [400, 'InvalidPartOrder'])
  const escaped = etag.replaceAll('"', '&quot;')
  t.equal((await complete('lists', uploadId, [{ number: 1, etag: escaped }])).status, 200)
})

t.test('completing depends on what is there, as every write does', async t => {
  await ask('PUT', '/box/there', {}, 'before')
  const uploadId = await create('there')
  const { headers } = await ask('PUT', `/box/there?partNumber=1&uploadId=${uploadId}`, {}, 'x')
  const parts = [{ number: 1, etag: String(headers.etag) }]
  const first = await complete('there', uploadId, parts, { 'if-none-match': '*' })
  t.strictSame(told(first), [412, 'PreconditionFailed'])
  t.equal((await ask('GET', '/box/there')).text, 'before')
  const done = await complete('there', uploadId, parts)
  t.match(done.element('Location'), /^http:\/\/127\.0\.0\.1:\d+\/box\/there$/)
  t.equal((await ask('GET', '/box/there')).text, 'x')
})

t.test('an upload that has ended is not there, whatever is asked of it', async t => {
  const uploadId = await create('ended')
  await ask('DELETE', `/box/ended?uploadId=${uploadId}`)
  const copy = { 'x-amz-copy-source': 'box/ended' }
  for (const answer of [
    await ask('PUT', `/box/ended?partNumber=1&uploadId=${uploadId}`, {}, 'x'),
    await ask('PUT', `/box/ended?partNumber=1&uploadId=${uploadId}`, copy),
    await ask('GET', `/box/ended?uploadId=${uploadId}`),
    await complete('ended', uploadId, [{ number: 1, etag: 'x' }]),
    await ask('DELETE', `/box/ended?uploadId=${uploadId}`),
  ]) {
    t.strictSame([...told(answer), answer.element('UploadId')], [404, 'NoSuchUpload', uploadId])
  }
  const other = await create('other')
  t.strictSame(told(await ask('GET', `/box/ended?uploadId=${other}`)), [404, 'NoSuchUpload'])
})

t.test('a part number is a number of a part', async t => {
  const uploadId = await create('numbers')
  for (const number of ['0', '10001', '-1', '1.5', 'one', '']) {
    const target = `/box/numbers?partNumber=${number}&uploadId=${uploadId}`
    t.strictSame(told(await ask('PUT', target, {}, 'x')), [400, 'InvalidArgument'], number)
  }
})

t.test('uploads are listed by key and id, in pages, rolled up', async t => {
  await ask('PUT', '/uploads')
  const keys = ['a/1', 'a/2', 'b', 'b', 'c']
  for (const key of keys) await ask('POST', `/uploads/${key}?uploads`, triple('k'))
  const seen: (string | undefined)[] = []
  let target = '/uploads?uploads&max-uploads=2'
  for (let more = true; more; ) {
    const page = await ask('GET', target)
    seen.push(...[...page.text.matchAll(/<Key>([^<]*)</g)].map(([, key]) => key))
    more = page.element('IsTruncated') === 'true'
    target = `/uploads?uploads&max-uploads=2&key-marker=${page.element('NextKeyMarker')}&upload-id-marker=${page.element('NextUploadIdMarker')}`
  }
  t.strictSame(seen, keys)
  const rolled = await ask('GET', '/uploads?uploads&delimiter=/&max-uploads=1')
  t.strictSame(
    [rolled.element('NextKeyMarker'), rolled.element('NextUploadIdMarker')],
    ['a/', undefined],
  )
  t.match(rolled.text, '<CommonPrefixes><Prefix>a/</Prefix></CommonPrefixes>')
  const narrow = await ask('GET', '/uploads?uploads&prefix=c&encoding-type=url')
  t.equal(narrow.element('Key'), 'c')
})
