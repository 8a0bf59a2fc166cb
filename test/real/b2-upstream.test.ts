import { CreateBucketCommand } from '@aws-sdk/client-s3'
import t from 'tap'
import { Secret } from '../../lib/s3/secret.ts'
import { APP_CLIENT, startProxy } from '../support/proxy.ts'
import {
  copyObjects,
  listAndDelete,
  s3ClientOf,
  uploadInParts,
  useObjects,
} from '../support/s3-over-b2.ts'
import { SIMULATOR_KEY, startB2Simulator } from './servers/b2.ts'

const credentials = {
  accessKeyId: SIMULATOR_KEY.accessKeyId,
  secretAccessKey: new Secret(SIMULATOR_KEY.secretAccessKey),
  sessionToken: undefined,
}
const CLIENTS = [{ ...APP_CLIENT, upstreamCredentials: { kind: 'own', credentials } }] as const

await t.test('S3 over B2 native', async t => {
  const simulator = await startB2Simulator()
  t.teardown(() => simulator.stop())
  const proxy = await startProxy(t, {
    upstream: simulator.origin,
    provider: 'b2-native',
    clients: CLIENTS,
  })
  const s3 = s3ClientOf(proxy.origin)
  await s3.send(new CreateBucketCommand({ Bucket: 'things' }))
  await t.test('objects', t => useObjects(t, s3, 'things'))
  await t.test('copies', t => copyObjects(t, s3, 'things'))
  await t.test('parts', t => uploadInParts(t, s3, 'things'))
  await t.test('listings', t => listAndDelete(t, s3, 'listed'))
})
