import t, { type Test } from 'tap'
import type { RuleEffect } from '../../lib/policy/rule.ts'
import { rule } from '../support/proxy.ts'
import { BYTES, meet, ownHeaders, sendPart, startLarge } from './meet.ts'

/* SSE-B2 by a rule: demanded of B2 with whatever makes a file, confirmed, and never beside a key. */

type ByMethod = Extract<RuleEffect, { kind: 'provider' }>

const byMethod = (effect: Partial<ByMethod> = {}) => ({
  rules: [
    rule({
      kind: 'provider',
      method: { sse: 's3' },
      plaintextReads: 'deny',
      conflicts: 'remove',
      onUnconfirmed: 'delete',
      ...effect,
    }),
  ],
})

const KEY = Buffer.alloc(32, 7)
const METHOD = { mode: 'SSE-B2', algorithm: 'AES256' }

const documentOf = ({ body }: { body: Buffer }) => JSON.parse(body.toString())

const last = ({ server }: Awaited<ReturnType<typeof meet>>) => {
  const seen = server.seen.at(-1)
  if (seen === undefined) throw new Error('nothing was seen')
  return seen
}

t.test('a file, a copy and a large file ask for SSE-B2', async t => {
  const met = await meet(t, byMethod())
  const { client, server } = met
  const stored = await client.upload('file', BYTES)
  t.equal(stored.status, 200)
  t.equal(last(met).headers['x-bz-server-side-encryption'], 'AES256')
  const { fileId = '' } = stored.json()
  const copied = await client.call('b2_copy_file', { sourceFileId: fileId, fileName: 'copy' })
  t.equal(copied.status, 200)
  t.strictSame(documentOf(last(met))['destinationServerSideEncryption'], METHOD)
  const large = await startLarge(client)
  t.strictSame(documentOf(last(met))['serverSideEncryption'], METHOD)
  t.equal((await sendPart(client, large)).status, 200)
  t.notOk(Object.keys(last(met).headers).some(name => name.startsWith('x-bz-server-side')))
  const finished = { fileId: large, partSha1Array: ['x'] }
  t.equal((await client.call('b2_finish_large_file', finished)).status, 200)
  t.ok([...server.files.values()].every(({ mode }) => mode === 'SSE-B2'))
})

const refusedPlain = async (
  t: Test,
  call: string,
  effect: Partial<ByMethod>,
  left: number,
): Promise<void> => {
  const { client, server } = await meet(t, byMethod(effect))
  server.manners.plain = [call]
  const answer =
    call === 'b2_upload_file'
      ? await client.upload('file', BYTES)
      : await client.call(call, { bucketId: 'b-1', fileName: 'large' })
  t.equal(answer.json()['code'], 'unconfirmed_encryption')
  t.equal(server.files.size, left)
}

t.test('what B2 does not confirm is taken back, or kept where the rule says so', async t => {
  await refusedPlain(t, 'b2_upload_file', {}, 0)
  await refusedPlain(t, 'b2_start_large_file', {}, 0)
  await refusedPlain(t, 'b2_upload_file', { onUnconfirmed: 'keep' }, 1)
})

t.test('a key, or a method that B2 does not have, is refused before anything is sent', async t => {
  const own = await meet(t, byMethod())
  t.equal((await own.client.upload('file', BYTES, ownHeaders(KEY))).status, 400)
  const kms = await meet(t, byMethod({ method: { sse: 'kms' } }))
  t.equal((await kms.client.upload('file', BYTES)).status, 400)
  const rejecting = await meet(t, byMethod({ conflicts: 'reject' }))
  const asking = { 'x-bz-server-side-encryption': 'AES256' }
  t.equal((await rejecting.client.upload('file', BYTES, asking)).status, 400)
  for (const { server } of [own, kms, rejecting]) t.equal(server.files.size, 0)
})

t.test('plaintext is not read where the rule denies it', async t => {
  const { client, server } = await meet(t, byMethod())
  const fileId = server.store('plain', BYTES)
  t.equal((await client.download('/file/photos/plain')).status, 401)
  const copy = await client.call('b2_copy_file', { sourceFileId: fileId, fileName: 'copy' })
  t.equal(copy.status, 401)
  const open = await meet(t, byMethod({ plaintextReads: 'allow' }))
  open.server.store('plain', BYTES)
  t.ok((await open.client.download('/file/photos/plain')).body.equals(BYTES))
})

t.test('a bucket gets SSE-B2 for its default, and no other', async t => {
  const met = await meet(t, byMethod())
  const { client } = met
  await client.call('b2_create_bucket', { bucketName: 'new', bucketType: 'allPrivate' })
  t.strictSame(documentOf(last(met))['defaultServerSideEncryption'], METHOD)
  const none = { bucketId: 'b-1', defaultServerSideEncryption: { mode: null } }
  await client.call('b2_update_bucket', none)
  t.strictSame(documentOf(last(met))['defaultServerSideEncryption'], METHOD)
  await client.call('b2_update_bucket', { bucketId: 'b-1', bucketType: 'allPublic' })
  t.equal(documentOf(last(met))['defaultServerSideEncryption'], undefined)
})
