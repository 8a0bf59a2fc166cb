import t from 'tap'
import { encrypt, rule } from '../support/proxy.ts'
import { BYTES, KEY, meet } from './meet.ts'

t.test('the policy is asked with names, whatever ids a call has', async t => {
  const rules = [
    rule(encrypt(), { buckets: ['photos'], prefixes: ['in/'] }),
    rule({ kind: 'passthrough' }, { buckets: ['plain'] }, 'plain'),
  ]
  const { server, client } = await meet(t, { rules })
  const inside = server.store('in/a', BYTES, KEY)
  const outside = server.store('out/a', BYTES, KEY)
  const defaultServerSideEncryption = { mode: 'SSE-B2', algorithm: 'AES256' }
  const allowed: readonly (readonly [string, object])[] = [
    ['b2_get_file_info', { fileId: inside }],
    ['b2_hide_file', { bucketId: 'b-1', fileName: 'in/a' }],
    ['b2_list_file_names', { bucketId: 'b-1', prefix: 'in/' }],
    ['b2_list_file_versions', { bucketId: 'b-1', prefix: 'in/b' }],
    ['b2_list_unfinished_large_files', { bucketId: 'b-1', namePrefix: 'in/' }],
    ['b2_get_download_authorization', { bucketId: 'b-1', fileNamePrefix: 'in/' }],
    ['b2_list_buckets', { bucketName: 'plain' }],
    ['b2_list_buckets', { bucketId: 'b-3' }],
    ['b2_create_bucket', { bucketName: 'plain', defaultServerSideEncryption }],
    ['b2_update_bucket', { bucketId: 'b-3', bucketInfo: {}, corsRules: null }],
    [
      'b2_update_bucket',
      { bucketId: 'b-3', defaultServerSideEncryption, bucketType: 'allPrivate' },
    ],
    ['b2_delete_bucket', { bucketId: 'b-3' }],
    ['b2_delete_file_version', { fileId: inside, fileName: 'in/a' }],
  ]
  for (const [name, fields] of allowed) t.equal((await client.call(name, fields)).status, 200, name)
  const before = server.seen.length
  const denied: readonly (readonly [string, object])[] = [
    ['b2_list_buckets', {}],
    ['b2_list_file_names', { bucketId: 'b-1' }],
    ['b2_list_file_names', { bucketId: 'b-1', prefix: 'out/' }],
    ['b2_hide_file', { bucketId: 'b-1', fileName: 'out/a' }],
    ['b2_create_bucket', { bucketName: 'other' }],
  ]
  const refusal = { status: 401, code: 'unauthorized' }
  for (const [name, fields] of denied)
    t.match((await client.call(name, fields)).json(), refusal, name)
  t.equal(server.seen.length, before)
  t.match((await client.call('b2_get_file_info', { fileId: outside })).json(), refusal)
  t.match((await client.download('/file/photos/out/a')).json(), refusal)
  t.match((await client.upload('out/b', BYTES)).json(), refusal)
  const escaped = await client.download('/file/photos/in%2Fa', { method: 'HEAD' })
  t.equal(escaped.status, 404, 'one name, one spelling')
  t.equal(server.seen.at(-1)?.target, '/file/photos/in/a')
})

t.test(
  'a rule about one of the things that b2_update_bucket changes is enough to refuse it',
  async t => {
    const rules = [
      rule({ kind: 'deny' }, { operations: ['PutBucketAcl'] }),
      rule({ kind: 'passthrough' }),
    ]
    const { client } = await meet(t, { rules })
    const update = { bucketId: 'b-1', lifecycleRules: [] }
    t.equal((await client.call('b2_update_bucket', update)).status, 200)
    const open = { ...update, bucketType: 'allPublic' }
    t.match((await client.call('b2_update_bucket', open)).json(), { code: 'unauthorized' })
  },
)

t.test('a rule about HEAD is one about HeadObject', async t => {
  const rules = [rule({ kind: 'deny' }, { operations: ['HeadObject'] }), rule(encrypt())]
  const { server, client } = await meet(t, { rules })
  server.store('a', BYTES, KEY)
  t.equal((await client.download('/file/photos/a', { method: 'HEAD' })).status, 401)
  t.equal((await client.download('/file/photos/a')).status, 200)
})

t.test('buckets of a restricted key need no look-up', async t => {
  const { server, proxy } = await meet(t)
  const client = await proxy.authorize('v4')
  t.equal((await client.call('b2_list_file_names', { bucketId: 'b-2' })).status, 200)
  t.notOk(server.calls().includes('b2_list_buckets'))
  await client.call('b2_list_file_names', { bucketId: 'b-1' })
  await client.call('b2_list_file_names', { bucketId: 'b-1' })
  t.equal(server.calls().filter(name => name === 'b2_list_buckets').length, 1, 'looked up once')
})

t.test('a download authorisation reads, and does nothing else', async t => {
  const { server, proxy, client } = await meet(t)
  server.store('in/a', BYTES, KEY)
  const wanted = { bucketId: 'b-1', fileNamePrefix: 'in/', validDurationInSeconds: 60 }
  const given = (await client.call('b2_get_download_authorization', wanted)).json()
  const authorization = given['authorizationToken'] ?? ''
  const query = `Authorization=${authorization}&b2ContentType=text%2Fplain&serverSideEncryption=x&flag`
  t.ok((await proxy.send(`/file/photos/in/a?${query}`)).body.equals(BYTES))
  t.equal(server.seen.at(-1)?.target, '/file/photos/in/a?b2ContentType=text%2Fplain&flag')
  t.equal(server.seen.at(-1)?.headers.authorization, 'provider-download-token')
  t.ok((await proxy.send('/file/photos/in/a', { headers: { authorization } })).body.equals(BYTES))
  const list = { method: 'POST', headers: { authorization }, body: '{}' } as const
  const answer = await proxy.send('/b2api/v2/b2_list_buckets', list)
  t.match(answer.json(), { code: 'bad_auth_token' })
})

t.test('upload URLs are sealed: no other host, no other token, no other kind', async t => {
  const { server, proxy, client } = await meet(t)
  const newUrl = async () => (await client.call('b2_get_upload_url', { bucketId: 'b-1' })).json()
  const { uploadUrl: url = '', authorizationToken: token = '' } = await newUrl()
  const other = await newUrl()
  const before = server.seen.length
  const post = async (target: string, authorization: string) => {
    const headers = { authorization, 'x-bz-file-name': 'x' }
    return (await proxy.send(target, { method: 'POST', headers, body: BYTES })).json()
  }
  t.match(await post(url, other['authorizationToken'] ?? ''), { code: 'bad_auth_token' })
  t.match(await post(url, client.token), { code: 'bad_auth_token' })
  t.match(await post(url.replace('_file/', '_part/'), token), { code: 'bad_request' })
  t.match(await post('/b2api/v2/b2_upload_file/sp1_http%3A%2F%2Fevil', token), {
    code: 'bad_request',
  })
  const nameless = { method: 'POST', headers: { authorization: token }, body: BYTES } as const
  t.match((await proxy.send(url, nameless)).json(), { message: /X-Bz-File-Name/ })
  t.match((await proxy.send(url, { method: 'POST' })).json(), { code: 'bad_auth_token' })
  t.equal(server.seen.length, before)
})

t.test('what is malformed or unknown is refused by name', async t => {
  const { proxy, client } = await meet(t)
  const cases: readonly (readonly ['GET' | 'POST' | 'PUT', string, object, RegExp])[] = [
    ['POST', '/b2api/v2/b2_create_key', { status: 400 }, /b2_create_key is not served/],
    ['POST', '/b2api/v4/b2_frobnicate', { status: 400 }, /b2_frobnicate is not served/],
    ['GET', '/b2api/v9/b2_list_buckets', { code: 'bad_request' }, /no such path/],
    ['GET', '/photos/a', { code: 'bad_request' }, /no such path/],
    ['PUT', '/b2api/v2/b2_list_buckets', { status: 405 }, /./],
    ['GET', '/b2api/v2/b2_list_buckets?a=1&a=2', { code: 'bad_request' }, /twice/],
    ['GET', '/file/photos', { code: 'bad_request' }, /names a bucket and a file/],
    ['POST', '/b2api/v2/b2_list_file_names', { code: 'bad_request' }, /bucketId is missing/],
    ['POST', '/b2api/v2/b2_copy_file', { code: 'bad_request' }, /sourceFileId is missing/],
  ]
  for (const [method, target, like, message] of cases) {
    const sending = method === 'POST' ? { method, body: '{}' } : { method }
    t.match((await client.download(target, sending)).json(), { ...like, message }, target)
  }
  for (const body of ['[]', '{', '"x"']) {
    const answer = await client.download('/b2api/v2/b2_list_buckets', { method: 'POST', body })
    t.match(answer.json(), { message: /not a JSON object/ })
  }
  const long = await client.call('b2_list_buckets', { x: 'x'.repeat(70_000) })
  t.match(long.json(), { code: 'bad_request' })
  const unknown = await client.call('b2_list_file_names', { bucketId: 'unknown' })
  t.match(unknown.json(), { message: /bucket id is unknown/ })
  t.match((await client.call('b2_get_file_info', { fileId: 'unknown' })).json(), { status: 404 })
  t.equal(proxy.lines.at(-1)?.['client'], 'app')
  const hostless = await proxy.send('/b2api/v2/b2_list_buckets', { headers: { host: 'a/b' } })
  t.match(hostless.json(), { message: /Host/ })
})

t.test("a file name that is not the id's deletes nothing", async t => {
  const { server, client } = await meet(t)
  const fileId = server.store('a', BYTES, KEY)
  const wrong = await client.call('b2_delete_file_version', { fileId, fileName: 'b' })
  t.match(wrong.json(), { code: 'bad_request' })
  t.equal(server.files.size, 1)
})

t.test("calls by GET keep their query, with the provider's ids and no token", async t => {
  const { server, client } = await meet(t)
  const fileId = server.store('a', BYTES, KEY)
  await client.download(`/b2api/v2/b2_get_file_info?fileId=${fileId}&Authorization=x`)
  t.equal(server.seen.at(-1)?.target, `/b2api/v2/b2_get_file_info?fileId=${fileId}`)
  await client.download('/b2api/v2/b2_list_buckets')
  t.equal(server.seen.at(-1)?.target, '/b2api/v2/b2_list_buckets')
})
