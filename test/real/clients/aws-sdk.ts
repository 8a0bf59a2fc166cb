import { createReadStream, createWriteStream, readFileSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import { Agent } from 'node:https'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import {
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  GetObjectTaggingCommand,
  HeadObjectCommand,
  PutObjectCommand,
  PutObjectTaggingCommand,
  paginateListObjectsV2,
  S3Client,
  UploadPartCopyCommand,
} from '@aws-sdk/client-s3'
import { Upload } from '@aws-sdk/lib-storage'
import { getSignedUrl } from '@aws-sdk/s3-request-presigner'
import { copySource } from '../provider.ts'
import { REGION } from '../stage.ts'
import type { Place } from '../wire/place.ts'
import { type Access, type Client, type Described, type Piece, toRangeHeader } from './client.ts'

const MIB = 1024 * 1024

const createS3Client = ({ origin, ca, accessKeyId, secretAccessKey }: Access): S3Client =>
  new S3Client({
    endpoint: origin,
    region: REGION,
    forcePathStyle: true,
    credentials: { accessKeyId, secretAccessKey },
    requestHandler: { httpsAgent: new Agent({ keepAlive: true, ca: readFileSync(ca) }) },
  })

const toInput = ({ bucket, objectKey }: Place): { Bucket: string; Key: string } => ({
  Bucket: bucket,
  Key: objectKey,
})

const describe = ({ contentType, metadata }: Described): object => ({
  ...(contentType !== undefined && { ContentType: contentType }),
  ...(metadata !== undefined && { Metadata: metadata }),
})

const readBody = async (client: S3Client, input: object & { Bucket: string; Key: string }) => {
  const { Body } = await client.send(new GetObjectCommand(input))
  if (!(Body instanceof Readable)) throw new Error('GetObject gave no body')
  return Body
}

const compose = async (client: S3Client, place: Place, pieces: readonly Piece[]): Promise<void> => {
  const input = toInput(place)
  const { UploadId } = await client.send(new CreateMultipartUploadCommand(input))
  const upload = { ...input, UploadId }
  const Parts = []
  for (const [index, piece] of pieces.entries()) {
    const { CopyPartResult } = await client.send(
      new UploadPartCopyCommand({
        ...upload,
        PartNumber: index + 1,
        CopySource: copySource(piece.place),
        CopySourceRange: `bytes=${piece.from}-${piece.to}`,
      }),
    )
    Parts.push({ PartNumber: index + 1, ETag: CopyPartResult?.ETag })
  }
  await client.send(new CompleteMultipartUploadCommand({ ...upload, MultipartUpload: { Parts } }))
}

const uploadStream = async (client: S3Client, place: Place, path: string): Promise<void> => {
  const params = { ...toInput(place), Body: createReadStream(path) }
  await new Upload({ client, params, partSize: 16 * MIB, queueSize: 2 }).done()
}

const list = async (client: S3Client, bucket: string, prefix: string) => {
  const found: string[] = []
  // URL encoding, since some of our keys hold what XML cannot.
  const input = { Bucket: bucket, Prefix: prefix }
  for await (const { Contents = [] } of paginateListObjectsV2({ client }, input)) {
    found.push(...Contents.map(({ Key = '' }) => Key))
  }
  return found
}

const getTags = async (client: S3Client, place: Place): Promise<Record<string, string>> => {
  const { TagSet = [] } = await client.send(new GetObjectTaggingCommand(toInput(place)))
  return Object.fromEntries(TagSet.map(({ Key = '', Value = '' }) => [Key, Value]))
}

const head = async (client: S3Client, place: Place) => {
  const answer = await client.send(new HeadObjectCommand(toInput(place)))
  return {
    size: answer.ContentLength ?? -1,
    contentType: answer.ContentType ?? '',
    metadata: answer.Metadata ?? {},
  }
}

/** `@aws-sdk/client-s3` with `@aws-sdk/lib-storage` and `@aws-sdk/s3-request-presigner`. */
export const createAwsSdk = (access: Access): Client => {
  const client = createS3Client(access)
  return {
    lacks: {},
    createBucket: async bucket => {
      await client.send(new CreateBucketCommand({ Bucket: bucket }))
    },
    putBuffer: async (place, bytes, described = {}) => {
      const input = { ...toInput(place), ...describe(described), Body: bytes }
      await client.send(new PutObjectCommand(input))
    },
    putFile: async (place, path, described = {}) => {
      const ContentLength = (await stat(path)).size
      const input = { ...toInput(place), ...describe(described), ContentLength }
      await client.send(new PutObjectCommand({ ...input, Body: createReadStream(path) }))
    },
    putStream: (place, path) => uploadStream(client, place, path),
    upload: (place, path) => uploadStream(client, place, path),
    get: async (place, range) => {
      const input = { ...toInput(place), ...(range && { Range: toRangeHeader(range) }) }
      return Buffer.concat(await (await readBody(client, input)).toArray())
    },
    download: async (place, path) =>
      pipeline(await readBody(client, toInput(place)), createWriteStream(path)),
    head: place => head(client, place),
    compose: (place, pieces) => compose(client, place, pieces),
    copy: async (source, target) => {
      const input = { ...toInput(target), CopySource: copySource(source) }
      await client.send(new CopyObjectCommand(input))
    },
    presignGet: place => getSignedUrl(client, new GetObjectCommand(toInput(place))),
    presignPut: place => getSignedUrl(client, new PutObjectCommand(toInput(place))),
    list: (bucket, prefix) => list(client, bucket, prefix),
    deleteMany: async (bucket, objectKeys) => {
      const Objects = objectKeys.map(Key => ({ Key }))
      const { Errors = [] } = await client.send(
        new DeleteObjectsCommand({ Bucket: bucket, Delete: { Objects } }),
      )
      if (Errors.length > 0) throw new Error(JSON.stringify(Errors))
    },
    putTags: async (place, tags) => {
      const TagSet = Object.entries(tags).map(([Key, Value]) => ({ Key, Value }))
      await client.send(new PutObjectTaggingCommand({ ...toInput(place), Tagging: { TagSet } }))
    },
    getTags: place => getTags(client, place),
    close: async () => client.destroy(),
  }
}
