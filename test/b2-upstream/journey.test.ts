import {
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteBucketEncryptionCommand,
  GetBucketAclCommand,
  GetBucketEncryptionCommand,
  GetObjectCommand,
  HeadObjectCommand,
  PutBucketAclCommand,
  PutBucketEncryptionCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import t, { type Test } from 'tap'
import { type B2Account, startB2Account } from '../support/b2-account.ts'
import { encrypt, keyring, type ProxyOptions, rule, startProxy } from '../support/proxy.ts'
import {
  codeOf,
  copyObjects,
  listAndDelete,
  s3ClientOf,
  uploadInParts,
  useObjects,
} from '../support/s3-over-b2.ts'

const Bucket = 'things'

/** An account, the proxy before it, and an S3 client with a bucket. */
const meet = async (t: Test, options: Partial<ProxyOptions> = {}, account?: B2Account) => {
  const b2 = account ?? (await startB2Account(t))
  const proxy = await startProxy(t, { upstream: b2.origin, provider: 'b2-native', ...options })
  const s3 = s3ClientOf(proxy.origin)
  if (account === undefined) await s3.send(new CreateBucketCommand({ Bucket }))
  return { b2, proxy, s3 }
}

t.test('objects are written and read, each with the key', async t => {
  const { b2, s3 } = await meet(t)
  await useObjects(t, s3, Bucket)
  t.ok(b2.files.every(({ mode, action }) => action === 'hide' || mode === 'SSE-C'))
})

t.test('copies are B2’s own', async t => {
  const { b2, s3 } = await meet(t)
  await copyObjects(t, s3, Bucket)
  t.notOk(b2.calls().some(call => call.startsWith('b2_download') && call.endsWith('id')))
  t.ok(b2.calls().includes('b2_copy_file'))
})

t.test('an upload in parts is a large file', async t => {
  const { s3 } = await meet(t)
  await uploadInParts(t, s3, Bucket)
})

t.test('buckets, listings, versions and deletes', async t => {
  const { s3 } = await meet(t)
  await listAndDelete(t, s3, 'listed')
})

t.test('many at once authorise once, and use upload URLs again', async t => {
  const { b2, s3 } = await meet(t)
  b2.expire()
  b2.reached.length = 0
  const keys = Array.from({ length: 8 }, (_, index) => `k${index}`)
  await Promise.all(keys.map(Key => s3.send(new PutObjectCommand({ Bucket, Key, Body: '' }))))
  t.equal(b2.calls().filter(call => call === 'b2_authorize_account').length, 1)
  const urls = b2.calls().filter(call => call === 'b2_get_upload_url').length
  for (const Key of keys) await s3.send(new PutObjectCommand({ Bucket, Key, Body: Key }))
  t.equal(b2.calls().filter(call => call === 'b2_get_upload_url').length, urls)
})

t.test('an expired token is renewed under way', async t => {
  const { b2, s3 } = await meet(t)
  await s3.send(new PutObjectCommand({ Bucket, Key: 'k', Body: 'body' }))
  b2.expire()
  t.equal((await s3.send(new HeadObjectCommand({ Bucket, Key: 'k' }))).ContentLength, 4)
})

t.test('a pod that fails costs a document nothing, and a stream a 503', async t => {
  const { b2, s3 } = await meet(t)
  b2.manners.refusals['b2_upload_file'] = [
    [503, 'service_unavailable'],
    [401, 'expired_auth_token'],
  ]
  await s3.send(new PutObjectCommand({ Bucket, Key: 'empty', Body: '' }))
  t.equal(b2.calls().filter(call => call === 'b2_get_upload_url').length, 3)
  b2.manners.refusals['b2_upload_file'] = [[503, 'service_unavailable']]
  const put = () => s3.send(new PutObjectCommand({ Bucket, Key: 'k', Body: 'streamed' }))
  t.equal(await codeOf(put()), '503 ServiceUnavailable')
  await put()
})

t.test('what B2 stores plain is taken back, and no success', async t => {
  const { b2, s3 } = await meet(t)
  b2.manners.plain = ['b2_upload_file', 'b2_copy_file', 'b2_start_large_file']
  const put = s3.send(new PutObjectCommand({ Bucket, Key: 'k', Body: 'body' }))
  t.equal(await codeOf(put), '502 UnconfirmedEncryption')
  t.strictSame(b2.files, [])
  b2.manners.plain = ['b2_upload_part']
  const { UploadId } = await s3.send(new CreateMultipartUploadCommand({ Bucket, Key: 'k' }))
  const part = { Bucket, Key: 'k', UploadId, PartNumber: 1, Body: 'part' }
  t.equal(await codeOf(s3.send(new UploadPartCommand(part))), '502 UnconfirmedEncryption')
  t.strictSame(b2.files, [], 'the large file is cancelled')
})

t.test(
  'an old version of the key reads, and a plain object where the rule lets it be read',
  async t => {
    const old = await meet(t, { keyrings: [keyring('main', 'v1')] })
    await old.s3.send(new PutObjectCommand({ Bucket, Key: 'old', Body: 'old' }))
    const plain = await meet(t, { rules: [rule({ kind: 'passthrough' })] }, old.b2)
    await plain.s3.send(new PutObjectCommand({ Bucket, Key: 'plain', Body: 'plain' }))
    const options = { keyrings: [keyring('main', 'v2', 'v1')] }
    const rules = [rule(encrypt({ plaintextReads: 'allow' }))]
    const mixed = await meet(t, { ...options, rules }, old.b2)
    for (const Key of ['old', 'plain']) {
      const { Body } = await mixed.s3.send(new GetObjectCommand({ Bucket, Key }))
      t.equal(await Body?.transformToString(), Key)
      t.equal(
        (await mixed.s3.send(new HeadObjectCommand({ Bucket, Key }))).ContentLength,
        Key.length,
      )
    }
    const strict = await meet(t, options, old.b2)
    const denied = strict.s3.send(new GetObjectCommand({ Bucket, Key: 'plain' }))
    t.equal(await codeOf(denied), '403 AccessDenied')
  },
)

t.test("the provider's own method is SSE-B2", async t => {
  const effect = {
    kind: 'provider',
    method: { sse: 's3' },
    plaintextReads: 'deny',
    conflicts: 'remove',
    onUnconfirmed: 'delete',
  } as const
  const { b2, s3 } = await meet(t, { rules: [rule(effect)] })
  const put = await s3.send(new PutObjectCommand({ Bucket, Key: 'k', Body: 'body' }))
  t.equal(put.ServerSideEncryption, 'AES256')
  t.strictSame(
    b2.files.map(({ mode }) => mode),
    ['SSE-B2'],
  )
  t.equal(
    (await s3.send(new GetObjectCommand({ Bucket, Key: 'k' }))).ServerSideEncryption,
    'AES256',
  )
  b2.manners.plain = ['b2_upload_file']
  const unconfirmed = s3.send(new PutObjectCommand({ Bucket, Key: 'other', Body: 'body' }))
  t.equal(await codeOf(unconfirmed), '502 UnconfirmedEncryption')
  t.equal(b2.files.length, 1)
})

t.test('ACLs are the bucket’s type, and its default encryption SSE-B2 or none', async t => {
  const { b2, s3 } = await meet(t, { rules: [rule({ kind: 'passthrough' })] })
  t.equal((await s3.send(new GetBucketAclCommand({ Bucket }))).Grants?.length, 1)
  await s3.send(new PutBucketAclCommand({ Bucket, ACL: 'public-read' }))
  t.equal((await s3.send(new GetBucketAclCommand({ Bucket }))).Grants?.length, 2)
  const wider = s3.send(new PutBucketAclCommand({ Bucket, ACL: 'public-read-write' }))
  t.equal(await codeOf(wider), '501 NotImplemented')
  const getEncryption = () => s3.send(new GetBucketEncryptionCommand({ Bucket }))
  t.match(await codeOf(getEncryption()), /^404 ServerSideEncryptionConfigurationNotFound/)
  const configuration = (SSEAlgorithm: 'AES256' | 'aws:kms') => ({
    Bucket,
    ServerSideEncryptionConfiguration: {
      Rules: [{ ApplyServerSideEncryptionByDefault: { SSEAlgorithm } }],
    },
  })
  await s3.send(new PutBucketEncryptionCommand(configuration('AES256')))
  t.equal((await getEncryption()).ServerSideEncryptionConfiguration?.Rules?.length, 1)
  const byKms = s3.send(new PutBucketEncryptionCommand(configuration('aws:kms')))
  t.equal(await codeOf(byKms), '501 NotImplemented')
  await s3.send(new DeleteBucketEncryptionCommand({ Bucket }))
  t.match(await codeOf(getEncryption()), /^404 /)
  const suspended = { Bucket, VersioningConfiguration: { Status: 'Suspended' } } as const
  t.equal(await codeOf(s3.send(new PutBucketVersioningCommand(suspended))), '501 NotImplemented')
  t.ok(b2.calls().includes('b2_update_bucket'))
})

t.test('what B2 has nothing for is refused by name, before anything is stored', async t => {
  const { b2, s3 } = await meet(t)
  const metadata = (count: number) =>
    Object.fromEntries(Array.from({ length: count }, (_, index) => [`m${index}`, 'v']))
  const cases: readonly [object, string][] = [
    [{ ACL: 'public-read' }, '501 NotImplemented'],
    [{ Tagging: 'a=b' }, '501 NotImplemented'],
    [{ StorageClass: 'GLACIER' }, '400 InvalidStorageClass'],
    [{ WebsiteRedirectLocation: '/x' }, '501 NotImplemented'],
    [{ Metadata: metadata(11) }, '400 MetadataTooLarge'],
    [{ Metadata: { 'b2-own': 'x' } }, '400 InvalidArgument'],
    [{ Metadata: { ['n'.repeat(51)]: 'x' } }, '400 InvalidArgument'],
    [{ Metadata: { long: 'x'.repeat(2048) } }, '400 MetadataTooLarge'],
    [{ ExpectedBucketOwner: 'another' }, '403 AccessDenied'],
  ]
  for (const [said, code] of cases) {
    const put = s3.send(new PutObjectCommand({ Bucket, Key: 'k', Body: 'body', ...said }))
    t.equal(await codeOf(put), code, JSON.stringify(said).slice(0, 60))
  }
  t.strictSame(b2.files, [])
  const owned = { Bucket, Key: 'k', Body: 'body', ExpectedBucketOwner: 'account-1' }
  t.ok(await s3.send(new PutObjectCommand(owned)))
})
