import { randomBytes } from 'node:crypto'
import t from 'tap'
import { encrypt, rule } from '../support/proxy.ts'
import { BYTES, KEY, meet, sendPart, startLarge } from './meet.ts'

const UNCONFIRMED = { status: 400, code: 'unconfirmed_encryption' }

t.test('a file that is not confirmed is taken back, and refused for good', async t => {
  const { server, client } = await meet(t)
  server.manners.plain = ['b2_upload_file', 'b2_start_large_file', 'b2_copy_file']
  t.match((await client.upload('plain', BYTES)).json(), { ...UNCONFIRMED, message: /removed/ })
  t.equal(server.files.size, 0)
  const large = { bucketId: 'b-1', fileName: 'x' }
  t.match((await client.call('b2_start_large_file', large)).json(), UNCONFIRMED)
  t.equal(server.files.size, 0)
  const sourceFileId = server.store('source', BYTES, KEY)
  t.match((await client.call('b2_copy_file', { sourceFileId, fileName: 'x' })).json(), UNCONFIRMED)
  t.equal(server.files.size, 1, 'the source alone')
})

t.test('a part that is not confirmed takes its large file with it', async t => {
  const { server, client } = await meet(t)
  const sourceFileId = server.store('source', BYTES, KEY)
  server.manners.plain = ['b2_upload_part', 'b2_copy_part', 'b2_finish_large_file']
  t.match((await sendPart(client, await startLarge(client))).json(), UNCONFIRMED)
  t.equal(server.files.size, 1)
  const copy = { sourceFileId, largeFileId: await startLarge(client), partNumber: 1 }
  t.match((await client.call('b2_copy_part', copy)).json(), UNCONFIRMED)
  t.equal(server.files.size, 1)
  const end = { fileId: await startLarge(client), partSha1Array: [] }
  t.match((await client.call('b2_finish_large_file', end)).json(), UNCONFIRMED)
  t.equal(server.files.size, 1)
  const raw = { ...copy, largeFileId: server.store('under way', BYTES, KEY) }
  t.match((await client.call('b2_copy_part', raw)).json(), UNCONFIRMED, "by the provider's id")
  t.equal(server.files.size, 1)
})

t.test('what cannot be taken back is said to be there', async t => {
  const { server, client } = await meet(t)
  server.manners.plain = ['b2_upload_file']
  server.manners.answers = { b2_delete_file_version: [401, { code: 'unauthorized' }] }
  t.match((await client.upload('plain', BYTES)).json(), { message: /could not be removed/ })
  const serverSideEncryption = { mode: 'SSE-C', algorithm: 'AES256', customerKeyMd5: 'another' }
  server.manners.answers = { b2_upload_file: [200, { fileName: 'x', serverSideEncryption }] }
  const answer = (await client.upload('plain', BYTES)).json()
  t.match(answer, { ...UNCONFIRMED, message: /could not be removed/ }, 'another key, and no id')
})

t.test('a rule may keep what is not confirmed', async t => {
  const { server, client } = await meet(t, { rules: [rule(encrypt({ onUnconfirmed: 'keep' }))] })
  server.manners.plain = ['b2_upload_file']
  t.match((await client.upload('plain', BYTES)).json(), { message: /kept/ })
  t.equal(server.files.size, 1)
})

t.test('no plaintext is read where the rule denies it', async t => {
  const { server, client } = await meet(t)
  const sourceFileId = server.store('plain', BYTES)
  t.equal((await client.download('/file/photos/plain')).status, 400, "the provider's own word")
  const denied = { status: 401, code: 'unauthorized', message: /denies plaintext/ }
  t.match((await client.call('b2_copy_file', { sourceFileId, fileName: 'x' })).json(), denied)
  server.manners.answers = { b2_download_file_by_name: [200, { plain: true }] }
  const ignored = await client.download('/file/photos/plain')
  t.match(ignored.json(), denied, 'from a provider that ignores the key')
})

t.test('no key is shown when a provider quotes it', async t => {
  const { server, client } = await meet(t)
  server.store('other', BYTES, randomBytes(32).toString('base64'))
  const answer = await client.download('/file/photos/other')
  t.match(answer.json(), { code: 'access_denied', message: 'refused [secret]' })
  server.manners.answers = { b2_upload_file: [503, { code: 'busy', message: KEY }] }
  t.match((await client.upload('x', BYTES)).json(), { code: 'busy', message: '[secret]' })
})

t.test('redirects are not given on, and what is no JSON is none', async t => {
  const { server, client } = await meet(t)
  const elsewhere = { location: 'https://elsewhere' }
  server.manners.answers = {
    b2_download_file_by_name: [302, {}, elsewhere],
    b2_list_file_names: [301, {}, elsewhere],
    b2_get_upload_url: [200, Buffer.from('<html>')],
    b2_get_file_info: [200, Buffer.alloc(2 * 1024 * 1024, 'x')],
  }
  const redirected = await client.download('/file/photos/a')
  t.match(redirected.json(), { code: 'bad_request', message: /redirects/ })
  t.notOk(redirected.headers['location'])
  const listing = await client.call('b2_list_file_names', { bucketId: 'b-1' })
  t.match(listing.json(), { message: /redirects/ })
  const url = await client.call('b2_get_upload_url', { bucketId: 'b-1' })
  t.match(url.json(), { code: 'service_unavailable' })
  const info = await client.call('b2_delete_file_version', { fileId: '4_z', fileName: 'x' })
  t.match(info.json(), { code: 'service_unavailable' }, 'too long to be about one file')
})
