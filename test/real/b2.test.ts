import { createHash, randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { Secret } from '../../lib/s3/secret.ts'
import { type B2Proxy, startB2Proxy } from '../support/b2-proxy.ts'
import { APP, APP_CLIENT, encrypt, keyBytes, rule } from '../support/proxy.ts'
import { type B2Bench, DEBIAN_PYTHON, useCommand, useRclone, useSdk } from './clients/b2.ts'
import { useNpmInBucket } from './clients/b2-npm.ts'
import { run } from './command.ts'
import { SIMULATOR_KEY, startB2Simulator } from './servers/b2.ts'
import { ensurePackages } from './servers/debian.ts'
import { createVenv } from './venv.ts'

// Stock B2 clients, which know nothing of SSE-C, before the simulator that b2sdk tests itself with.

const RULES = [
  rule({ kind: 'passthrough' }, { buckets: ['plain-*'] }, 'plain'),
  rule(encrypt({ clientKeys: 'accept' }), { buckets: ['own-*'] }, 'own'),
  rule(encrypt()),
]

interface Scene {
  readonly proxy: B2Proxy
  /** Origin of the simulator. */
  readonly direct: string
  readonly folder: string
}

const credentials = {
  accessKeyId: SIMULATOR_KEY.accessKeyId,
  secretAccessKey: new Secret(SIMULATOR_KEY.secretAccessKey),
  sessionToken: undefined,
}

const CLIENTS = [{ ...APP_CLIENT, upstreamCredentials: { kind: 'own', credentials } }] as const

const setScene = async (t: Test): Promise<Scene> => {
  const simulator = await startB2Simulator()
  t.teardown(() => simulator.stop())
  const proxy = await startB2Proxy(t, {
    upstream: simulator.origin,
    rules: RULES,
    clients: CLIENTS,
  })
  const folder = await mkdtemp(join(tmpdir(), 'ssec-proxy-b2-'))
  t.teardown(() => rm(folder, { recursive: true, force: true }))
  return { proxy, direct: simulator.origin, folder }
}

const KEY = keyBytes('main/v1')

const keyHeaders = (key: Buffer): Record<string, string> => ({
  'X-Bz-Server-Side-Encryption-Customer-Algorithm': 'AES256',
  'X-Bz-Server-Side-Encryption-Customer-Key': key.toString('base64'),
  'X-Bz-Server-Side-Encryption-Customer-Key-Md5': createHash('md5').update(key).digest('base64'),
})

/** Asks the provider itself for a file, around the proxy. */
const askDirectly = async (direct: string, file: string, headers: Record<string, string>) => {
  const { accessKeyId, secretAccessKey } = SIMULATOR_KEY
  const basic = Buffer.from(`${accessKeyId}:${secretAccessKey}`).toString('base64')
  const authorizing = { headers: { authorization: `Basic ${basic}` } }
  const account = await fetch(`${direct}/b2api/v2/b2_authorize_account`, authorizing)
  const { authorizationToken: authorization } = (await account.json()) as Record<string, string>
  const answer = await fetch(`${direct}/file/${file}`, {
    headers: { authorization: authorization ?? '', ...headers },
  })
  return { status: answer.status, body: Buffer.from(await answer.arrayBuffer()) }
}

const benchOf = ({ proxy, direct, folder }: Scene): B2Bench => ({
  origin: proxy.origin,
  credentials: APP,
  folder,
  keepsVersions: true,
  tellsMarkers: true,
  checkStored: async (t, bucket, name, bytes) => {
    const file = `${bucket}/${name}`
    t.equal((await askDirectly(direct, file, {})).status, 403, `${file} is not given without a key`)
    const { status, body } = await askDirectly(direct, file, keyHeaders(KEY))
    t.equal(status, 200, `${file} is given with ours`)
    if (bytes !== undefined) t.ok(body.equals(bytes), `${file} has the bytes`)
  },
})

/** The samples of Backblaze's page "SSE Command Line and API Examples", in a shell, but for hosts and keys. */
const runPage = async (t: Test, scene: Scene): Promise<void> => {
  await ensurePackages(['curl', 'openssl'])
  const client = await scene.proxy.authorize()
  const shell = async (
    script: string,
    env: Record<string, string>,
  ): Promise<Record<string, unknown>> => {
    const output = await run('bash', ['-ec', script], {
      env: { ...env, TOKEN: client.token, API: scene.proxy.origin },
    })
    return JSON.parse(output) as Record<string, unknown>
  }
  const created = async (bucketName: string): Promise<string> => {
    const fields = { accountId: 'account-0', bucketName, bucketType: 'allPrivate' }
    return (await client.call('b2_create_bucket', fields)).json()['bucketId'] ?? ''
  }
  const update = (bucketId: string, encryption: string) =>
    shell(
      `curl -sS -H "Authorization: $TOKEN" -d '{ "accountId": "account-0", "bucketId": "${bucketId}", "bucketType": "allPrivate", "defaultServerSideEncryption": ${encryption} }' $API/b2api/v2/b2_update_bucket`,
      {},
    )
  const [plain, own] = [await created('plain-page'), await created('own-page')]
  t.match(await update(plain, '{ "mode": "SSE-B2", "algorithm": "AES256" }'), {
    defaultServerSideEncryption: { value: { mode: 'SSE-B2' } },
  })
  t.match(await update(plain, '{ "mode": null }'), { bucketName: 'plain-page' })
  const file = join(scene.folder, 'myfile')
  await writeFile(file, 'as on the page')
  const upload = async (bucketId: string, headers: string, env: Record<string, string>) => {
    const url = (await client.call('b2_get_upload_url', { bucketId })).json()
    return shell(
      `SHA1_OF_FILE=$(openssl dgst -sha1 \${FILE_TO_UPLOAD} | awk '{print $2;}')
curl -sS -H "Authorization: \${UPLOAD_AUTHORIZATION_TOKEN}" -H "X-Bz-File-Name: myfile" -H "X-Bz-Content-Sha1: \${SHA1_OF_FILE}" ${headers} --data-binary "@\${FILE_TO_UPLOAD}" \${UPLOAD_URL}`,
      {
        FILE_TO_UPLOAD: file,
        UPLOAD_URL: url['uploadUrl'] ?? '',
        UPLOAD_AUTHORIZATION_TOKEN: url['authorizationToken'] ?? '',
        ...env,
      },
    )
  }
  const sseB2 = await upload(plain, '-H "X-Bz-Server-Side-Encryption: AES256"', {})
  t.match(sseB2, { serverSideEncryption: { mode: 'SSE-B2' } }, 'SSE-B2, where the rule passes it')
  const key = randomBytes(32)
  const [, base64 = '', md5 = ''] = Object.values(keyHeaders(key))
  const names = '-H "X-Bz-Server-Side-Encryption-Customer'
  const sseC = `${names}-Algorithm: AES256" ${names}-Key: \${SSE_C_KEY}" ${names}-Key-Md5: \${SSE_C_KEY_MD5}"`
  const stored = await upload(own, sseC, { SSE_C_KEY: base64, SSE_C_KEY_MD5: md5 })
  t.match(stored, { serverSideEncryption: { mode: 'SSE-C' } }, 'with a key of its own')
  const side = `{ "mode": "SSE-C", "algorithm": "AES256", "customerKey": "${base64}", "customerKeyMd5": "${md5}" }`
  const copied = await shell(
    `curl -sS -H "Authorization: $TOKEN" -d '{ "sourceFileId":"${stored['fileId']}", "fileName":"myfile-copy", "sourceServerSideEncryption": ${side}, "destinationServerSideEncryption": ${side} }' $API/b2api/v2/b2_copy_file`,
    {},
  )
  t.match(
    copied,
    { fileName: 'myfile-copy', serverSideEncryption: { mode: 'SSE-C' } },
    JSON.stringify(copied),
  )
  t.equal((await askDirectly(scene.direct, 'own-page/myfile-copy', keyHeaders(key))).status, 200)
}

// A simulator for each: its file ids are the same in every bucket.
await t.test('B2 native', async t => {
  const testAt = (name: string, test: (t: Test, scene: Scene) => Promise<void>) =>
    t.test(name, async t => test(t, await setScene(t)))
  await testAt("b2sdk, Debian's", (t, scene) => useSdk(t, benchOf(scene), DEBIAN_PYTHON, 'debian'))
  await testAt('rclone', (t, scene) => useRclone(t, benchOf(scene), 'rclone'))
  await testAt('backblaze-b2', (t, scene) => useNpmInBucket(t, benchOf(scene), 'npm'))
  await testAt('the page "SSE Command Line and API Examples"', runPage)
  const venv = await createVenv('b2', ['b2'])
  const bin = (name: string): string => join(venv, 'bin', name)
  await testAt('b2sdk, the newest', (t, scene) =>
    useSdk(t, benchOf(scene), bin('python'), 'newest'),
  )
  await testAt('the b2 command, the newest', (t, scene) =>
    useCommand(t, benchOf(scene), bin('b2'), 'command'),
  )
})
