import { createHash } from 'node:crypto'
import t from 'tap'
import { type Answer, base64Md5, start, triple } from './raw.ts'

const { ask } = await start(t)

const told = ({ status, element }: Answer) => [status, element('Code')]
const namesIn = (answer: Answer, element: string): readonly (string | undefined)[] =>
  [...answer.text.matchAll(new RegExp(`<${element}>([^<]*)</${element}>`, 'g'))].map(
    ([, text]) => text,
  )

t.test('bucket names are those of S3', async t => {
  for (const name of ['ab', 'UPPER', 'a..b', '-ab', 'ab-', '192.168.0.1', 'a'.repeat(64), 'a_b']) {
    t.strictSame(told(await ask('PUT', `/${name}`)), [400, 'InvalidBucketName'], name)
  }
})

t.test('a bucket is where it was made', async t => {
  const inEurope =
    '<CreateBucketConfiguration><LocationConstraint>eu-central-1</LocationConstraint></CreateBucketConfiguration>'
  t.equal((await ask('PUT', '/europe', {}, inEurope)).headers.location, '/europe')
  t.equal(
    (await ask('GET', '/europe?location')).element('LocationConstraint xmlns="[^"]*"'),
    undefined,
  )
  t.match((await ask('GET', '/europe?location')).text, />eu-central-1<\/LocationConstraint>/)
  t.match(
    (await ask('GET', '/box?location')).text,
    /<LocationConstraint [^>]*><\/LocationConstraint>/,
  )
  t.equal((await ask('HEAD', '/europe')).headers['x-amz-bucket-region'], 'eu-central-1')
  t.strictSame(told(await ask('PUT', '/asia', {}, '<x/>')), [400, 'MalformedXML'])
})

t.test('buckets are listed in pages', async t => {
  await ask('PUT', '/many-1')
  await ask('PUT', '/many-2')
  const first = await ask('GET', '/?prefix=many&max-buckets=1')
  t.strictSame(namesIn(first, 'Name'), ['many-1'])
  const token = first.element('ContinuationToken')
  const second = await ask('GET', `/?prefix=many&max-buckets=1&continuation-token=${token}`)
  t.strictSame(namesIn(second, 'Name'), ['many-2'])
  t.equal(second.element('ContinuationToken'), undefined)
})

t.test('listings', async t => {
  await ask('PUT', '/listed')
  for (const key of ['a', 'b/1', 'b/2', 'c']) await ask('PUT', `/listed/${key}`, {}, key)

  await t.test('name the next marker with a delimiter only, as S3 does', async t => {
    const plain = await ask('GET', '/listed?max-keys=2')
    t.strictSame([plain.element('IsTruncated'), plain.element('NextMarker')], ['true', undefined])
    const rolled = await ask('GET', '/listed?max-keys=2&delimiter=/')
    t.strictSame([namesIn(rolled, 'Key'), rolled.element('NextMarker')], [['a'], 'b/'])
    const rest = await ask('GET', '/listed?delimiter=/&marker=b/')
    t.strictSame([namesIn(rest, 'Key'), rest.element('Marker')], [['c'], 'b/'])
  })

  await t.test('encode names where they are asked to', async t => {
    await ask('PUT', '/listed/d%20%2B*~%C3%A9%2F%01', {}, 'x')
    const answer = await ask(
      'GET',
      '/listed?list-type=2&prefix=d%20&encoding-type=url&start-after=d%20',
    )
    t.strictSame(namesIn(answer, 'Key'), ['d+%2B*%7E%C3%A9/%01'])
    t.strictSame([answer.element('Prefix'), answer.element('StartAfter')], ['d+', 'd+'])
    t.strictSame(told(await ask('GET', '/listed?encoding-type=x')), [400, 'InvalidArgument'])
  })

  await t.test('refuse what is no number, and go no further than S3', async t => {
    t.strictSame(told(await ask('GET', '/listed?max-keys=-1')), [400, 'InvalidArgument'])
    t.equal((await ask('GET', '/listed?max-keys=5000')).element('MaxKeys'), '1000')
    const none = await ask('GET', '/listed?max-keys=0')
    t.strictSame([none.element('IsTruncated'), namesIn(none, 'Key')], ['false', []])
    const wrong = await ask('GET', '/listed?list-type=2&continuation-token=!')
    t.strictSame(told(wrong), [400, 'InvalidArgument'])
  })

  await t.test('tell of checksums', async t => {
    const sha256 = createHash('sha256').update('x').digest('base64')
    await ask('PUT', '/listed/sum', { 'x-amz-checksum-sha256': sha256 }, 'x')
    const answer = await ask('GET', '/listed?prefix=sum')
    t.strictSame(
      [answer.element('ChecksumAlgorithm'), answer.element('ChecksumType')],
      ['SHA256', 'FULL_OBJECT'],
    )
  })
})

t.test('user metadata comes back byte for byte', async t => {
  const value = Buffer.from('é文字').toString('latin1')
  const headers = {
    'x-amz-meta-utf8': value,
    'x-amz-meta-empty': '',
    'content-encoding': 'aws-chunked',
  }
  t.equal((await ask('PUT', '/box/meta', headers, 'x')).status, 200)
  const head = await ask('HEAD', '/box/meta')
  t.equal(head.headers['x-amz-meta-utf8'], value)
  t.equal(head.headers['content-type'], 'binary/octet-stream')
  t.notOk('content-encoding' in head.headers)
  const much = await ask('PUT', '/box/meta', { 'x-amz-meta-a': 'x'.repeat(2048) }, 'x')
  t.strictSame(told(much), [400, 'MetadataTooLarge'])
  t.equal(much.element('Size'), '2049')
})

t.test('a header chosen for an answer must be one', async t => {
  await ask('PUT', '/box/a', {}, 'x')
  const named = await ask('GET', '/box/a?response-content-disposition=caf%C3%A9')
  t.equal(named.headers['content-disposition'], Buffer.from('café').toString('latin1'))
  t.strictSame(told(await ask('GET', '/box/a?response-expires=a%0D%0Ab')), [400, 'InvalidArgument'])
})

t.test('ranges', async t => {
  await ask('PUT', '/box/ten', {}, '0123456789')
  await ask('PUT', '/box/empty', {}, '')
  for (const [key, range, status, text, contentRange] of [
    ['ten', 'bytes=0-4', 206, '01234', 'bytes 0-4/10'],
    ['ten', 'bytes=-100', 206, '0123456789', 'bytes 0-9/10'],
    ['ten', 'bytes=9-9', 206, '9', 'bytes 9-9/10'],
    ['ten', 'bytes=5-2', 200, '0123456789', undefined],
    ['ten', 'bytes=-', 200, '0123456789', undefined],
    ['ten', 'bytes=10-', 416, undefined, 'bytes */10'],
    ['ten', 'bytes=-0', 416, undefined, 'bytes */10'],
    ['empty', 'bytes=0-', 416, undefined, 'bytes */0'],
    ['empty', 'bytes=-3', 416, undefined, 'bytes */0'],
  ] as const) {
    const get = await ask('GET', `/box/${key}`, { range })
    const head = await ask('HEAD', `/box/${key}`, { range })
    t.strictSame([get.status, get.headers['content-range']], [status, contentRange], range)
    t.strictSame([head.status, head.headers['content-range']], [status, contentRange], range)
    if (text !== undefined) t.equal(get.text, text)
    if (status === 416) t.equal(get.element('RangeRequested'), range)
  }
})

t.test('a part of an object that has none is the object', async t => {
  await ask('PUT', '/box/ten', {}, '0123456789')
  await ask('PUT', '/box/empty', {}, '')
  const whole = await ask('GET', '/box/ten?partNumber=1')
  t.strictSame([whole.status, whole.headers['content-range']], [206, 'bytes 0-9/10'])
  t.notOk('x-amz-mp-parts-count' in whole.headers)
  t.equal((await ask('GET', '/box/empty?partNumber=1')).status, 200)
  t.strictSame(told(await ask('GET', '/box/ten?partNumber=2')), [416, 'InvalidPartNumber'])
  t.strictSame(told(await ask('GET', '/box/ten?partNumber=0')), [400, 'InvalidArgument'])
  const both = await ask('GET', '/box/ten?partNumber=1', { range: 'bytes=0-1' })
  t.strictSame(told(both), [400, 'InvalidRequest'])
})

t.test('conditions are judged in the order of RFC 9110', async t => {
  const put = await ask('PUT', '/box/cond', {}, 'x')
  const etag = String(put.headers.etag)
  const [before, after] = [-10_000, 10_000].map(ms => new Date(Date.now() + ms).toUTCString())
  if (before === undefined || after === undefined) throw new Error('no dates')
  for (const [headers, status] of [
    [{ 'if-match': `"x", ${etag}` }, 200],
    [{ 'if-match': '*' }, 200],
    [{ 'if-none-match': etag.slice(1, -1) }, 304],
    [{ 'if-none-match': '"x"', 'if-modified-since': after }, 200],
    [{ 'if-none-match': etag, 'if-modified-since': before }, 304],
    [{ 'if-match': etag, 'if-unmodified-since': before }, 200],
    [{ 'if-unmodified-since': before }, 412],
    [{ 'if-modified-since': after }, 304],
    [{ 'if-modified-since': 'yesterday' }, 200],
  ] as const) {
    const get = await ask('GET', '/box/cond', headers)
    t.equal(get.status, status, JSON.stringify(headers))
    if (status === 304) t.strictSame([get.headers.etag, get.text], [etag, ''])
    if (status === 412) t.equal(get.element('Condition'), 'If-Unmodified-Since')
    t.equal((await ask('HEAD', '/box/cond', headers)).status, status)
  }
})

t.test('writes and deletions may depend on what is there', async t => {
  const put = await ask('PUT', '/box/once', { 'if-none-match': '*' }, 'x')
  const etag = String(put.headers.etag)
  t.strictSame(told(await ask('PUT', '/box/once', { 'if-none-match': '*' }, 'y')), [
    412,
    'PreconditionFailed',
  ])
  t.strictSame(told(await ask('PUT', '/box/none', { 'if-match': etag }, 'y')), [404, 'NoSuchKey'])
  t.strictSame(told(await ask('DELETE', '/box/once', { 'if-match': '"x"' })), [
    412,
    'PreconditionFailed',
  ])
  t.strictSame(told(await ask('DELETE', '/box/none', { 'if-match': etag })), [404, 'NoSuchKey'])
  t.equal((await ask('GET', '/box/once')).text, 'x')
  t.equal((await ask('DELETE', '/box/once', { 'if-match': etag })).status, 204)
  t.equal((await ask('GET', '/box/once')).status, 404)
})

t.test('of two writers who both want to be first, one is', async t => {
  const body = 'x'.repeat(10_000)
  const writers = Array.from({ length: 8 }, () =>
    ask('PUT', '/box/race', { 'if-none-match': '*' }, body),
  )
  const statuses = (await Promise.all(writers)).map(({ status }) => status)
  t.strictSame(statuses.sort(), [200, 412, 412, 412, 412, 412, 412, 412])
})

const remove = (...objects: readonly string[]) =>
  `<?xml version="1.0"?>\n<Delete xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${objects.map(object => `<Object>${object}</Object>`).join('')}</Delete>`

t.test('deletions of many succeed and fail one by one', async t => {
  for (const key of ['m1', 'm2', 'm3']) await ask('PUT', `/box/${key}`, {}, 'x')
  const list = remove('<Key>m1</Key>', '<Key>m2</Key><ETag>"x"</ETag>', '<Key>absent</Key>')
  const answer = await ask('POST', '/box?delete', {}, list)
  t.strictSame(namesIn(answer, 'Key'), ['m1', 'm2', 'absent'])
  t.match(answer.text, /<Error><Key>m2<\/Key><Code>PreconditionFailed<\/Code>/)
  t.equal((await ask('GET', '/box/m2')).status, 200)
  const wrong = await ask(
    'POST',
    '/box?delete',
    { 'content-md5': base64Md5('x') },
    remove('<Key>m3</Key>'),
  )
  t.strictSame(told(wrong), [400, 'BadDigest'])
  t.equal((await ask('GET', '/box/m3')).status, 200)
})

t.test('a document that is not what it should be is refused', async t => {
  for (const xml of [
    '',
    'text',
    remove(),
    remove(...Array.from({ length: 1001 }, (_, i) => `<Key>${i}</Key>`)),
    remove('<ETag>x</ETag>'),
    remove('<Key>a</Key><Key>b</Key>'),
    remove('<Key><![CDATA[a]]></Key>'),
    remove('<Key><b/></Key>'),
    remove('<Key>a</Key>').replaceAll('Delete', 'Remove'),
    remove('<Key>a</Key>').slice(0, -3),
  ]) {
    t.strictSame(
      told(await ask('POST', '/box?delete', {}, xml)),
      [400, 'MalformedXML'],
      xml.slice(0, 60),
    )
  }
})

t.test('tags have limits', async t => {
  await ask('PUT', '/box/tagged', {}, 'x')
  const tagging = (...tags: readonly (readonly [string, string])[]) =>
    `<Tagging><TagSet>${tags.map(([key, value]) => `<Tag><Key>${key}</Key><Value>${value}</Value></Tag>`).join('')}</TagSet></Tagging>`
  const eleven = Array.from({ length: 11 }, (_, i) => [`k${i}`, 'v'] as const)
  for (const [xml, code] of [
    [tagging(...eleven), 'BadRequest'],
    [tagging(['a', '1'], ['a', '2']), 'InvalidTag'],
    [tagging(['', '1']), 'InvalidTag'],
    [tagging(['a'.repeat(129), '1']), 'InvalidTag'],
    [tagging(['a', 'x'.repeat(257)]), 'InvalidTag'],
    ['<Tagging><TagSet><Tag><Key>a</Key></Tag></TagSet></Tagging>', 'MalformedXML'],
  ] as const) {
    t.strictSame(told(await ask('PUT', '/box/tagged?tagging', {}, xml)), [400, code])
  }
  const empty = '<Tagging><TagSet><Tag><Key>a &amp; b</Key><Value /></Tag></TagSet></Tagging>'
  t.equal((await ask('PUT', '/box/tagged?tagging', {}, empty)).status, 200)
  const tags = await ask('GET', '/box/tagged?tagging')
  t.strictSame([tags.element('Key'), tags.element('Value')], ['a &amp; b', ''])
  t.strictSame(told(await ask('GET', '/box/absent?tagging')), [404, 'NoSuchKey'])
})

t.test('attributes are told as they are asked for', async t => {
  const sha1 = createHash('sha1').update('x').digest('base64')
  await ask('PUT', '/box/told', { 'x-amz-checksum-sha1': sha1 }, 'x')
  const attributes = (names: string) =>
    ask('GET', '/box/told?attributes', { 'x-amz-object-attributes': names })
  const all = await attributes('ETag, Checksum,ObjectParts,StorageClass,ObjectSize')
  t.equal(all.element('ETag'), createHash('md5').update('x').digest('hex'))
  t.strictSame(['ChecksumSHA1', 'ChecksumType', 'StorageClass', 'ObjectSize'].map(all.element), [
    sha1,
    'FULL_OBJECT',
    'STANDARD',
    '1',
  ])
  t.notMatch(all.text, 'ObjectParts')
  t.ok(all.headers['last-modified'])
  t.notMatch((await attributes('ObjectSize')).text, 'ETag')
  for (const names of ['', 'constructor', 'ETag;ObjectSize']) {
    t.strictSame(told(await attributes(names)), [400, 'InvalidArgument'], names)
  }
})

t.test('copies that cannot be made are refused', async t => {
  await ask('PUT', '/box/from', {}, '0123456789')
  const upload = await ask('POST', '/box/parts?uploads')
  const part = `/box/parts?partNumber=1&uploadId=${upload.element('UploadId')}`
  for (const [headers, status, code] of [
    [{ 'x-amz-copy-source': 'box' }, 400, 'InvalidArgument'],
    [{ 'x-amz-copy-source': 'box/absent' }, 404, 'NoSuchKey'],
    [{ 'x-amz-copy-source': 'absent-bucket/x' }, 404, 'NoSuchBucket'],
    [{ 'x-amz-copy-source': 'box/from?versionId=1' }, 400, 'InvalidArgument'],
  ] as const) {
    t.strictSame(told(await ask('PUT', '/box/to', headers)), [status, code])
    t.strictSame(told(await ask('PUT', part, headers)), [status, code])
  }
  const source = { 'x-amz-copy-source': '/box/from?versionId=null' }
  for (const range of ['0-1', 'bytes=0-', 'bytes=-3', 'bytes=5-2', 'bytes=0-10', 'bytes=0-1,3-4']) {
    const answer = await ask('PUT', part, { ...source, 'x-amz-copy-source-range': range })
    t.strictSame(told(answer), [400, 'InvalidArgument'], range)
  }
  const merge = { ...source, 'x-amz-metadata-directive': 'MERGE' }
  t.equal((await ask('PUT', '/box/to', merge)).element('Message'), 'Unknown metadata directive.')
  const retag = { ...source, 'x-amz-tagging-directive': 'x' }
  t.equal((await ask('PUT', '/box/to', retag)).element('Message'), 'Unknown tagging directive.')
  t.equal((await ask('PUT', '/box/to', source)).status, 200)
})

t.test("a copy keeps its source's kind of checksum, made anew", async t => {
  const sha256 = createHash('sha256').update('x').digest('base64')
  await ask('PUT', '/box/summed', { 'x-amz-checksum-sha256': sha256 }, 'x')
  const copy = await ask('PUT', '/box/copied', {
    ...triple('k'),
    'x-amz-copy-source': 'box/summed',
  })
  t.strictSame(
    [copy.element('ChecksumSHA256'), copy.element('ChecksumType')],
    [sha256, 'FULL_OBJECT'],
  )
  const head = await ask('HEAD', '/box/copied', {
    ...triple('k'),
    'x-amz-checksum-mode': 'enabled',
  })
  t.equal(head.headers['x-amz-checksum-sha256'], sha256)
  const range = { ...triple('k'), 'x-amz-checksum-mode': 'ENABLED', range: 'bytes=0-0' }
  t.equal(
    (await ask('GET', '/box/copied', range)).headers['x-amz-checksum-sha256'],
    sha256,
    'of all bytes',
  )
})
