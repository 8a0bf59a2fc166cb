import { randomBytes } from 'node:crypto'
import t from 'tap'
import { ownField, ownHeaders } from '../b2/meet.ts'
import { basic, startB2Proxy } from '../support/b2-proxy.ts'
import { encrypt, keyring, rule } from '../support/proxy.ts'
import { BYTES, createBucket, meet, sha1, upload } from './meet.ts'

t.test('a file is stored with our key, and comes back by name and by id', async t => {
  const { client, bucketId, embedded, proxy } = await meet(t)
  const said = { 'x-bz-info-Src_Last-modified': 'a%20b%2Fc%C3%BC', 'content-type': 'text/x-y' }
  const stored = await upload(client, bucketId, 'a%20b/c+d', BYTES, said)
  t.equal(stored.status, 200, stored.body.toString())
  const fileInfo = { 'src_last-modified': 'a b/cü' }
  t.match(stored.json(), {
    action: 'upload',
    bucketId,
    contentLength: BYTES.length,
    contentSha1: sha1(BYTES),
    contentType: 'text/x-y',
    fileInfo,
    fileName: 'a b/c d',
    serverSideEncryption: { mode: 'SSE-C', algorithm: 'AES256' },
  })
  t.match(proxy.lines.at(-1), {
    client: 'app',
    operation: 'b2_upload_file',
    bucket: 'photos',
    rule: 'test',
    keyVersion: 'main/v1',
  })
  const direct = await fetch(`${embedded.origin}/photos/a%20b/c%20d`)
  t.not(direct.status, 200, 'not without the key')
  const { fileId } = stored.json()
  for (const target of [
    '/file/photos/a%20b/c+d',
    `/b2api/v2/b2_download_file_by_id?fileId=${fileId}`,
  ]) {
    const got = await client.download(target)
    t.ok(got.body.equals(BYTES), target)
    t.match(got.headers, {
      'x-bz-file-name': 'a%20b/c%20d',
      'x-bz-content-sha1': sha1(BYTES),
      'x-bz-info-src_last-modified': 'a%20b%2Fc%C3%BC',
      'x-bz-server-side-encryption-customer-algorithm': 'AES256',
      'content-type': 'text/x-y',
    })
    t.notOk(got.headers['x-amz-meta-b2-content-sha1'])
    const head = await client.download(target, { method: 'HEAD' })
    t.match([head.status, head.headers['content-length']], [200, String(BYTES.length)])
    const part = await client.download(target, { headers: { range: 'bytes=10-19' } })
    t.equal(part.status, 206)
    t.ok(part.body.equals(BYTES.subarray(10, 20)))
  }
  t.ok((await client.call('b2_download_file_by_id', { fileId })).body.equals(BYTES))
  const info = (await client.call('b2_get_file_info', { fileId })).json()
  t.match(info, { fileName: 'a b/c d', fileInfo, contentSha1: sha1(BYTES), fileId })
})

t.test('bytes of another SHA-1 leave nothing behind', async t => {
  const { client, bucketId } = await meet(t)
  const wrong = sha1(Buffer.from('other'))
  const trailing = Buffer.concat([BYTES, Buffer.from(wrong)])
  for (const [bytes, said] of [
    [BYTES, wrong],
    [trailing, 'hex_digits_at_end'],
    [Buffer.from(wrong), 'hex_digits_at_end'],
  ] as const) {
    const answer = await upload(client, bucketId, 'x', bytes, { 'x-bz-content-sha1': said })
    t.match(answer.json(), { status: 400, code: 'bad_request', message: /Sha1 did not match/ })
  }
  t.match((await client.call('b2_list_file_names', { bucketId })).json(), { files: [] })
  const missing = await upload(client, bucketId, 'x', BYTES, { 'x-bz-content-sha1': 'no' })
  t.match(missing.json(), { code: 'bad_request', message: /X-Bz-Content-Sha1/ })
})

t.test('a SHA-1 may follow the bytes, or be left out', async t => {
  const { client, bucketId } = await meet(t)
  for (const bytes of [BYTES, Buffer.alloc(0), Buffer.from('x')]) {
    const sent = Buffer.concat([bytes, Buffer.from(sha1(bytes).toUpperCase())])
    const headers = { 'x-bz-content-sha1': 'hex_digits_at_end' }
    const stored = await upload(client, bucketId, 'x', sent, headers)
    t.match(stored.json(), { contentLength: bytes.length, contentSha1: sha1(bytes) })
    t.ok((await client.download('/file/photos/x')).body.equals(bytes))
  }
  const unverified = await upload(client, bucketId, 'x', BYTES, {
    'x-bz-content-sha1': 'do_not_verify',
  })
  t.match(unverified.json(), { contentSha1: 'none' })
})

t.test('tokens are for their client, place, purpose and day alone', async t => {
  let at = Date.now()
  const { client, bucketId, proxy, asked } = await meet(t, { now: () => new Date(at) })
  await upload(client, bucketId, 'x', BYTES)
  const other = await createBucket(client, 'other')
  const url = (await client.call('b2_get_upload_url', { bucketId })).json()
  const sending = (authorization: string, target = url['uploadUrl'] ?? '') =>
    client.download(target, {
      method: 'POST',
      body: BYTES,
      headers: {
        authorization,
        'x-bz-file-name': 'y',
        'content-type': 'b2/x-auto',
        'x-bz-content-sha1': sha1(BYTES),
      },
    })
  const token = url['authorizationToken'] ?? ''
  t.equal((await sending(token)).status, 200)
  const elsewhere = url['uploadUrl']?.replace(bucketId, other)
  t.match((await sending(token, elsewhere)).json(), { code: 'bad_auth_token' })
  t.match((await sending(client.token)).json(), { code: 'bad_auth_token' })
  const changed = `${token.slice(0, 20)}${token[20] === 'A' ? 'B' : 'A'}${token.slice(21)}`
  t.match((await sending(changed)).json(), { status: 401, code: 'bad_auth_token' })
  const withUpload = { headers: { authorization: token } }
  t.match((await client.download('/file/photos/x', withUpload)).json(), { code: 'bad_auth_token' })
  const replica = await startB2Proxy(t, { ...asked, now: () => new Date(at) })
  const there = { headers: { authorization: client.token } }
  t.equal((await replica.send('/file/photos/x', there)).status, 200, 'every replica takes it')
  at += 25 * 60 * 60 * 1000
  t.match((await client.call('b2_list_buckets', {})).json(), { code: 'expired_auth_token' })
  t.match((await sending(token)).json(), { code: 'expired_auth_token' })
  const wrong = { headers: { authorization: basic({ accessKeyId: 'APP', secretAccessKey: 'x' }) } }
  const refused = await proxy.send('/b2api/v2/b2_authorize_account', wrong)
  t.match(refused.json(), { status: 401, code: 'unauthorized' })
})

t.test('a download token is for its bucket, prefix and headers alone', async t => {
  const { client, bucketId, proxy } = await meet(t)
  await upload(client, bucketId, 'a/x', BYTES)
  const stored = await upload(client, bucketId, 'b', BYTES)
  const b2ContentDisposition = 'attachment; filename="x"'
  const fields = {
    bucketId,
    fileNamePrefix: 'a/',
    validDurationInSeconds: 60,
    b2ContentDisposition,
  }
  const granted = await client.call('b2_get_download_authorization', fields)
  const token = encodeURIComponent(granted.json()['authorizationToken'] ?? '')
  const asked = `b2ContentDisposition=${encodeURIComponent(b2ContentDisposition)}`
  const link = `/file/photos/a/x?Authorization=${token}&${asked}`
  const got = await proxy.send(link)
  t.ok(got.body.equals(BYTES), got.body.toString())
  t.equal(got.headers['content-disposition'], b2ContentDisposition)
  const id = stored.json()['fileId']
  for (const target of [
    `/file/photos/a/x?Authorization=${token}`,
    `/file/photos/b?Authorization=${token}&${asked}`,
    `/b2api/v2/b2_download_file_by_id?fileId=${id}&Authorization=${token}&${asked}`,
  ])
    t.match((await proxy.send(target)).json(), { status: 401, code: 'unauthorized' }, target)
  const listing = await proxy.send('/b2api/v2/b2_list_buckets', {
    method: 'POST',
    headers: { authorization: decodeURIComponent(token) },
    body: '{}',
  })
  t.match(listing.json(), { code: 'bad_auth_token' }, 'for downloads alone')
  const forever = { ...fields, validDurationInSeconds: 700_000 }
  t.match((await client.call('b2_get_download_authorization', forever)).json(), {
    code: 'bad_request',
  })
})

t.test('a large file is put together of its parts', async t => {
  const { client, bucketId } = await meet(t)
  const [first, last] = [randomBytes(5 * 1024 * 1024), BYTES]
  const fileInfo = { large_file_sha1: 'abc' }
  const started = { bucketId, fileName: 'large.txt', contentType: 'b2/x-auto', fileInfo }
  const fileId = (await client.call('b2_start_large_file', started)).json()['fileId'] ?? ''
  const unfinished = await client.call('b2_list_unfinished_large_files', { bucketId })
  t.match(unfinished.json(), {
    files: [{ fileName: 'large.txt', action: 'start' }],
    nextFileId: null,
  })
  const [{ fileId: listedId }] = JSON.parse(unfinished.body.toString()).files
  t.match((await client.call('b2_list_parts', { fileId: listedId })).json(), { parts: [] })
  const send = async (bytes: Buffer, number: string, said = 'hex_digits_at_end') => {
    const url = (await client.call('b2_get_upload_part_url', { fileId })).json()
    const digits = said === 'hex_digits_at_end' ? sha1(bytes) : ''
    return client.download(url['uploadUrl'] ?? '', {
      method: 'POST',
      headers: {
        authorization: url['authorizationToken'] ?? '',
        'x-bz-part-number': number,
        'x-bz-content-sha1': said,
      },
      body: Buffer.concat([bytes, Buffer.from(digits)]),
    })
  }
  t.match((await send(first, '1')).json(), { partNumber: 1, contentSha1: sha1(first), fileId })
  t.match((await send(last, '2', sha1(first))).json(), { code: 'bad_request' })
  t.match((await send(last, '0')).json(), { code: 'bad_request' })
  const finish = (partSha1Array: readonly string[]) =>
    client.call('b2_finish_large_file', { fileId, partSha1Array })
  t.match((await finish([sha1(first), sha1(last)])).json(), { code: 'missing_part' })
  t.match((await finish([])).json(), { code: 'bad_request' })
  t.equal((await send(last, '2', sha1(last))).status, 200)
  t.match((await client.call('b2_list_parts', { fileId, maxPartCount: 1 })).json(), {
    parts: [{ partNumber: 1, contentLength: first.length }],
    nextPartNumber: 2,
  })
  t.match((await client.call('b2_list_parts', { fileId, startPartNumber: 2 })).json(), {
    parts: [{ partNumber: 2, contentLength: last.length }],
    nextPartNumber: null,
  })
  const finished = await finish([sha1(first), sha1(last)])
  t.match(finished.json(), {
    contentLength: first.length + last.length,
    contentType: 'text/plain',
    fileInfo,
    serverSideEncryption: { mode: 'SSE-C' },
  })
  const got = await client.download('/file/photos/large.txt')
  t.ok(got.body.equals(Buffer.concat([first, last])))
  const another = (await client.call('b2_start_large_file', started)).json()['fileId'] ?? ''
  t.match((await client.call('b2_cancel_large_file', { fileId: another })).json(), {
    fileId: another,
    fileName: 'large.txt',
  })
  t.match((await client.call('b2_list_parts', { fileId: another })).json(), { status: 400 })
})

t.test('copies, whole and as parts, read and write by the rules of both places', async t => {
  const { client, bucketId } = await meet(t)
  const info = { 'x-bz-info-color': 'blue' }
  const sourceFileId = (await upload(client, bucketId, 'source', BYTES, info)).json()['fileId']
  const other = await createBucket(client, 'other')
  const copy = { sourceFileId, fileName: 'copy', destinationBucketId: other }
  t.match((await client.call('b2_copy_file', copy)).json(), {
    bucketId: other,
    contentLength: BYTES.length,
    fileInfo: { color: 'blue' },
    serverSideEncryption: { mode: 'SSE-C' },
  })
  const replaced = {
    sourceFileId,
    fileName: 'again',
    metadataDirective: 'REPLACE',
    contentType: 'text/plain',
    fileInfo: { shape: 'round' },
  }
  t.match((await client.call('b2_copy_file', replaced)).json(), {
    bucketId,
    contentType: 'text/plain',
    fileInfo: { color: undefined, shape: 'round' },
  })
  t.ok((await client.download('/file/other/copy')).body.equals(BYTES))
  const ranged = await client.call('b2_copy_file', { ...copy, range: 'bytes=0-9' })
  t.match(ranged.json(), { code: 'bad_request', message: /^range is not served/ })
  const started = { bucketId, fileName: 'parts', contentType: 'b2/x-auto' }
  const largeFileId = (await client.call('b2_start_large_file', started)).json()['fileId']
  const part = { sourceFileId, largeFileId, partNumber: 1, range: 'bytes=5-104' }
  t.match((await client.call('b2_copy_part', part)).json(), { contentLength: 100, partNumber: 1 })
  const whole = { sourceFileId, largeFileId, partNumber: 1 }
  t.match((await client.call('b2_copy_part', whole)).json(), { contentLength: BYTES.length })
  const finish = { fileId: largeFileId, partSha1Array: ['none'] }
  t.equal((await client.call('b2_finish_large_file', finish)).status, 200)
  t.ok((await client.download('/file/photos/parts')).body.equals(BYTES))
})

t.test('an id never comes to mean what was written later, and deletes nothing else', async t => {
  const { client, bucketId } = await meet(t)
  const fileId = (await upload(client, bucketId, 'x', Buffer.from('first'))).json()['fileId']
  const listed = (await client.call('b2_list_file_names', { bucketId })).json()['files']
  t.match(listed, [{ fileId }], 'a listing gives the same')
  const second = (await upload(client, bucketId, 'x', Buffer.from('second'))).json()['fileId']
  for (const name of ['b2_get_file_info', 'b2_download_file_by_id'])
    t.match((await client.call(name, { fileId })).json(), { status: 404, code: 'not_found' })
  const gone = await client.call('b2_delete_file_version', { fileId, fileName: 'x' })
  t.match(gone.json(), { status: 404 })
  t.equal((await client.download('/file/photos/x')).body.toString(), 'second')
  const misnamed = await client.call('b2_delete_file_version', { fileId: second, fileName: 'y' })
  t.match(misnamed.json(), { code: 'bad_request' })
  const deleted = await client.call('b2_delete_file_version', { fileId: second, fileName: 'x' })
  t.match(deleted.json(), { fileId: second, fileName: 'x' })
  t.match((await client.download('/file/photos/x')).json(), { status: 404, code: 'not_found' })
  t.equal((await client.download('/file/photos/x', { method: 'HEAD' })).status, 404)
})

t.test('policy denies, and lets pass, as it does S3 clients', async t => {
  const rules = [
    rule({ kind: 'deny' }, { buckets: ['closed'], operations: ['write'] }, 'closed'),
    rule({ kind: 'passthrough' }, { buckets: ['plain'] }, 'plain'),
    rule(encrypt({ clientKeys: 'accept' }), { buckets: ['own'] }, 'own'),
    rule(encrypt()),
  ]
  const { client, bucketId } = await meet(t, { rules })
  const [closed, plain, own] = [
    await createBucket(client, 'closed'),
    await createBucket(client, 'plain'),
    await createBucket(client, 'own'),
  ]
  const denied = await upload(client, closed, 'x', BYTES)
  t.match(denied.json(), { status: 401, code: 'unauthorized', message: /closed/ })
  t.match((await upload(client, plain, 'x', BYTES)).json(), {
    serverSideEncryption: { mode: 'none' },
  })
  const key = randomBytes(32)
  t.match((await upload(client, bucketId, 'x', BYTES, ownHeaders(key))).json(), { status: 400 })
  const stored = await upload(client, own, 'x', BYTES, ownHeaders(key))
  t.match(stored.json(), { serverSideEncryption: { mode: 'SSE-C' } })
  t.not((await client.download('/file/own/x')).status, 200)
  const reading = { headers: ownHeaders(key) }
  t.ok((await client.download('/file/own/x', reading)).body.equals(BYTES))
  const copy = {
    sourceFileId: stored.json()['fileId'],
    fileName: 'x',
    destinationBucketId: bucketId,
    sourceServerSideEncryption: ownField(key),
  }
  t.match((await client.call('b2_copy_file', copy)).json(), { contentLength: BYTES.length })
  t.ok((await client.download('/file/photos/x')).body.equals(BYTES))
})

t.test('reads try older versions of the key', async t => {
  const before = await meet(t, { keyrings: [keyring('main', 'v0')] })
  await upload(before.client, before.bucketId, 'x', BYTES)
  const asked = { ...before.asked, keyrings: [keyring('main', 'v1', 'v0')] }
  const proxy = await startB2Proxy(t, asked)
  const client = await proxy.authorize()
  t.ok((await client.download('/file/photos/x')).body.equals(BYTES))
  t.match(proxy.lines.at(-1), { attempts: 2, keyVersion: 'main/v0' })
})
