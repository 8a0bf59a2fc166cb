import { randomBytes } from 'node:crypto'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { join } from 'node:path'
import fc from 'fast-check'
import t from 'tap'
import { startEmbedded } from '../../lib/embedded/server.ts'
import { sourceTriple, start, triple } from './raw.ts'

const PLAINTEXT = Buffer.from('attack at dawn, and tell nobody about it')

const filesOf = (path: string): string[] =>
  readdirSync(path, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .map(entry => join(entry.parentPath, entry.name))

const isStored = (path: string, bytes: Buffer): boolean =>
  filesOf(path).some(file => readFileSync(file).includes(bytes))

const segmentsOf = (path: string): string[] => filesOf(join(path, 'contents', 'box', 'data'))

const encode = (objectKey: string): string => objectKey.split('/').map(encodeURIComponent).join('/')

t.test('neither plaintext nor key is among the stored bytes', async t => {
  const path = t.testdir()
  const { ask } = await start(t, path)
  await ask('PUT', '/box/put', triple('k'), PLAINTEXT)
  await ask('PUT', '/box/copy', {
    ...triple('k'),
    ...sourceTriple('k'),
    'x-amz-copy-source': 'box/put',
  })
  const upload = await ask('POST', '/box/parts?uploads', triple('k'))
  const uploadId = upload.element('UploadId')
  await ask('PUT', `/box/parts?partNumber=1&uploadId=${uploadId}`, triple('k'), PLAINTEXT)
  t.equal(segmentsOf(path).length, 3)
  t.notOk(isStored(path, PLAINTEXT))
  const key = triple('k')['x-amz-server-side-encryption-customer-key'] ?? ''
  t.notOk(isStored(path, Buffer.from(key)))
  t.notOk(isStored(path, Buffer.from(key, 'base64')))
  await ask('PUT', '/box/plain', {}, PLAINTEXT)
  t.ok(isStored(path, PLAINTEXT), 'a plaintext object is what it says')
})

t.test('all that was stored is there after a restart', async t => {
  const path = t.testdir()
  const before = await start(t, path)
  const described = {
    'x-amz-meta-a': 'é',
    'x-amz-tagging': 'a=b',
    'x-amz-storage-class': 'GLACIER_IR',
  }
  await before.ask('PUT', '/box/secret', { ...triple('k'), ...described }, PLAINTEXT)
  await before.ask('PUT', '/box/plain', {}, 'plain')
  const upload = await before.ask('POST', '/box/parts?uploads', triple('k'))
  const uploadId = upload.element('UploadId')
  const part = await before.ask(
    'PUT',
    `/box/parts?partNumber=1&uploadId=${uploadId}`,
    triple('k'),
    'part',
  )
  const listed = await before.ask('GET', '/box')
  await before.close()

  const after = await start(t, path)
  t.equal((await after.ask('GET', '/box')).text, listed.text)
  const secret = await after.ask('GET', '/box/secret', triple('k'))
  t.strictSame(secret.body, PLAINTEXT)
  t.match(secret.headers, { 'x-amz-tagging-count': '1', 'x-amz-storage-class': 'GLACIER_IR' })
  t.equal((await after.ask('GET', '/box/secret', triple('other'))).status, 403)
  const list = `<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>${part.headers.etag}</ETag></Part></CompleteMultipartUpload>`
  t.equal((await after.ask('POST', `/box/parts?uploadId=${uploadId}`, {}, list)).status, 200)
  t.equal((await after.ask('GET', '/box/parts', triple('k'))).text, 'part')
})

t.test('what is replaced, deleted or aborted leaves nothing behind', async t => {
  const path = t.testdir()
  const { ask } = await start(t, path)
  await ask('PUT', '/box/a', {}, 'one')
  await ask('PUT', '/box/a', {}, 'two')
  t.equal(segmentsOf(path).length, 1)
  await ask('PUT', '/box/a?tagging', {}, '<Tagging><TagSet></TagSet></Tagging>')
  t.equal((await ask('GET', '/box/a')).text, 'two')
  await ask('DELETE', '/box/a')
  const upload = await ask('POST', '/box/parts?uploads')
  const target = `/box/parts?uploadId=${upload.element('UploadId')}`
  for (const body of ['one', 'two']) await ask('PUT', `${target}&partNumber=1`, {}, body)
  t.equal(segmentsOf(path).length, 1)
  t.equal((await ask('DELETE', target)).status, 204)
  t.equal(segmentsOf(path).length, 0)
  t.equal((await ask('DELETE', '/box')).status, 204)
  t.strictSame(filesOf(path), [])
})

t.test('parts that an object does not take up are discarded', async t => {
  const path = t.testdir()
  const { ask } = await start(t, path)
  const upload = await ask('POST', '/box/parts?uploads')
  const target = `/box/parts?uploadId=${upload.element('UploadId')}`
  const part = await ask('PUT', `${target}&partNumber=1`, {}, 'taken')
  await ask('PUT', `${target}&partNumber=2`, {}, 'left')
  const list = `<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>${part.headers.etag}</ETag></Part></CompleteMultipartUpload>`
  await ask('POST', target, {}, list)
  t.strictSame(
    segmentsOf(path).map(file => readFileSync(file, 'utf8')),
    ['taken'],
  )
})

t.test('a read goes on while its object is replaced', async t => {
  const path = t.testdir()
  const { ask, origin } = await start(t, path)
  const big = randomBytes(8 * 1024 * 1024)
  await ask('PUT', '/box/big', triple('k'), big)
  const read = await new Promise<Buffer>((resolve, reject) => {
    const headers = triple('k')
    request(`${origin}/box/big`, { headers, agent: false }, async answer => {
      await ask('PUT', '/box/big', {}, 'small')
      await ask('DELETE', '/box/big')
      const chunks: Buffer[] = []
      for await (const chunk of answer) chunks.push(chunk)
      resolve(Buffer.concat(chunks))
    })
      .on('error', reject)
      .end()
  })
  t.ok(big.equals(read))
  t.equal(segmentsOf(path).length, 0)
})

t.test('what a crash left behind is swept away at the next start', async t => {
  const path = t.testdir()
  const before = await start(t, path)
  await before.ask('PUT', '/box/a', {}, 'kept')
  await before.close()
  writeFileSync(join(path, 'contents', 'box', 'data', 'half-written'), 'rest')
  writeFileSync(join(path, 'contents', 'box', 'objects', 'aside.json.new'), '{')
  const after = await start(t, path)
  t.equal((await after.ask('GET', '/box/a')).text, 'kept')
  t.notOk(filesOf(path).some(file => /half-written|aside/.test(file)))
})

t.test('a record that cannot be read is named', async t => {
  const path = t.testdir()
  const before = await start(t, path)
  await before.ask('PUT', '/box/a', {}, 'x')
  await before.close()
  writeFileSync(join(path, 'contents', 'box', 'objects', 'odd.json'), '{"objectKey": 1}')
  const starting = startEmbedded({ path, host: '127.0.0.1', port: 0 })
  await t.rejects(starting, { message: /cannot read .*odd\.json/ })
})

t.test('no object key leads out of the folder, and each is its own object', async t => {
  const path = t.testdir({ outside: {}, inside: {} })
  const { ask } = await start(t, join(path, 'inside'))
  const keys = [
    '../../outside/x',
    '/etc/passwd',
    '..',
    '.',
    '//',
    'a/../b',
    'b',
    'B',
    'con',
    'nul.txt',
    'é'.repeat(512),
  ]
  for (const key of keys) {
    t.equal((await ask('PUT', `/box/${encode(key)}`, {}, key)).status, 200, key)
  }
  for (const key of keys) t.equal((await ask('GET', `/box/${encode(key)}`)).text, key)
  t.strictSame(readdirSync(join(path, 'outside')), [])
  t.strictSame(readdirSync(path).sort(), ['inside', 'outside'])
})

t.test('whatever is put is got, listed and deleted', async t => {
  const { ask } = await start(t)
  const object = fc.record({
    objectKey: fc
      .string({ unit: 'binary', minLength: 1, maxLength: 40 })
      .filter(key => Buffer.byteLength(key) <= 1024),
    body: fc.uint8Array({ maxLength: 300 }).map(bytes => Buffer.from(bytes)),
    key: fc.option(fc.constantFrom('k1', 'k2')),
  })
  await fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(object, { selector: each => each.objectKey, maxLength: 6 }),
      async objects => {
        for (const { objectKey, body, key } of objects) {
          await ask('PUT', `/box/${encode(objectKey)}`, key === null ? {} : triple(key), body)
        }
        const listed = await ask('GET', '/box?list-type=2&encoding-type=url')
        const keys = [...listed.text.matchAll(/<Key>([^<]*)<\/Key>/g)].map(([, key = '']) =>
          decodeURIComponent(key.replaceAll('+', '%20')),
        )
        const expected = objects.map(({ objectKey }) => objectKey)
        t.strictSame(
          keys,
          expected.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))),
        )
        for (const { objectKey, body, key } of objects) {
          const target = `/box/${encode(objectKey)}`
          t.strictSame((await ask('GET', target, key === null ? {} : triple(key))).body, body)
          t.equal((await ask('GET', target, triple('other'))).status, key === null ? 400 : 403)
          await ask('DELETE', target)
        }
        t.notMatch((await ask('GET', '/box')).text, '<Contents>')
      },
    ),
    { numRuns: 25 },
  )
})

t.test('ten thousand objects are listed quickly, also after a restart', async t => {
  const path = t.testdir()
  const before = await start(t, path)
  await before.ask('PUT', '/box/model', {}, 'x')
  await before.close()
  const objects = join(path, 'contents', 'box', 'objects')
  const [name = ''] = readdirSync(objects)
  const model = JSON.parse(readFileSync(join(objects, name), 'utf8'))
  for (let i = 0; i < 10_000; i++) {
    const record = { ...model, objectKey: `folder-${i % 100}/${i}` }
    writeFileSync(join(objects, `copy-${i}.json`), JSON.stringify(record))
  }
  const after = await start(t, path)
  const started = performance.now()
  const rolled = await after.ask('GET', '/box?list-type=2&delimiter=/')
  t.equal(rolled.element('KeyCount'), '101')
  t.equal((await after.ask('GET', '/box?list-type=2&prefix=folder-77/')).element('KeyCount'), '100')
  t.ok(performance.now() - started < 1000)
})
