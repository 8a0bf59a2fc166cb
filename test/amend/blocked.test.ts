import t from 'tap'
import { startStage } from '../copy/stage.ts'
import { send } from '../support/client.ts'
import { startProxy } from '../support/proxy.ts'
import { startUpstream } from '../support/upstream.ts'

const WRITES = [
  { method: 'PUT', path: '/main/k', body: 'hello' },
  { method: 'POST', path: '/main/k', query: { uploads: '' } },
  { method: 'PUT', path: '/main/k', headers: { 'x-amz-copy-source': '/plain/k' } },
]

t.test('a bucket that blocks SSE-C is named, with the command that unblocks it', async t => {
  const stage = await startStage(t)
  await stage.direct({ method: 'PUT', path: '/plain/k', body: 'plain' })
  const proxy = await stage.proxy()
  stage.faults.add({ misbehave: { kind: 'blockSseC' } })
  const asked = stage.faults.add({ on: 'GetBucketEncryption', misbehave: { kind: 'delay', ms: 0 } })
  for (const write of WRITES) {
    const answer = await send(proxy.origin, write)
    t.match(answer, { status: 403, text: /<Code>AccessDenied<\/Code>/ })
    t.match(answer.text, /Bucket 'main' blocks SSE-C/)
    t.ok(
      answer.text
        .replaceAll('&quot;', '"')
        .includes(
          `aws s3api put-bucket-encryption --bucket main --server-side-encryption-configuration '{"Rules":[{"ApplyServerSideEncryptionByDefault":{"SSEAlgorithm":"AES256"},"BucketKeyEnabled":false,"BlockedEncryptionTypes":{"EncryptionType":["NONE"]}}]}'`,
        ),
      answer.text,
    )
  }
  t.equal(asked(), 1, 'one look tells for all')
  t.match(proxy.lines.at(-1), { status: 403, error: 'AccessDenied', reason: /blocks SSE-C/ })
  stage.faults.clear()
  t.equal(
    (await send(proxy.origin, WRITES[0] ?? { path: '/' })).status,
    200,
    'once it is unblocked',
  )
})

const DENIED = {
  status: 403,
  body: '<Error><Code>AccessDenied</Code><Message>No.</Message></Error>',
}

const configuration = (inner: string) =>
  `<ServerSideEncryptionConfiguration><Rule>${inner}</Rule></ServerSideEncryptionConfiguration>`

t.test('the bucket’s own default encryption is kept in the command', async t => {
  const kms = configuration(
    '<ApplyServerSideEncryptionByDefault><SSEAlgorithm>aws:kms</SSEAlgorithm><KMSMasterKeyID>arn:aws:kms:eu:1:key/2</KMSMasterKeyID></ApplyServerSideEncryptionByDefault><BucketKeyEnabled>true</BucketKeyEnabled><BlockedEncryptionTypes><EncryptionType>SSE-C</EncryptionType></BlockedEncryptionTypes>',
  )
  const upstream = await startUpstream(t, seen =>
    seen.target === '/b?encryption=' ? { body: kms } : DENIED,
  )
  const proxy = await startProxy(t, { upstream: upstream.origin, provider: 'embedded' })
  const { text } = await send(proxy.origin, { method: 'PUT', path: '/b/k', body: 'x' })
  t.match(
    text.replaceAll('&quot;', '"'),
    '{"SSEAlgorithm":"aws:kms","KMSMasterKeyID":"arn:aws:kms:eu:1:key/2"},"BucketKeyEnabled":true,"BlockedEncryptionTypes"',
  )
  const looked = upstream.seen.at(-1)
  t.notOk(
    Object.keys(looked?.headers ?? {}).some(name => name.includes('customer')),
    'no key',
  )
})

t.test('a 403 for another reason stays what it is', async t => {
  const open = configuration(
    '<BlockedEncryptionTypes><EncryptionType>NONE</EncryptionType></BlockedEncryptionTypes>',
  )
  const upstream = await startUpstream(t, seen =>
    seen.target === '/b?encryption=' ? { body: open } : DENIED,
  )
  const proxy = await startProxy(t, { upstream: upstream.origin, provider: 'embedded' })
  for (const _ of [1, 2]) {
    const answer = await send(proxy.origin, { method: 'PUT', path: '/b/k', body: 'x' })
    t.match(answer, { status: 403, text: /<Message>No\.</ })
  }
  t.equal((await send(proxy.origin, { path: '/b/k' })).status, 403, 'a read')
  t.strictSame(
    upstream.seen.map(seen => seen.method),
    ['PUT', 'GET', 'PUT', 'GET'],
    'looked at once, and for writes alone',
  )
})

t.test('who may not look is told what it may be', async t => {
  const upstream = await startUpstream(t, () => DENIED)
  const proxy = await startProxy(t, { upstream: upstream.origin, provider: 'embedded' })
  const answer = await send(proxy.origin, { method: 'PUT', path: '/b/k', body: 'x' })
  t.match(answer, { status: 403, text: /denies this write\. If the same credentials/ })
  t.match(answer.text, /aws s3api put-bucket-encryption --bucket b /)
})

t.test('other providers do not block, and are not asked', async t => {
  const upstream = await startUpstream(t, () => DENIED)
  const proxy = await startProxy(t, { upstream: upstream.origin, provider: 'minio' })
  const answer = await send(proxy.origin, { method: 'PUT', path: '/b/k', body: 'x' })
  t.match(answer, { status: 403, text: /<Message>No\.</ })
  t.equal(upstream.seen.length, 1)
})
