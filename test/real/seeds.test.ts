import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'
import { testAtEach } from './at-site.ts'
import { run } from './command.ts'
import { APP, type Site, startProxy } from './proxy.ts'
import { ensurePackages } from './servers/debian.ts'
import { REGION, readStage } from './stage.ts'

// The command lines of the vendors' pages, in a shell and with a stock awscli, but for endpoint, bucket and key.

const BYTES = 'as on the page\n'

/** Runs a script; gives what it printed on either output, and whether it failed. */
type Shell = (script: string) => Promise<{ readonly output: string; readonly failed: boolean }>

/** A shell where `aws` is set up, and `myfile` and `magic` are what the page uploads. */
const createShell = async (t: Test, site: Site, bucket: string): Promise<Shell> => {
  const folder = await mkdtemp(join(tmpdir(), 'ssec-proxy-seeds-'))
  t.teardown(() => rm(folder, { recursive: true, force: true }))
  for (const name of ['myfile', 'magic']) await writeFile(join(folder, name), BYTES)
  await writeFile(join(folder, 'config'), '[default]\ns3 =\n  signature_version = s3v4\n')
  const env = {
    AWS_ACCESS_KEY_ID: APP.accessKeyId,
    AWS_SECRET_ACCESS_KEY: APP.secretAccessKey,
    AWS_DEFAULT_REGION: REGION,
    AWS_CONFIG_FILE: join(folder, 'config'),
    AWS_CA_BUNDLE: site.https.ca,
    AWS_PAGER: '',
    AWS_ENDPOINT_URL: site.https.origin,
    ENDPOINT: site.https.origin,
    BUCKET: bucket,
    // 32 characters: awscli takes the key itself, and encodes it.
    AES_KEY: 'k'.repeat(32),
    AES_DST_KEY: 'd'.repeat(32),
  }
  const shell: Shell = async script => {
    const words = ['-ec', `{ ${script}\n} 2>&1`]
    try {
      return { output: await run('bash', words, { env, cwd: folder }), failed: false }
    } catch (error) {
      return { output: (error as { stdout: string }).stdout, failed: true }
    }
  }
  return shell
}

/** Backblaze, "SSE Command Line and API Examples": the lines for the AWS CLI. */
const playBackblaze = async (t: Test, site: Site, aws: string): Promise<void> => {
  const bucket = `own-keys-${site.bucket}-b2`
  const shell = await createShell(t, site, bucket)
  const demand = async (script: string): Promise<string> => {
    const { output, failed } = await shell(script)
    t.notOk(failed, `${script}: ${output}`)
    return output
  }
  await demand(`${aws} s3 mb s3://$BUCKET --endpoint-url $ENDPOINT`)
  await t.test('Upload using the AWS CLI with SSE-B2', async t => {
    await demand(`${aws} s3 cp myfile s3://$BUCKET/with-sse --sse AES256 --endpoint-url $ENDPOINT`)
    const place = { bucket, objectKey: 'with-sse' }
    t.equal((await site.provider.read(place)).status, 400, 'one method only: the rule’s')
  })
  await t.test('Upload using the AWS CLI with SSE-C', async t => {
    await demand(
      `${aws} s3 cp myfile s3://$BUCKET/myfile --sse-c AES256 --sse-c-key $AES_KEY --endpoint-url $ENDPOINT`,
    )
    const place = { bucket, objectKey: 'myfile' }
    const own = Buffer.from('k'.repeat(32)).toString('base64')
    t.equal(String((await site.provider.read(place, own)).body), BYTES)
  })
  await t.test('Server side copy using the AWS CLI with SSE-C', async t => {
    await demand(
      `${aws} s3 cp s3://$BUCKET/myfile s3://$BUCKET/copy-of-my-file --sse-c-copy-source --sse-c-copy-source-key $AES_KEY --sse-c --sse-c-key $AES_DST_KEY --endpoint-url=$ENDPOINT`,
    )
    const own = Buffer.from('d'.repeat(32)).toString('base64')
    const place = { bucket, objectKey: 'copy-of-my-file' }
    t.equal(String((await site.provider.read(place, own)).body), BYTES)
  })
}

/** OVHcloud, "Encrypt your server-side objects with SSE-C". */
const playOvh = async (t: Test, site: Site, aws: string): Promise<void> => {
  const shell = await createShell(t, site, `own-keys-${site.bucket}-ovh`)
  const place = { bucket: `own-keys-${site.bucket}-ovh`, objectKey: 'encrypt_magic' }
  const s3api = `${aws} --endpoint-url $ENDPOINT s3api`
  const at = '--bucket $BUCKET --key encrypt_magic'
  const { output: encKey } = await shell('openssl rand -base64 32')
  const keys = `encKey=${encKey}
md5Key=$(echo $encKey | md5sum | awk '{print $1}' | base64 -w0)
right=$(echo -n $encKey | base64 -d | openssl md5 -binary | base64)
`
  const own = '--sse-customer-algorithm AES256 --sse-customer-key $encKey --sse-customer-key-md5'
  const demand = async (script: string): Promise<string> => {
    const { output, failed } = await shell(keys + script)
    t.notOk(failed, `${script}: ${output}`)
    return output
  }
  await demand(`${s3api} create-bucket --bucket $BUCKET`)
  await t.test('as printed, told what is wrong', async t => {
    for (const command of [`put-object --body magic ${at}`, `get-object ${at} out`]) {
      const printed = await shell(`${keys}${s3api} ${command} ${own} $md5Key`)
      t.ok(printed.failed)
      t.match(printed.output, "as OVHcloud's guide computes it")
    }
    const optional = own.replace(' --sse-customer-key-md5', '')
    const without = await shell(`${keys}${s3api} put-object --body magic ${at} ${optional}`)
    t.ok(without.failed)
    t.match(without.output, 'in base64 twice')
  })
  await t.test('Uploading, downloading and deleting, with the right MD5', async t => {
    await demand(`${s3api} put-object --body magic ${at} ${own} $right`)
    await demand(`${s3api} get-object ${at} ${own} $right decrypt_magic && cmp magic decrypt_magic`)
    t.equal(String((await site.provider.read(place, encKey)).body), BYTES)
    t.ok((await shell(`${keys}${s3api} get-object ${at} decrypt_magic`)).failed, 'without the key')
    const head = JSON.parse(await demand(`${s3api} head-object ${at} ${own} $right --output json`))
    t.match(head, { ContentLength: BYTES.length, Metadata: {} })
    t.ok((await shell(`${keys}${s3api} head-object ${at}`)).failed, 'without the key')
    await demand(`${aws} --endpoint-url $ENDPOINT s3 rm s3://$BUCKET/encrypt_magic`)
    t.equal((await site.provider.read(place, encKey)).status, 404)
  })
}

await testAtEach(['rgw-tls', 'minio'], async (t, site) => {
  await ensurePackages(['openssl'])
  const { clients } = await readStage()
  const proxy = await startProxy(site)
  t.teardown(() => proxy.stop())
  for (const name of ['awscli-debian', 'awscli'] as const) {
    const program = clients[name]
    if ('lacks' in program) {
      t.ok(true, name, { skip: program.lacks })
      continue
    }
    const { label, path } = program.is
    const named = { ...site, bucket: `${site.bucket}-${name}` }
    await t.test(`Backblaze's page, ${label}`, t => playBackblaze(t, named, path))
    await t.test(`OVHcloud's page, ${label}`, t => playOvh(t, named, path))
  }
})
