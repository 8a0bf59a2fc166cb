import t from 'tap'
import type { KeyVersion } from '../../lib/keys/keyring.ts'
import { createAwsCall } from '../../lib/keys/providers/aws/call.ts'
import {
  addSecretVersion,
  createSecretProvider,
} from '../../lib/keys/providers/aws/secrets-manager.ts'
import { Secret } from '../../lib/s3/secret.ts'
import { keyOf } from '../config/fixture.ts'
import { AWS, type SecretsServer, startSecrets } from './aws-server.ts'

const PLACE = { secretId: 'ssec/main' }
const DOCUMENT = JSON.stringify({
  versions: [
    { id: 'v2', key: keyOf(2), createdAt: '2026-11-21T05:48:13Z', derive: 'object' },
    { id: 'v1', key: keyOf(1) },
  ],
})

const callOf = ({ endpoint }: SecretsServer) =>
  createAwsCall(
    'secretsmanager',
    {
      endpoint,
      region: 'eu-central-1',
      ca: undefined,
      timeout: 500,
      credentials: {
        accessKeyId: AWS.accessKeyId,
        secretAccessKey: new Secret(AWS.secretAccessKey),
        sessionToken: new Secret(AWS.sessionToken),
      },
    },
    () => new Date(),
    () => 0,
  )

const keysOf = async (server: SecretsServer) =>
  (await createSecretProvider(callOf(server), PLACE).fetch()).map(({ id, derive, master }) => [
    id,
    derive,
    master.expose().toString('base64'),
  ])

const version = (id: string, n: number): KeyVersion => ({
  id,
  createdAt: new Date(0),
  master: new Secret(Buffer.alloc(32, n)),
})

t.test('a keyring document, or one bare key', async t => {
  const server = await startSecrets(t, DOCUMENT)
  t.strictSame(await keysOf(server), [
    ['v2', 'object', keyOf(2)],
    ['v1', undefined, keyOf(1)],
  ])
  t.equal(server.calls[0]?.target, 'secretsmanager.GetSecretValue')
  t.strictSame(await keysOf(await startSecrets(t, `${keyOf(3)}\n`)), [['v1', undefined, keyOf(3)]])
})

t.test('a version is put on top, and those before stay', async t => {
  const server = await startSecrets(t, DOCUMENT)
  const id = await addSecretVersion(callOf(server), PLACE, versions => {
    t.equal(versions.length, 2)
    return version('v3', 3)
  })
  t.equal(id, 'v3')
  t.strictSame(await keysOf(server), [
    ['v3', undefined, keyOf(3)],
    ['v2', 'object', keyOf(2)],
    ['v1', undefined, keyOf(1)],
  ])
})

t.test('of two at once one is refused, and nothing is lost', async t => {
  const server = await startSecrets(t, DOCUMENT)
  const adding = () => addSecretVersion(callOf(server), PLACE, () => version('v3', 3))
  const tried = await Promise.allSettled([adding(), adding()])
  t.strictSame(tried.map(({ status }) => status).sort(), ['fulfilled', 'rejected'])
  for (const each of tried) {
    if (each.status === 'rejected') t.match(each.reason, { message: /Somebody else has changed/ })
  }
  t.equal((await keysOf(server)).length, 3)
})

t.test('what cannot be read or written is told, and quotes no key', async t => {
  const server = await startSecrets(t, DOCUMENT)
  const nowhere = createSecretProvider(callOf(server), { secretId: 'other' })
  await t.rejects(nowhere.fetch(), { message: /ResourceNotFoundException .*no such secret/ })
  server.actions['PutSecretValue'] = () => [400, { __type: 'AccessDeniedException' }]
  const adding = addSecretVersion(callOf(server), PLACE, () => version('v3', 3))
  await t.rejects(adding, { message: /AccessDeniedException to PutSecretValue/ })
  server.actions['PutSecretValue'] = () => [200, {}]
  server.actions['UpdateSecretVersionStage'] = () => [400, { __type: 'AccessDeniedException' }]
  const moving = addSecretVersion(callOf(server), PLACE, () => version('v3', 3))
  await t.rejects(moving, { message: /AccessDeniedException to UpdateSecretVersionStage/ })
  t.equal((await keysOf(server)).length, 2)
  server.actions['GetSecretValue'] = () => [200, { SecretBinary: 'AAAA', VersionId: 'x' }]
  await t.rejects(keysOf(server), { message: /ssec\/main is no text/ })
  const bad = await startSecrets(t, `{"key":"${keyOf(5)}"}`)
  const error = await keysOf(bad).catch((error: unknown) => error)
  t.match(error, { name: 'ConfigError' })
  t.notMatch(String(error), keyOf(5).slice(0, 20))
})
