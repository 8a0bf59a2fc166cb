import { randomBytes } from 'node:crypto'
import type { Test } from 'tap'
import { createNpmB2, type NpmB2, type NpmFile } from '../../support/backblaze-b2.ts'
import type { B2Bench } from './b2.ts'

/** Not what is escaped on its way, and a `_`, which some providers change. */
const INFO = { color: 'blue', my_note: 'grün, ja' }

const PART = 5 * 1024 * 1024

const uploadSmall = async (
  b2: NpmB2,
  bucketId: string,
  fileName: string,
  data: Buffer,
): Promise<NpmFile> => {
  const { uploadUrl, authorizationToken } = (await b2.getUploadUrl({ bucketId })).data
  const args = { uploadUrl, uploadAuthToken: authorizationToken, fileName, data, info: INFO }
  return (await b2.uploadFile(args)).data
}

/** In two parts. */
const uploadLarge = async (
  t: Test,
  b2: NpmB2,
  bucketId: string,
  fileName: string,
  bytes: Buffer,
): Promise<NpmFile> => {
  const { fileId } = (await b2.startLargeFile({ bucketId, fileName })).data
  const { uploadUrl, authorizationToken } = (await b2.getUploadPartUrl({ fileId })).data
  const partSha1Array: string[] = []
  for (const [at, data] of [bytes.subarray(0, PART), bytes.subarray(PART)].entries()) {
    const part = { uploadUrl, uploadAuthToken: authorizationToken, partNumber: at + 1, data }
    partSha1Array.push((await b2.uploadPart(part)).data.contentSha1)
  }
  const { parts } = (await b2.listParts({ fileId, startPartNumber: 1 })).data
  t.strictSame(
    parts.map(({ partNumber }) => partNumber),
    [1, 2],
  )
  return (await b2.finishLargeFile({ fileId, partSha1Array })).data
}

const downloadById = async (b2: NpmB2, fileId: string): Promise<Buffer> =>
  (await b2.downloadFileById({ fileId, responseType: 'arraybuffer' })).data

const read = async (
  t: Test,
  b2: NpmB2,
  bucketName: string,
  { fileName, fileId }: NpmFile,
  bytes: Buffer,
): Promise<void> => {
  const args = { bucketName, fileName, responseType: 'arraybuffer' }
  t.ok((await b2.downloadFileByName(args)).data.equals(bytes), `${fileName} by name`)
  t.ok((await downloadById(b2, fileId)).equals(bytes), `${fileName} by id`)
  const axios = { headers: { Range: 'bytes=10-19' } }
  const ranged = await b2.downloadFileById({ fileId, responseType: 'arraybuffer', axios })
  t.ok(ranged.data.equals(bytes.subarray(10, 20)), `a range of ${fileName}`)
}

/** Whichever way a client came to a file's id, it stands for the file. */
const followIds = async (
  t: Test,
  b2: NpmB2,
  bucketId: string,
  file: NpmFile,
  bytes: Buffer,
): Promise<void> => {
  const told = [
    (await b2.listFileNames({ bucketId })).data.files,
    (await b2.listFileVersions({ bucketId })).data.files,
    [(await b2.getFileInfo({ fileId: file.fileId })).data],
  ].map(files => files.find(({ fileName }) => fileName === file.fileName)?.fileId ?? '')
  for (const [at, fileId] of told.entries()) {
    const of = `${file.fileName} by the id of ${['names', 'versions', 'info'][at]}`
    const bytesOf = await downloadById(b2, fileId).catch((error: Error) => error.message)
    t.same(bytesOf, bytes, of)
  }
}

const writeOver = async (
  t: Test,
  b2: NpmB2,
  bucketId: string,
  old: NpmFile,
  { keepsVersions, tellsMarkers }: B2Bench,
): Promise<void> => {
  const newer = await uploadSmall(b2, bucketId, old.fileName, Buffer.from('newer'))
  if (keepsVersions) {
    await downloadById(b2, old.fileId)
    const { action, fileId } = (await b2.hideFile({ bucketId, fileName: old.fileName })).data
    t.equal(action, 'hide')
    if (tellsMarkers)
      t.match((await b2.getFileInfo({ fileId })).data, { action: 'hide', fileName: old.fileName })
    const { files } = (await b2.listFileVersions({ bucketId })).data
    t.match(files[0], { action: 'hide', fileName: old.fileName, fileId })
  } else await t.rejects(downloadById(b2, old.fileId), 'never what was written over it')
  t.match(String(await downloadById(b2, newer.fileId)), 'newer')
}

const clear = async (t: Test, b2: NpmB2, bucketId: string): Promise<void> => {
  const { files } = (await b2.listFileVersions({ bucketId })).data
  for (const { fileName, fileId } of files) await b2.deleteFileVersion({ fileName, fileId })
  t.strictSame((await b2.listFileVersions({ bucketId })).data.files, [])
  await b2.deleteBucket({ bucketId })
}

/** The package `backblaze-b2`, in a bucket that is there already. */
export const useNpm = async (t: Test, bench: B2Bench, bucketName: string): Promise<void> => {
  const { origin, credentials, checkStored } = bench
  const b2 = await createNpmB2(origin, credentials)
  const bucketId = (await b2.getBucket({ bucketName })).data.buckets[0]?.bucketId ?? ''
  const [small, large] = [randomBytes(1000), randomBytes(PART + 100_000)]
  const file = await uploadSmall(b2, bucketId, 'dir/a b', small)
  const { fileInfo } = (await b2.getFileInfo({ fileId: file.fileId })).data
  t.match(fileInfo, INFO)
  for (const [stored, bytes] of [
    [file, small],
    [await uploadLarge(t, b2, bucketId, 'large', large), large],
  ] as const) {
    await read(t, b2, bucketName, stored, bytes)
    await followIds(t, b2, bucketId, stored, bytes)
    await checkStored(t, bucketName, stored.fileName, bytes)
  }
  await writeOver(t, b2, bucketId, file, bench)
  await clear(t, b2, bucketId)
}

/** The same package, in a bucket that it makes. */
export const useNpmInBucket = async (
  t: Test,
  bench: B2Bench,
  bucketName: string,
): Promise<void> => {
  const b2 = await createNpmB2(bench.origin, bench.credentials)
  await b2.createBucket({ bucketName, bucketType: 'allPrivate' })
  await useNpm(t, bench, bucketName)
}
