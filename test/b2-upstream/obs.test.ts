import t from 'tap'
import { startB2Account } from '../support/b2-account.ts'
import { createObsClient, modeName, OBS_MODES } from '../support/obs-client.ts'
import { APP, APP_CLIENT, startProxy } from '../support/proxy.ts'

/* Huawei's own SDK before B2's native API: it speaks OBS, B2 hears its own calls, and the key goes with each. */

for (const mode of OBS_MODES) {
  t.test(modeName(mode), async t => {
    const b2 = await startB2Account(t)
    const proof = { ...APP_CLIENT.proof, schemes: ['v4', 'v2', 'obs'] } as typeof APP_CLIENT.proof
    const proxy = await startProxy(t, {
      upstream: b2.origin,
      provider: 'b2-native',
      domains: ['localhost'],
      clients: [{ ...APP_CLIENT, proof }],
    })
    const sdk = await createObsClient({ port: Number(new URL(proxy.origin).port), ...APP }, mode)
    t.teardown(() => sdk.close())
    const [Bucket, Key] = ['obs-bucket', 'dir/ö bs']
    const statusOf = async (call: Promise<{ CommonMsg: { Status: number } }>): Promise<number> =>
      (await call).CommonMsg.Status
    t.equal(await statusOf(sdk.createBucket({ Bucket })), 200)
    const stored = { Bucket, Key, Body: 'stored', Metadata: { a: 'b' } }
    t.equal(await statusOf(sdk.putObject(stored)), 200)
    t.strictSame(
      b2.files.map(({ mode, fileInfo }) => [mode, fileInfo]),
      [['SSE-C', { a: 'b' }]],
    )
    const got = await sdk.getObject({ Bucket, Key })
    t.equal(String(got.InterfaceResult['Content']), 'stored')
    t.match(got.InterfaceResult['Metadata'], { a: 'b' })
    const copy = { Bucket, Key: 'copy', CopySource: `${Bucket}/${Key}` }
    t.equal(await statusOf(sdk.copyObject(copy)), 200)
    const listed = (await sdk.listObjects({ Bucket })).InterfaceResult['Contents']
    t.match(listed, [{ Key: 'copy' }, { Key }])
    t.equal(await statusOf(sdk.deleteObject({ Bucket, Key: 'copy' })), 204)
    t.equal(await statusOf(sdk.getObject({ Bucket, Key: 'copy' })), 404)
    t.equal(await statusOf(sdk.appendObject({ Bucket, Key, Body: 'more', Position: 0 })), 501)
  })
}
