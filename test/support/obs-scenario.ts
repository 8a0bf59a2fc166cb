import { randomBytes } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Test } from 'tap'
import type { ObsSdk, SdkResult } from './obs-client.ts'

const PART = 5 * 1024 * 1024

const demand = (what: string, result: SdkResult): Readonly<Record<string, unknown>> => {
  const { Status, Code, Message } = result.CommonMsg
  if (Status >= 300) throw new Error(`${what}: ${Status} ${Code} ${Message}`)
  return result.InterfaceResult
}

export interface Scene {
  readonly sdk: ObsSdk
  readonly bucket: string
  /** For files to upload. */
  readonly folder: string
  /** Asks the provider itself for an object, without a key; gives the answer's status. */
  readonly askProvider: (objectKey: string) => Promise<number>
}

const testObjects = async (t: Test, { sdk, bucket: Bucket, folder }: Scene): Promise<void> => {
  const Key = 'dir/a b+ü.txt'
  const bytes = randomBytes(1000)
  demand(
    'put',
    await sdk.putObject({ Bucket, Key, Body: 'hello obs', Metadata: { colour: 'blue' } }),
  )
  const head = await sdk.getObjectMetadata({ Bucket, Key })
  t.match(demand('head', head), { ContentLength: '9', Metadata: { colour: 'blue' } })
  t.not(head.CommonMsg.RequestId, '', 'the answer has an id in the words that the SDK reads')
  const whole = demand('get', await sdk.getObject({ Bucket, Key }))
  t.equal(String(whole['Content']), 'hello obs')
  const range = demand('get a range', await sdk.getObject({ Bucket, Key, Range: 'bytes=0-3' }))
  t.equal(String(range['Content']), 'hell')
  const SourceFile = join(folder, 'file')
  await writeFile(SourceFile, bytes)
  demand('put a file', await sdk.putObject({ Bucket, Key: 'file', SourceFile }))
  const SaveAsFile = join(folder, 'fetched')
  demand('get a file', await sdk.getObject({ Bucket, Key: 'file', SaveAsFile }))
  t.ok(bytes.equals(await readFile(SaveAsFile)))
  const missing = await sdk.getObjectMetadata({ Bucket, Key: 'missing' })
  t.equal(missing.CommonMsg.Status, 404)
  const absent = await sdk.getObject({ Bucket, Key: 'missing' })
  t.match(absent.CommonMsg, { Status: 404, Code: 'NoSuchKey' })
  const append = await sdk.appendObject({ Bucket, Key: 'log', Position: 0, Body: 'x' })
  t.match(append.CommonMsg, { Status: 501, Code: 'NotImplemented', Message: /AppendObject/ })
}

const testCopy = async (t: Test, { sdk, bucket: Bucket }: Scene): Promise<void> => {
  const Key = 'copy'
  demand('copy', await sdk.copyObject({ Bucket, Key, CopySource: `${Bucket}/dir/a b+ü.txt` }))
  const { Content, Metadata } = demand('get', await sdk.getObject({ Bucket, Key }))
  t.equal(String(Content), 'hello obs')
  t.match(Metadata, { colour: 'blue' })
}

const testParts = async (t: Test, { sdk, bucket: Bucket, folder }: Scene): Promise<void> => {
  const Key = 'in parts'
  const SourceFile = join(folder, 'part')
  await writeFile(SourceFile, randomBytes(PART))
  const begun = demand('begin', await sdk.initiateMultipartUpload({ Bucket, Key }))
  const upload = { Bucket, Key, UploadId: begun['UploadId'] }
  const one = await sdk.uploadPart({ ...upload, PartNumber: 1, SourceFile })
  const two = await sdk.copyPart({ ...upload, PartNumber: 2, CopySource: `${Bucket}/file` })
  const Parts = [one, two].map((part, at) => ({
    PartNumber: at + 1,
    ETag: demand(`part ${at + 1}`, part)['ETag'],
  }))
  const listed = demand('list parts', await sdk.listParts(upload))
  t.equal((listed['Parts'] as unknown[]).length, 2)
  demand('complete', await sdk.completeMultipartUpload({ ...upload, Parts }))
  const head = demand('head', await sdk.getObjectMetadata({ Bucket, Key }))
  t.equal(head['ContentLength'], String(PART + 1000))
  const again = demand('begin', await sdk.initiateMultipartUpload({ Bucket, Key: 'given up' }))
  const givenUp = { Bucket, Key: 'given up', UploadId: again['UploadId'] }
  demand('abort', await sdk.abortMultipartUpload(givenUp))
}

const testUrls = async (t: Test, { sdk, bucket: Bucket }: Scene): Promise<void> => {
  for (const sign of ['createSignedUrlSync', 'createV4SignedUrlSync'] as const) {
    const Key = `${sign} ü`
    const put = sdk[sign]({ Method: 'PUT', Bucket, Key, Expires: 60 })
    const stored = await fetch(put.SignedUrl, { method: 'PUT', body: Buffer.from(sign) })
    t.equal(stored.status, 200, `${sign} PUT: ${await stored.text()}`)
    const get = sdk[sign]({ Method: 'GET', Bucket, Key, Expires: 60 })
    t.equal(await (await fetch(get.SignedUrl)).text(), sign)
    const other = get.SignedUrl.replace('%C3%BC', '%C3%BD')
    t.equal((await fetch(other)).status, 403, `${sign} of another object`)
  }
}

const testListing = async (t: Test, { sdk, bucket: Bucket, askProvider }: Scene): Promise<void> => {
  const keys = async (Prefix: string): Promise<readonly string[]> => {
    const { Contents } = demand('list', await sdk.listObjects({ Bucket, Prefix }))
    return (Contents as readonly { Key: string }[]).map(({ Key }) => Key)
  }
  t.strictSame(await keys('dir/a b'), ['dir/a b+ü.txt'])
  const Objects = (await keys('')).map(Key => ({ Key }))
  t.ok(Objects.length > 4)
  for (const { Key } of Objects) t.equal(await askProvider(Key), 400, `${Key} is encrypted`)
  const deleted = demand('delete many', await sdk.deleteObjects({ Bucket, Objects }))
  t.equal((deleted['Deleteds'] as unknown[]).length, Objects.length)
  t.strictSame(await keys(''), [])
}

/** What an app of OBS does, from making a bucket to emptying it. */
export const playObsScenario = async (t: Test, scene: Scene): Promise<void> => {
  const { sdk, bucket: Bucket } = scene
  demand('create a bucket', await sdk.createBucket({ Bucket }))
  demand('head the bucket', await sdk.headBucket({ Bucket }))
  await testObjects(t, scene)
  await testCopy(t, scene)
  await testParts(t, scene)
  await testUrls(t, scene)
  await testListing(t, scene)
}
