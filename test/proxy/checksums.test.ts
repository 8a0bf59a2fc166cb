import { Readable } from 'node:stream'
import { crc32 } from 'node:zlib'
import {
  type ChecksumAlgorithm,
  type ChecksumType,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  GetObjectAttributesCommand,
  GetObjectCommand,
  HeadObjectCommand,
  PutObjectCommand,
  S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import t, { type Test } from 'tap'
import { frameUnsigned } from '../authenticate/framing.ts'
import { bytesOf, MIB, type Stage, startStage } from '../copy/stage.ts'
import { send } from '../support/client.ts'
import { APP, type ProxyOptions } from '../support/proxy.ts'

/*
 * Checksums through the proxy, as the newest SDK sends them: before a buffer, behind a stream. To a provider that takes them
 * behind a body, and to one that does not, though it holds uploads to what they declared.
 */

const place = { Bucket: 'main', Key: 'k' }
const PARTS = [bytesOf(5 * MIB, 'one'), bytesOf(1000, 'two')]
const WHOLE = Buffer.concat(PARTS)

const sdk = (t: Test, endpoint: string): S3Client => {
  const client = new S3Client({
    endpoint,
    region: 'us-east-1',
    credentials: APP,
    forcePathStyle: true,
    maxAttempts: 1,
  })
  t.teardown(() => client.destroy())
  return client
}

const start = async (t: Test, options: Omit<ProxyOptions, 'upstream'>): Promise<S3Client> => {
  const stage = await startStage(t)
  return sdk(t, (await stage.proxy(options)).origin)
}

const crc32Of = (bytes: Buffer): string => {
  const sum = Buffer.alloc(4)
  sum.writeUInt32BE(crc32(bytes))
  return sum.toString('base64')
}

interface Kind {
  readonly ChecksumAlgorithm: ChecksumAlgorithm
  readonly ChecksumType: ChecksumType
}

const bodiesOf = (parts: readonly Buffer[]) =>
  parts.map((bytes, i) => ({
    PartNumber: i + 1,
    // The SDK puts a stream's checksum behind it, in aws-chunked.
    Body: i === 0 ? bytes : Readable.from([bytes]),
    ContentLength: bytes.length,
  }))

/** Uploads in parts, and completes with the checksums that the provider told, or the client knows. */
const upload = async (client: S3Client, kind: Kind, whole: { ChecksumCRC32?: string } = {}) => {
  const { UploadId } = await client.send(new CreateMultipartUploadCommand({ ...place, ...kind }))
  const Parts = []
  for (const part of bodiesOf(PARTS)) {
    const { ChecksumAlgorithm } = kind
    const command = new UploadPartCommand({ ...place, UploadId, ChecksumAlgorithm, ...part })
    const { $metadata, ...told } = await client.send(command)
    const known =
      ChecksumAlgorithm === 'CRC32'
        ? { ChecksumCRC32: crc32Of(PARTS[part.PartNumber - 1] ?? WHOLE) }
        : {}
    Parts.push({ ...known, ...told, PartNumber: part.PartNumber })
  }
  const { ChecksumType } = kind
  const done = { ...place, UploadId, ChecksumType, ...whole, MultipartUpload: { Parts } }
  return { parts: Parts, completed: await client.send(new CompleteMultipartUploadCommand(done)) }
}

const attributesOf = (client: S3Client) =>
  client.send(
    new GetObjectAttributesCommand({
      ...place,
      ObjectAttributes: ['Checksum', 'ObjectParts', 'ObjectSize', 'ETag'],
    }),
  )

const readBack = async (client: S3Client): Promise<Buffer> => {
  const { Body } = await client.send(new GetObjectCommand(place))
  return Buffer.from((await Body?.transformToByteArray()) ?? [])
}

t.test('a composite checksum is the provider’s, from part to attributes', async t => {
  const client = await start(t, {})
  const kind = { ChecksumAlgorithm: 'CRC32', ChecksumType: 'COMPOSITE' } as const
  const { parts, completed } = await upload(client, kind)
  t.match(
    parts,
    PARTS.map(bytes => ({ ChecksumCRC32: crc32Of(bytes) })),
  )
  t.match(completed.ChecksumCRC32, /^[\w+/]{6}==-2$/)
  const head = await client.send(new HeadObjectCommand({ ...place, ChecksumMode: 'ENABLED' }))
  t.equal(head.ChecksumCRC32, completed.ChecksumCRC32)
  t.equal(head.ChecksumType, 'COMPOSITE')
  const attributes = await attributesOf(client)
  t.equal(attributes.ObjectSize, WHOLE.length)
  t.equal(attributes.ObjectParts?.TotalPartsCount, 2)
  t.match(
    attributes.ObjectParts?.Parts,
    parts.map(({ PartNumber, ChecksumCRC32 }) => ({ PartNumber, ChecksumCRC32 })),
  )
  t.ok((await readBack(client)).equals(WHOLE))
})

t.test('so is a full-object checksum, right or wrong', async t => {
  const client = await start(t, {})
  const kind = { ChecksumAlgorithm: 'CRC32', ChecksumType: 'FULL_OBJECT' } as const
  await t.rejects(upload(client, kind, { ChecksumCRC32: crc32Of(Buffer.from('other')) }), {
    name: 'BadDigest',
  })
  const { completed } = await upload(client, kind, { ChecksumCRC32: crc32Of(WHOLE) })
  t.equal(completed.ChecksumCRC32, crc32Of(WHOLE))
  t.equal(completed.ChecksumType, 'FULL_OBJECT')
  t.equal((await attributesOf(client)).Checksum?.ChecksumCRC32, crc32Of(WHOLE))
  t.ok((await readBack(client)).equals(WHOLE))
})

const KINDS: readonly Kind[] = [
  { ChecksumAlgorithm: 'CRC32', ChecksumType: 'COMPOSITE' },
  { ChecksumAlgorithm: 'CRC32', ChecksumType: 'FULL_OBJECT' },
  { ChecksumAlgorithm: 'CRC64NVME', ChecksumType: 'FULL_OBJECT' },
  { ChecksumAlgorithm: 'SHA256', ChecksumType: 'COMPOSITE' },
]

t.test(
  'a provider that takes no trailers gets uploads without checksums, and keeps them whole',
  async t => {
    for (const kind of KINDS) {
      const client = await start(t, { provider: 'generic' })
      const { completed } = await upload(
        client,
        kind,
        kind.ChecksumAlgorithm === 'CRC32' ? { ChecksumCRC32: crc32Of(WHOLE) } : {},
      )
      t.match(completed.ETag, /-2"$/, kind.ChecksumAlgorithm)
      t.ok((await readBack(client)).equals(WHOLE))
      t.equal((await attributesOf(client)).Checksum, undefined, 'and none is made up')
    }
  },
)

/** Sends a part, or an object, whose trailer does not fit. */
const sendSpoilt = (origin: string, query: Record<string, string>) =>
  send(origin, {
    method: 'PUT',
    path: '/main/k',
    query,
    body: frameUnsigned(
      [Buffer.from('hello'), Buffer.alloc(0)],
      ['x-amz-checksum-crc32', crc32Of(Buffer.from('other'))],
    ),
    payloadHash: 'STREAMING-UNSIGNED-PAYLOAD-TRAILER',
    headers: {
      'content-encoding': 'aws-chunked',
      'x-amz-decoded-content-length': '5',
      'x-amz-trailer': 'x-amz-checksum-crc32',
    },
  })

const nothingIsStored = async (t: Test, { direct }: Stage): Promise<void> => {
  t.equal((await direct({ path: '/main/k' })).status, 404)
}

t.test('what is not what its checksum says is stored nowhere', async t => {
  for (const provider of ['embedded', 'generic']) {
    const stage = await startStage(t)
    const { origin } = await stage.proxy({ provider })
    t.match(await sendSpoilt(origin, {}), { status: 400, text: /BadDigest/ }, provider)
    await nothingIsStored(t, stage)
    const client = sdk(t, origin)
    const { UploadId = '' } = await client.send(
      new CreateMultipartUploadCommand({ ...place, ChecksumAlgorithm: 'CRC32' }),
    )
    const part = { partNumber: '1', uploadId: UploadId }
    t.match(await sendSpoilt(origin, part), { status: 400, text: /BadDigest/ }, provider)
    const listed = await send(origin, { path: '/main/k', query: { uploadId: UploadId } })
    t.notMatch(listed.text, '<PartNumber>', provider)
    const wrong = { ...place, Body: 'hello', ChecksumCRC32: crc32Of(Buffer.from('other')) }
    await t.rejects(client.send(new PutObjectCommand(wrong)), { name: 'BadDigest' })
    await nothingIsStored(t, stage)
  }
})

t.test('an object in one piece keeps the checksum that came in its head, everywhere', async t => {
  for (const provider of ['embedded', 'generic']) {
    const client = await start(t, { provider })
    await client.send(new PutObjectCommand({ ...place, Body: 'hello', ChecksumAlgorithm: 'CRC32' }))
    const read = await client.send(new GetObjectCommand({ ...place, ChecksumMode: 'ENABLED' }))
    t.equal(read.ChecksumCRC32, crc32Of(Buffer.from('hello')), provider)
    t.equal(await read.Body?.transformToString(), 'hello')
  }
})
