import { randomBytes } from 'node:crypto'
import t from 'tap'
import { startB2Proxy } from '../support/b2-proxy.ts'
import { encrypt, keyring, rule } from '../support/proxy.ts'
import { BYTES, KEY, meet, OLD_KEY, ownField, ownHeaders, sendPart, startLarge } from './meet.ts'

t.test('a file goes to its pod with our key, and comes back by name and by id', async t => {
  const { server, proxy, client } = await meet(t)
  const said = { 'x-bz-content-sha1': 'hex_digits_at_end', cookie: 'no' }
  const uploaded = (await client.upload('a%20b/c+d', BYTES, said)).json()
  t.match(uploaded, { fileName: 'a b/c d', serverSideEncryption: { mode: 'SSE-C' } })
  const sent = server.seen.at(-1)
  t.equal(sent?.headers['x-bz-file-name'], 'a%20b/c%20d')
  t.equal(sent?.headers['x-bz-content-sha1'], 'hex_digits_at_end')
  t.equal(sent?.headers['x-bz-server-side-encryption-customer-key'], KEY)
  t.notOk(sent?.headers.cookie)
  t.not(sent?.host, new URL(server.origin).host, 'the pod')
  const byName = await client.download('/file/photos/a%20b/c+d')
  t.ok(byName.body.equals(BYTES))
  t.ok(byName.headers['x-bz-server-side-encryption-customer-key-md5'])
  const { fileId } = uploaded
  const byId = await client.download(`/b2api/v2/b2_download_file_by_id?fileId=${fileId}`)
  t.ok(byId.body.equals(BYTES))
  t.equal((await client.download('/file/photos/a%20b/c%20d', { method: 'HEAD' })).status, 200)
  t.ok((await client.call('b2_download_file_by_id', { fileId })).body.equals(BYTES))
  const operation = 'b2_download_file_by_id'
  t.match(proxy.lines.at(-1), { client: 'app', operation, bucket: 'photos', keyVersion: 'main/v1' })
})

t.test('an empty file is one, too', async t => {
  const { client } = await meet(t)
  t.equal((await client.upload('empty', Buffer.alloc(0))).status, 200)
  t.equal((await client.download('/file/photos/empty')).body.length, 0)
})

t.test(
  'a large file keeps the key that it began with, over a rotation and another replica',
  async t => {
    const { server, client } = await meet(t)
    const serverSideEncryption = { mode: 'SSE-B2', algorithm: 'AES256' }
    const fileId = await startLarge(client, { serverSideEncryption })
    t.match(fileId, /^sp1_/)
    const keyrings = [keyring('main', 'v2', 'v1')]
    const later = await (await startB2Proxy(t, { upstream: server.origin, keyrings })).authorize()
    const part = await sendPart(later, fileId)
    t.equal(part.status, 200, part.body.toString())
    t.equal(part.json()['fileId'], fileId)
    t.equal((await later.call('b2_list_parts', { fileId })).status, 200)
    const finished = (
      await later.call('b2_finish_large_file', { fileId, partSha1Array: [] })
    ).json()
    t.match(finished['fileId'], /^4_z/, "the provider's own from then on")
    t.ok((await later.download('/file/photos/large')).body.equals(BYTES))
    const carrying = server.seen.filter(({ body }) => body.includes('customerKey'))
    t.strictSame(
      carrying.map(({ target }) => target),
      ['/b2api/v2/b2_start_large_file'],
      'no other call needs it',
    )
    const another = await startLarge(client)
    t.match((await client.call('b2_cancel_large_file', { fileId: another })).json(), {
      fileId: another,
    })
  },
)

t.test('a large file whose key version is gone goes no further', async t => {
  const { server, client } = await meet(t)
  const fileId = await startLarge(client)
  const upstream = server.origin
  const without = await startB2Proxy(t, { upstream, keyrings: [keyring('main', 'v2')] })
  const unknown = await (await without.authorize()).call('b2_get_upload_part_url', { fileId })
  t.match(unknown.json(), { code: 'not_found' }, 'an id that nothing opens')
  const second = await startB2Proxy(t, {
    upstream,
    keyrings: [keyring('seal', 's1'), keyring('main', 'v1')],
  })
  const sealed = await startLarge(await second.authorize())
  const third = await startB2Proxy(t, {
    upstream,
    keyrings: [keyring('seal', 's1'), keyring('main', 'v2')],
  })
  const gone = await (await third.authorize()).call('b2_get_upload_part_url', { fileId: sealed })
  t.match(gone.json(), { code: 'bad_request', message: /'v1', which is not there any more/ })
})

t.test("a large file of the provider's id takes the newest key", async t => {
  const { server, client } = await meet(t)
  await startLarge(client)
  const [fileId = ''] = [...server.files.keys()]
  t.equal((await sendPart(client, fileId)).status, 200)
  const sourceFileId = server.store('source', BYTES, KEY)
  const copy = { sourceFileId, largeFileId: fileId, partNumber: 2 }
  t.equal((await client.call('b2_copy_part', copy)).json()['fileId'], fileId)
})

t.test('copies read and write with the keys of both places', async t => {
  const { server, client } = await meet(t, { keyrings: [keyring('main', 'v1', 'v0')] })
  const sourceFileId = server.store('source', BYTES, OLD_KEY)
  const copy = { sourceFileId, fileName: 'copy' }
  const copied = await client.call('b2_copy_file', { ...copy, destinationBucketId: 'b-3' })
  t.match(server.files.get(copied.json()['fileId'] ?? ''), { key: KEY, bucketId: 'b-3' })
  const beside = await client.call('b2_copy_file', copy)
  t.match(server.files.get(beside.json()['fileId'] ?? ''), { key: KEY, bucketId: 'b-1' })
  const largeFileId = await startLarge(client)
  const part = await client.call('b2_copy_part', { sourceFileId, largeFileId, partNumber: 1 })
  t.equal(part.json()['fileId'], largeFileId)
  await client.call('b2_finish_large_file', { fileId: largeFileId, partSha1Array: [] })
  t.ok((await client.download('/file/photos/large')).body.equals(BYTES))
})

t.test('reads try the versions, then none where plaintext may be read', async t => {
  const rules = [rule(encrypt({ plaintextReads: 'allow', responseHeaders: 'hide' }))]
  const keyrings = [keyring('main', 'v1', 'v0')]
  const { server, proxy, client } = await meet(t, { rules, keyrings })
  server.store('old', BYTES, OLD_KEY)
  const old = await client.download('/file/photos/old')
  t.ok(old.body.equals(BYTES))
  t.notOk(old.headers['x-bz-server-side-encryption-customer-algorithm'], 'hidden')
  t.match(proxy.lines.at(-1), { attempts: 2, keyVersion: 'main/v0' })
  const fileId = server.store('plain', BYTES)
  t.ok((await client.download('/file/photos/plain')).body.equals(BYTES))
  t.match(proxy.lines.at(-1), { attempts: 3, keyVersion: 'none' })
  t.ok((await client.call('b2_download_file_by_id', { fileId })).body.equals(BYTES))
  t.equal((await client.download('/file/photos/plain', { method: 'HEAD' })).status, 200)
  const copied = await client.call('b2_copy_file', { sourceFileId: fileId, fileName: 'copy' })
  t.equal(server.files.get(copied.json()['fileId'] ?? '')?.key, KEY)
})

t.test("a client's own key is taken where the rule accepts it, and refused elsewhere", async t => {
  const key = randomBytes(32)
  const { server, client } = await meet(t, { rules: [rule(encrypt({ clientKeys: 'accept' }))] })
  const fileId = (await client.upload('own', BYTES, ownHeaders(key))).json()['fileId'] ?? ''
  const reading = { headers: ownHeaders(key) }
  t.ok((await client.download('/file/photos/own', reading)).body.equals(BYTES))
  const field = ownField(key)
  const posted = { fileId, serverSideEncryption: field }
  t.ok((await client.call('b2_download_file_by_id', posted)).body.equals(BYTES))
  const fields = { sourceServerSideEncryption: field, destinationServerSideEncryption: field }
  const copy = { sourceFileId: fileId, fileName: 'x', ...fields }
  t.equal((await client.call('b2_copy_file', copy)).status, 200)
  const large = await startLarge(client, { serverSideEncryption: field })
  t.equal((await sendPart(client, large, ownHeaders(key))).status, 200)
  const strict = await (await startB2Proxy(t, { upstream: server.origin })).authorize()
  const refused = await strict.upload('own', BYTES, ownHeaders(key))
  t.match(refused.json(), { code: 'bad_request', message: /its own SSE-C key/ })
})

t.test('a malformed key is refused', async t => {
  const { client } = await meet(t, { rules: [rule(encrypt({ clientKeys: 'accept' }))] })
  const key = randomBytes(32)
  const prefix = 'x-bz-server-side-encryption-customer'
  for (const wrong of [{ [`${prefix}-key`]: 'short' }, { [`${prefix}-key-md5`]: 'AAAA' }]) {
    const answer = await client.upload('own', BYTES, { ...ownHeaders(key), ...wrong })
    t.match(answer.json(), { status: 400, code: 'bad_request' })
  }
  for (const wrong of [
    { algorithm: undefined },
    { customerKey: undefined },
    { customerKeyMd5: undefined },
  ]) {
    const serverSideEncryption = { ...ownField(key), ...wrong }
    const started = { bucketId: 'b-1', fileName: 'x', serverSideEncryption }
    t.match((await client.call('b2_start_large_file', started)).json(), { code: 'bad_request' })
  }
})

t.test('another method is taken away, or refused where the rule says so', async t => {
  const { server, client } = await meet(t)
  const method = { 'x-bz-server-side-encryption': 'AES256' }
  const taken = await client.upload('x', BYTES, method)
  t.match(taken.json(), { serverSideEncryption: { mode: 'SSE-C' } })
  t.notOk(server.seen.at(-1)?.headers['x-bz-server-side-encryption'])
  const rules = [rule(encrypt({ conflicts: 'reject' }))]
  const strict = await (await startB2Proxy(t, { upstream: server.origin, rules })).authorize()
  t.match((await strict.upload('x', BYTES, method)).json(), { message: /another server-side/ })
  t.equal((await strict.upload('x', BYTES)).status, 200)
})

t.test('passthrough leaves encryption to the client', async t => {
  const { server, client } = await meet(t, { rules: [rule({ kind: 'passthrough' })] })
  const key = randomBytes(32)
  const answer = await client.upload('x', BYTES, { 'x-bz-server-side-encryption': 'AES256' })
  t.match(answer.json(), { serverSideEncryption: { mode: 'SSE-B2' } })
  t.equal((await client.upload('y', BYTES, ownHeaders(key))).status, 200)
  const reading = { headers: ownHeaders(key) }
  t.ok((await client.download('/file/photos/y', reading)).body.equals(BYTES))
  const fileId = server.store('z', BYTES)
  t.ok((await client.call('b2_download_file_by_id', { fileId })).body.equals(BYTES))
  const copy = { sourceFileId: fileId, fileName: 'w' }
  t.equal((await client.call('b2_copy_file', copy)).status, 200)
  t.equal((await sendPart(client, await startLarge(client))).status, 200)
})
