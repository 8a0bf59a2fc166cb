import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { join } from 'node:path'
import fc from 'fast-check'
import t, { type Test } from 'tap'
import { startEmbedded } from '../../lib/embedded/server.ts'
import { type Ask, sendSlowly, sourceTriple, start, triple, untilEmpty } from './raw.ts'

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
  t.strictSame(await untilEmpty(join(path, 'contents', 'box', 'data')), [])
})

t.test('bytes that come too late are told so, and discarded', async t => {
  const path = t.testdir()
  const { ask, origin } = await start(t, path)
  const data = join(path, 'contents', 'box', 'data')
  const upload = await ask('POST', '/box/parts?uploads')
  const target = `/box/parts?uploadId=${upload.element('UploadId')}`
  const part = await sendSlowly(origin, `${target}&partNumber=1`, data)
  await ask('DELETE', target)
  t.strictSame(await part.finish(), [404, 'NoSuchUpload'])
  t.strictSame(await untilEmpty(data), [])

  const object = await sendSlowly(origin, '/box/late', data)
  await ask('DELETE', '/box')
  await ask('PUT', '/box')
  t.strictSame(await object.finish(), [404, 'NoSuchBucket'])
  t.strictSame(await untilEmpty(data), [])
  t.equal((await ask('GET', '/box/late')).status, 404)
})

const warningOf = async (act: () => Promise<unknown>): Promise<Error> => {
  const warned = once(process, 'warning') as Promise<[Error]>
  await act()
  const [warning] = await warned
  return warning
}

t.test('a fault of the store is told to nobody, and shown as a warning', async t => {
  const path = t.testdir()
  const { ask } = await start(t, path)
  await ask('PUT', '/box/a', {}, Buffer.alloc(1000))
  rmSync(join(path, 'contents', 'box', 'data'), { recursive: true })
  const put = await warningOf(async () => {
    const { status, element, text } = await ask('PUT', '/box/b', {}, 'x')
    t.strictSame([status, element('Code')], [500, 'InternalError'])
    t.notMatch(text, 'ENOENT')
  })
  t.match(put, { code: 'ENOENT' })
  const get = await warningOf(() => t.rejects(ask('GET', '/box/a')))
  t.match(get, { code: 'ENOENT' })
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

interface Stored {
  readonly objectKey: string
  readonly body: Buffer
  readonly key: string | null
}

const targetOf = ({ objectKey }: Stored): string => `/box/${encode(objectKey)}`
const tripleOf = ({ key }: Stored) => (key === null ? {} : triple(key))

const putAll = async (t: Test, ask: Ask, objects: readonly Stored[]): Promise<void> => {
  for (const each of objects) {
    const put = await ask('PUT', targetOf(each), tripleOf(each), each.body)
    t.equal(put.status, 200)
  }
}

const listKeys = async (ask: Ask): Promise<string[]> => {
  const { text } = await ask('GET', '/box?list-type=2&encoding-type=url')
  const keys = [...text.matchAll(/<Key>([^<]*)<\/Key>/g)]
  return keys.map(([, key = '']) => decodeURIComponent(key.replaceAll('+', '%20')))
}

const getAndDelete = async (t: Test, ask: Ask, each: Stored): Promise<void> => {
  const target = targetOf(each)
  t.strictSame((await ask('GET', target, tripleOf(each))).body, each.body)
  t.equal((await ask('GET', target, triple('other'))).status, each.key === null ? 400 : 403)
  t.equal((await ask('DELETE', target)).status, 204)
}

t.test('whatever is put is got, listed and deleted', async t => {
  const { ask } = await start(t)
  const objectKey = fc
    .string({ unit: 'binary', minLength: 1, maxLength: 40 })
    .filter(key => Buffer.byteLength(key) <= 1024)
  const body = fc.uint8Array({ maxLength: 300 }).map(bytes => Buffer.from(bytes))
  const stored = fc.record({ objectKey, body, key: fc.option(fc.constantFrom('k1', 'k2')) })
  const several = fc.uniqueArray(stored, { selector: each => each.objectKey, maxLength: 6 })
  await fc.assert(
    fc.asyncProperty(several, async objects => {
      await putAll(t, ask, objects)
      const expected = objects.map(each => Buffer.from(each.objectKey)).sort(Buffer.compare)
      t.strictSame(await listKeys(ask), expected.map(String))
      for (const each of objects) await getAndDelete(t, ask, each)
      t.strictSame(await listKeys(ask), [])
    }),
    { numRuns: 25 },
  )
})
