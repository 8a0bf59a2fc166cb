import t from 'tap'
import { startB2Proxy } from '../support/b2-proxy.ts'
import { startObsUpstream } from '../support/obs-upstream.ts'
import { keyring } from '../support/proxy.ts'
import { createBucket, upload } from './meet.ts'

const MAIN = keyring('main', 'v1')
const [KEY] = MAIN.keysFor({ bucket: '', objectKey: '' })
const SSE = 'x-obs-server-side-encryption-customer'

/* B2's calls before an OBS that speaks nothing else, and checks each signature with its vendor's own signer. */

t.test('a B2 client’s files are SSE-C encrypted at OBS, in OBS’s words and signature', async t => {
  const obs = await startObsUpstream(t)
  const proxy = await startB2Proxy(t, {
    upstream: obs.origin,
    provider: 'obs',
    keyrings: [MAIN],
  })
  const client = await proxy.authorize()
  const bucketId = await createBucket(client, 'examplebucket')
  const info = { 'x-bz-info-my_note': 'gr%C3%BCn' }
  const stored = await upload(client, bucketId, 'dir/a', Buffer.from('hello obs'), info)
  t.match(stored.json(), { fileName: 'dir/a', serverSideEncryption: { mode: 'SSE-C' } })
  t.match(obs.seen.at(-1)?.headers, {
    authorization: /^OBS UP:/,
    'x-obs-meta-my--note': '=?UTF-8?B?Z3LDvG4=?=',
    [`${SSE}-key-md5`]: KEY?.md5,
  })
  t.equal(obs.objects.at('/examplebucket/dir/a')?.keyMd5, KEY?.md5)
  const { fileId = '' } = stored.json()
  const byName = await client.download('/file/examplebucket/dir/a')
  t.equal(String(byName.body), 'hello obs')
  const byId = await client.download(`/b2api/v2/b2_download_file_by_id?fileId=${fileId}`)
  t.equal(String(byId.body), 'hello obs')

  const copy = { sourceFileId: fileId, fileName: 'copy' }
  t.match((await client.call('b2_copy_file', copy)).json(), { fileName: 'copy' })
  t.equal(obs.objects.at('/examplebucket/copy')?.keyMd5, KEY?.md5)
  const deleted = await client.call('b2_delete_file_version', { fileName: 'dir/a', fileId })
  t.match(deleted.json(), { fileName: 'dir/a' })
  t.equal((await client.download('/file/examplebucket/dir/a')).status, 404)
})
