import { chmod, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { CredentialsError } from '../../lib/credentials/chain.ts'
import { AwsRefusal, createAwsCall } from '../../lib/keys/providers/aws/call.ts'
import { createKmsWrapper } from '../../lib/keys/providers/aws/kms.ts'
import { KeyProviderError } from '../../lib/keys/providers/provider.ts'
import { createWrappedProvider } from '../../lib/keys/providers/wrapped.ts'
import { readWrappedFile, wrappedText } from '../../lib/keys/providers/wrapped-file.ts'
import type { CredentialsSource } from '../../lib/s3/credentials.ts'
import { Secret } from '../../lib/s3/secret.ts'
import { ConfigError } from '../../lib/yaml/fault.ts'
import { AWS, type AwsServer, startKms } from './aws-server.ts'

const CREDENTIALS: CredentialsSource = {
  accessKeyId: AWS.accessKeyId,
  secretAccessKey: new Secret(AWS.secretAccessKey),
  sessionToken: new Secret(AWS.sessionToken),
}
const V1 = { keyring: 'main', version: 'v1' }
const V2 = { keyring: 'main', version: 'v2' }

const callOf = ({ endpoint }: AwsServer, credentials: CredentialsSource = CREDENTIALS) =>
  createAwsCall(
    'kms',
    { endpoint, region: 'eu-central-1', ca: undefined, timeout: 500, credentials },
    () => new Date(),
    () => 0,
  )

const wrapperOf = (kms: AwsServer, keyId = 'one', olderKeyIds: readonly string[] = []) =>
  createKmsWrapper(callOf(kms), { keyId, olderKeyIds })

t.test('a key that KMS made comes out as it was wrapped, for its binding alone', async t => {
  const kms = await startKms(t)
  const wrapper = wrapperOf(kms)
  const wrapped = await wrapper.generate(V1)
  const key = await wrapper.unwrap(wrapped, V1)
  t.equal(key.length, 32)
  t.strictSame(await wrapper.unwrap(wrapped, V1), key)
  for (const other of [V2, { keyring: 'other', version: 'v1' }]) {
    await t.rejects(wrapper.unwrap(wrapped, other), {
      name: 'KeyProviderError',
      message: /InvalidCiphertextException to Decrypt. It was not wrapped for this keyring/,
    })
  }
  t.strictSame(kms.calls[0], {
    target: 'TrentService.GenerateDataKeyWithoutPlaintext',
    fields: {
      KeyId: 'one',
      KeySpec: 'AES_256',
      EncryptionContext: { 'ssec-proxy:keyring': 'main', 'ssec-proxy:version': 'v1' },
    },
  })
})

t.test('a key that there is already can be wrapped', async t => {
  const wrapper = wrapperOf(await startKms(t))
  const key = Buffer.alloc(32, 7)
  t.strictSame(await wrapper.unwrap(await wrapper.wrap(key, V1), V1), key)
})

t.test('a KMS key is believed only when it is named', async t => {
  const kms = await startKms(t)
  const wrapped = await wrapperOf(kms, 'one').generate(V1)
  await t.rejects(wrapperOf(kms, 'two').unwrap(wrapped, V1), {
    message: /Keyring main, version v1: .*IncorrectKeyException.*olderKeyIds/,
  })
  const key = await wrapperOf(kms, 'two', ['one']).unwrap(wrapped, V1)
  t.strictSame(key, await wrapperOf(kms, 'one').unwrap(wrapped, V1))
})

t.test('what passes is tried again, and signed anew; what does not is told at once', async t => {
  const kms = await startKms(t)
  const wrapper = wrapperOf(kms)
  kms.errors.push('ThrottlingException', 'DependencyTimeoutException')
  await wrapper.generate(V1)
  t.equal(kms.calls.length, 3)
  kms.errors.push('DisabledException')
  await t.rejects(wrapper.generate(V1), { message: /DisabledException .*Enable the KMS key/ })
  t.equal(kms.calls.length, 4)
  kms.fault = 500
  await t.rejects(wrapper.generate(V1), { message: /answered 500 to GenerateDataKey/ })
  t.equal(kms.calls.length, 7)
  kms.fault = 0
  await t.rejects(wrapper.generate(V1), {
    message: new RegExp(`^AWS KMS at ${kms.endpoint} cannot be reached`),
  })
})

t.test('nothing that KMS says but its code is passed on', async t => {
  const kms = await startKms(t)
  kms.errors.push('AccessDeniedException')
  const error = await wrapperOf(kms)
    .generate(V1)
    .catch((error: unknown) => error)
  t.ok(error instanceof AwsRefusal && error.code === 'AccessDeniedException')
  t.notMatch(String(error), 'words that nobody shall see')
  kms.actions['Encrypt'] = () => [400, { __type: 'a word\nand more' }]
  await t.rejects(wrapperOf(kms).wrap(Buffer.alloc(32), V1), { message: /answered 400 to Encrypt/ })
  kms.actions['Encrypt'] = () => [200, {}]
  await t.rejects(wrapperOf(kms).wrap(Buffer.alloc(32), V1), {
    message: 'AWS KMS gave no CiphertextBlob.',
  })
})

t.test('a wrong secret, and no credentials', async t => {
  const kms = await startKms(t)
  const wrong = { ...CREDENTIALS, secretAccessKey: new Secret('wrong') }
  await t.rejects(callOf(kms, wrong)('Decrypt', {}), { message: /InvalidSignatureException/ })
  const none = { current: () => Promise.reject(new CredentialsError('none')) }
  await t.rejects(callOf(kms, none)('Decrypt', {}), { name: 'CredentialsError' })
  t.equal(kms.calls.length, 1)
})

t.test('the file of a keyring, read and unwrapped whole', async t => {
  const kms = await startKms(t)
  const wrapper = wrapperOf(kms)
  const file = join(t.testdir({}), 'main.yaml')
  const createdAt = new Date('2026-11-21T05:48:13Z')
  const versions = [
    { id: 'v2', wrapped: await wrapper.generate(V2), createdAt, derive: 'object' as const },
    { id: 'v1', wrapped: await wrapper.wrap(Buffer.alloc(32, 1), V1) },
  ]
  await writeFile(file, wrappedText(versions), { mode: 0o644 })
  t.strictSame(await readWrappedFile(file), versions)
  const provider = createWrappedProvider(wrapper, 'main', file)
  const fetched = await provider.fetch()
  t.strictSame(
    fetched.map(({ id, createdAt, derive }) => [id, createdAt, derive]),
    [
      ['v2', createdAt, 'object'],
      ['v1', undefined, undefined],
    ],
  )
  t.strictSame(fetched[1]?.master.expose(), Buffer.alloc(32, 1))
  t.notMatch(await readFile(file, 'utf8'), fetched[0]?.master.expose().toString('base64') ?? '')
  const swapped = versions.map(({ wrapped }, i) => ({ id: versions[1 - i]?.id ?? '', wrapped }))
  await writeFile(file, wrappedText(swapped))
  await t.rejects(provider.fetch(), KeyProviderError, 'no version can pass for another one')
})

t.test('a key of another length is none', async t => {
  const wrapper = wrapperOf(await startKms(t))
  const file = join(t.testdir({}), 'main.yaml')
  const wrapped = await wrapper.wrap(Buffer.alloc(16), V1)
  await writeFile(file, wrappedText([{ id: 'v1', wrapped }]))
  await t.rejects(createWrappedProvider(wrapper, 'main', file).fetch(), {
    message: 'The wrapped key of version v1 has 16 bytes. It must have 32.',
  })
})

t.test('faults of the file', async t => {
  const folder = t.testdir({})
  const faultOf = async (text: string, mode = 0o644): Promise<string> => {
    const file = join(folder, `${mode}-${text.length}.yaml`)
    await writeFile(file, text)
    await chmod(file, mode)
    try {
      await readWrappedFile(file)
      return ''
    } catch (error) {
      return error instanceof ConfigError ? error.message : String(error)
    }
  }
  const good = 'versions: [{ id: v1, wrapped: YQ== }]'
  t.equal(await faultOf(good), '')
  t.match(await faultOf(good, 0o664), /others may change it \(mode 0664\). Run: chmod go-w/)
  t.match(await faultOf('versions: []'), /must not be empty/)
  t.match(
    await faultOf('versions: [{ id: v1, wrapped: YQ== }, { id: v1, wrapped: Yg== }]'),
    /is the id of a version above/,
  )
  t.match(
    await faultOf('versions: [{ id: v2, wrapped: YQ== }, { id: v1, wrapped: YQ== }]'),
    /is the key of a version above/,
  )
  t.match(await faultOf('versions: [{ id: v1, wrapped: "a b" }]'), /must be a wrapped key/)
  const plain = `versions: [{ id: v1, key: ${Buffer.alloc(32, 9).toString('base64')} }]`
  const fault = await faultOf(plain)
  t.match(fault, /wrapped/)
  t.notMatch(fault, 'CQkJ')
  await t.rejects(readWrappedFile(join(folder, 'none')), { message: /does not exist/ })
})
