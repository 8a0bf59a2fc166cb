import assert from 'node:assert/strict'
import * as s3 from '@aws-sdk/client-s3'
import {
  type Behaviour,
  behaviour,
  bytesOf,
  keyMd5,
  MIB,
  md5,
  type Place,
  patterned,
  refused,
  sourceSseC,
  sseC,
} from './server.ts'

type Encryption = Partial<ReturnType<typeof sseC>>

interface Upload {
  readonly Bucket: string
  readonly Key: string
  readonly UploadId: string
}

const start = async (
  { client, bucket: Bucket }: Place,
  Key: string,
  input: Partial<s3.CreateMultipartUploadCommandInput> = {},
): Promise<Upload> => {
  const created = await client.send(new s3.CreateMultipartUploadCommand({ Bucket, Key, ...input }))
  return { Bucket, Key, UploadId: created.UploadId ?? '' }
}

const send = async (
  { client }: Place,
  upload: Upload,
  PartNumber: number,
  Body: Buffer,
  encryption: Encryption = {},
): Promise<s3.CompletedPart> => {
  const part = { ...upload, PartNumber, Body, ...encryption }
  const { ETag, ChecksumCRC32 } = await client.send(new s3.UploadPartCommand(part))
  return { PartNumber, ETag, ChecksumCRC32 }
}

const complete = (
  { client }: Place,
  upload: Upload,
  Parts: s3.CompletedPart[],
  encryption: Encryption = {},
): Promise<s3.CompleteMultipartUploadCommandOutput> =>
  client.send(
    new s3.CompleteMultipartUploadCommand({ ...upload, ...encryption, MultipartUpload: { Parts } }),
  )

const BIG = patterned(5 * MIB + 3)
const SMALL = Buffer.from('the last part may be small')
const WHOLE = Buffer.concat([BIG, SMALL])

export const multipartBehaviours: readonly Behaviour[] = [
  behaviour('an encrypted object is uploaded in parts and read across them', async place => {
    const { client } = place
    const upload = await start(place, 'parts', { ...sseC('k'), Metadata: { a: 'b' } })
    const second = await send(place, upload, 7, SMALL, sseC('k'))
    const first = await send(place, upload, 2, BIG, sseC('k'))
    const { ETag } = await complete(place, upload, [first, second])
    assert.match(ETag ?? '', /^"[0-9a-f]{32}-2"$/)
    const asked = { Bucket: upload.Bucket, Key: upload.Key, ...sseC('k') }
    const get = await client.send(new s3.GetObjectCommand(asked))
    assert.ok(WHOLE.equals(await bytesOf(get)))
    assert.deepEqual(
      [get.ETag, get.Metadata, get.SSECustomerKeyMD5],
      [ETag, { a: 'b' }, keyMd5('k')],
    )
    const Range = `bytes=${BIG.length - 5}-${BIG.length + 4}`
    const across = await client.send(new s3.GetObjectCommand({ ...asked, Range }))
    assert.ok(WHOLE.subarray(BIG.length - 5, BIG.length + 5).equals(await bytesOf(across)))
    const { Bucket, Key } = asked
    assert.equal(
      (await refused(client.send(new s3.GetObjectCommand({ Bucket, Key })))).code,
      'InvalidRequest',
    )
  }),

  behaviour('a part is read by its place', async place => {
    const { client } = place
    const upload = await start(place, 'parts', sseC('k'))
    const parts = [
      await send(place, upload, 1, BIG, sseC('k')),
      await send(place, upload, 2, SMALL, sseC('k')),
    ]
    await complete(place, upload, parts)
    const asked = { Bucket: upload.Bucket, Key: upload.Key, ...sseC('k') }
    const part = await client.send(new s3.GetObjectCommand({ ...asked, PartNumber: 2 }))
    assert.ok(SMALL.equals(await bytesOf(part)))
    assert.equal(part.PartsCount, 2)
    assert.equal(part.ContentRange, `bytes ${BIG.length}-${WHOLE.length - 1}/${WHOLE.length}`)
    const beyond = new s3.GetObjectCommand({ ...asked, PartNumber: 3 })
    assert.equal((await refused(client.send(beyond))).status, 416)
  }),

  behaviour('the ETag of plaintext parts is the MD5 of their MD5s', async place => {
    const upload = await start(place, 'parts')
    const parts = [await send(place, upload, 1, BIG), await send(place, upload, 2, SMALL)]
    const { ETag } = await complete(place, upload, parts)
    const digests = [BIG, SMALL].map(bytes => Buffer.from(md5(bytes), 'hex'))
    assert.equal(ETag, `"${md5(Buffer.concat(digests))}-2"`)
  }),

  behaviour('a part must come with the key of its upload', async place => {
    const message =
      'The multipart upload initiate requested encryption. Subsequent part requests must include the appropriate encryption parameters.'
    const encrypted = await start(place, 'parts', sseC('k'))
    const keyless = await refused(send(place, encrypted, 1, SMALL))
    assert.deepEqual(keyless, { status: 400, code: 'InvalidRequest', message })
    const other = await refused(send(place, encrypted, 1, SMALL, sseC('other')))
    // AWS: 400 InvalidRequest; MinIO: 403 AccessDenied.
    assert.ok([400, 403].includes(other.status))
    const { Parts = [] } = await place.client.send(new s3.ListPartsCommand(encrypted))
    assert.deepEqual(Parts, [])
  }),

  behaviour('parts are copied from an object of one key into an upload of another', async place => {
    const { client, bucket: Bucket } = place
    const source = { Bucket, Key: 'source', ...sseC('k1') }
    await client.send(new s3.PutObjectCommand({ ...source, Body: WHOLE }))
    const upload = await start(place, 'copied', sseC('k2'))
    const copied = { ...upload, CopySource: `${Bucket}/source`, ...sourceSseC('k1'), ...sseC('k2') }
    const ranges = [`bytes=0-${5 * MIB - 1}`, `bytes=${5 * MIB}-${WHOLE.length - 1}`]
    const parts: s3.CompletedPart[] = []
    for (const CopySourceRange of ranges) {
      const PartNumber = parts.length + 1
      const { CopyPartResult } = await client.send(
        new s3.UploadPartCopyCommand({ ...copied, PartNumber, CopySourceRange }),
      )
      parts.push({ PartNumber, ETag: CopyPartResult?.ETag })
    }
    const beyond = { ...copied, PartNumber: 3, CopySourceRange: `bytes=0-${WHOLE.length}` }
    assert.equal((await refused(client.send(new s3.UploadPartCopyCommand(beyond)))).status, 400)
    await complete(place, upload, parts)
    const get = await client.send(new s3.GetObjectCommand({ Bucket, Key: 'copied', ...sseC('k2') }))
    assert.ok(WHOLE.equals(await bytesOf(get)))
  }),

  behaviour(
    'an upload is completed only with parts that it has, in order, and large enough',
    async place => {
      const upload = await start(place, 'parts')
      const [one, two] = [await send(place, upload, 1, SMALL), await send(place, upload, 2, SMALL)]
      const codes = async (parts: s3.CompletedPart[]) => {
        const { status, code } = await refused(complete(place, upload, parts))
        return [status, code]
      }
      assert.deepEqual(await codes([one, two]), [400, 'EntityTooSmall'])
      assert.deepEqual(await codes([two, one]), [400, 'InvalidPartOrder'])
      assert.deepEqual(await codes([{ ...one, ETag: `"${md5('other')}"` }]), [400, 'InvalidPart'])
      assert.deepEqual(await codes([{ ...one, PartNumber: 3 }]), [400, 'InvalidPart'])
      await complete(place, upload, [one])
      const { Bucket, Key } = upload
      const head = await place.client.send(new s3.HeadObjectCommand({ Bucket, Key }))
      assert.equal(head.ContentLength, SMALL.length)
    },
  ),

  behaviour('uploads and their parts are listed until they are aborted', async place => {
    const { client, bucket: Bucket } = place
    const upload = await start(place, 'folder/parts', sseC('k'))
    const part = await send(place, upload, 3, SMALL, sseC('k'))
    const uploads = await client.send(
      new s3.ListMultipartUploadsCommand({ Bucket, Prefix: upload.Key }),
    )
    assert.deepEqual(
      uploads.Uploads?.map(({ Key, UploadId }) => [Key, UploadId]),
      [[upload.Key, upload.UploadId]],
    )
    const { Parts } = await client.send(new s3.ListPartsCommand(upload))
    assert.deepEqual(
      Parts?.map(({ PartNumber, ETag, Size }) => [PartNumber, ETag, Size]),
      [[3, part.ETag, SMALL.length]],
    )
    await client.send(new s3.AbortMultipartUploadCommand(upload))
    const gone = [
      () => send(place, upload, 4, SMALL),
      () => complete(place, upload, [part]),
      () => client.send(new s3.ListPartsCommand(upload)),
    ]
    for (const use of gone) {
      const { status, code } = await refused(use())
      assert.deepEqual([status, code], [404, 'NoSuchUpload'])
    }
  }),

  behaviour('parts are listed in pages', async place => {
    const upload = await start(place, 'parts')
    for (const number of [5, 1, 3]) await send(place, upload, number, SMALL)
    const seen: (number | undefined)[] = []
    let marker: string | undefined
    for (let more: boolean | undefined = true; more; ) {
      const page: s3.ListPartsCommandOutput = await place.client.send(
        new s3.ListPartsCommand({ ...upload, MaxParts: 2, PartNumberMarker: marker }),
      )
      seen.push(...(page.Parts ?? []).map(({ PartNumber }) => PartNumber))
      more = page.IsTruncated
      marker = page.NextPartNumberMarker
    }
    assert.deepEqual(seen, [1, 3, 5])
  }),

  behaviour(
    'a declared checksum needs the key to complete the upload, and is told of the object',
    async place => {
      const { client } = place
      const upload = await start(place, 'parts', { ...sseC('k'), ChecksumAlgorithm: 'CRC32' })
      const parts = [
        await send(place, upload, 1, BIG, sseC('k')),
        await send(place, upload, 2, SMALL, sseC('k')),
      ]
      assert.equal((await refused(complete(place, upload, parts))).status, 400)
      await complete(place, upload, parts, sseC('k'))
      const { Bucket, Key } = upload
      const asked = { Bucket, Key, ...sseC('k'), ChecksumMode: 'ENABLED' } as const
      const head = await client.send(new s3.HeadObjectCommand(asked))
      assert.match(head.ChecksumCRC32 ?? '', /^[A-Za-z0-9+/]{6}==-2$/)
      assert.equal(head.ChecksumType, 'COMPOSITE')
    },
  ),

  behaviour('a part sent again takes the place of the one before', async place => {
    const upload = await start(place, 'parts', sseC('k'))
    const before = await send(place, upload, 1, Buffer.from('before'), sseC('k'))
    const behind = await send(place, upload, 1, SMALL, sseC('k'))
    assert.equal((await refused(complete(place, upload, [before]))).code, 'InvalidPart')
    await complete(place, upload, [behind])
    const asked = { Bucket: upload.Bucket, Key: upload.Key, ...sseC('k') }
    const get = await place.client.send(new s3.GetObjectCommand(asked))
    assert.ok(SMALL.equals(await bytesOf(get)))
  }),
]
