import t from 'tap'
import { basic } from '../support/b2-proxy.ts'
import { BYTES, createBucket, meet, upload } from './meet.ts'

interface Listed {
  readonly files: readonly { readonly fileName: string; readonly action: string }[]
  readonly nextFileName: string | null
  readonly nextFileId?: string | null
}

const NAMES = ['a b', 'd/x', 'd/y', 'd0', 'ü']

t.test('file names come in pages that begin with the name that is asked for', async t => {
  const { client, bucketId } = await meet(t)
  for (const name of NAMES) await upload(client, bucketId, encodeURIComponent(name), BYTES)
  const list = async (call: string, fields: object): Promise<Listed> =>
    JSON.parse((await client.call(call, { bucketId, ...fields })).body.toString())
  for (const call of ['b2_list_file_names', 'b2_list_file_versions']) {
    const seen: string[] = []
    let from = {}
    for (;;) {
      const page = await list(call, { maxFileCount: 2, ...from })
      seen.push(...page.files.map(({ fileName }) => fileName))
      if (page.nextFileName === null) break
      from = { startFileName: page.nextFileName, startFileId: page.nextFileId ?? undefined }
    }
    t.strictSame(seen, NAMES, call)
    const folders = await list(call, { delimiter: '/' })
    t.strictSame(
      folders.files.map(({ fileName, action }) => `${action} ${fileName}`),
      ['upload a b', 'folder d/', 'upload d0', 'upload ü'],
    )
    const within = await list(call, { prefix: 'd/', startFileName: 'd/y' })
    t.strictSame(
      within.files.map(({ fileName }) => fileName),
      ['d/y'],
    )
  }
  t.match(await list('b2_list_file_names', { maxFileCount: 0 }), { code: 'bad_request' })
})

t.test('buckets are listed, changed and deleted', async t => {
  const { client, bucketId } = await meet(t)
  const other = await createBucket(client, 'other')
  t.match((await client.call('b2_list_buckets', {})).json(), {
    buckets: [{ bucketName: 'other', bucketId: other }, { bucketName: 'photos' }],
  })
  const one = await client.call('b2_list_buckets', { bucketName: 'photos' })
  t.match(one.json(), { buckets: [{ bucketId }] })
  t.strictSame((await client.call('b2_list_buckets', { bucketName: 'none' })).json(), {
    buckets: [],
  })
  t.match((await client.call('b2_update_bucket', { bucketId })).json(), { bucketId })
  for (const fields of [
    { bucketType: 'allPublic' },
    { lifecycleRules: [{}] },
    { corsRules: [{}] },
    { bucketInfo: { a: 'b' } },
    { defaultServerSideEncryption: { mode: 'SSE-C' } },
  ])
    t.match(
      (await client.call('b2_update_bucket', { bucketId, ...fields })).json(),
      { status: 400, code: 'bad_request' },
      JSON.stringify(fields),
    )
  t.match((await client.call('b2_delete_bucket', { bucketId: other })).json(), {
    bucketName: 'other',
  })
  t.match((await client.call('b2_list_file_names', { bucketId: other })).json(), { status: 404 })
  t.match((await client.call('b2_list_file_names', { bucketId: 'x' })).json(), {
    code: 'bad_bucket_id',
  })
})

t.test('what S3 has not is refused by name', async t => {
  const { client, bucketId } = await meet(t)
  const fileId = (await upload(client, bucketId, 'x', BYTES)).json()['fileId']
  for (const name of [
    'b2_create_key',
    'b2_get_bucket_notification_rules',
    'b2_set_bucket_notification_rules',
    'b2_update_file_legal_hold',
    'b2_update_file_retention',
  ]) {
    const refused = await client.call(name, { bucketId, fileId })
    t.match(refused.json(), { status: 400, message: new RegExp(`^${name} is not served`) })
  }
  const hiding = await client.call('b2_hide_file', { bucketId, fileName: 'x' })
  t.match(hiding.json(), { status: 400 }, 'the bucket keeps no versions')
  t.equal((await client.download('/file/photos/x')).status, 200, 'and the file is there')
})

t.test('every version of the API gets an account that leads to the proxy', async t => {
  const { proxy } = await meet(t)
  for (const version of ['v1', 'v2', 'v3', 'v4']) {
    const headers = { authorization: basic() }
    const answer = await proxy.send(`/b2api/${version}/b2_authorize_account`, { headers })
    const account = JSON.parse(answer.body.toString())
    const storage = account.apiInfo?.storageApi ?? account
    t.match(storage, { apiUrl: proxy.origin, downloadUrl: proxy.origin }, version)
    t.equal(storage.absoluteMinimumPartSize, 5 * 1024 * 1024)
    t.equal('apiInfo' in account, version > 'v2')
  }
})
