import { createReadStream, createWriteStream, readFileSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import { Agent } from 'node:https'
import { pipeline } from 'node:stream/promises'
import { CopyConditions, CopyDestinationOptions, CopySourceOptions, Client as Minio } from 'minio'
import { copySource } from '../provider.ts'
import { REGION } from '../stage.ts'
import type { Place } from '../wire/place.ts'
import type { Access, ByteRange, Client, Described, Piece } from './client.ts'

const MIB = 1024 * 1024

const createMinio = ({ origin, ca, accessKeyId, secretAccessKey }: Access): Minio => {
  const { protocol, hostname, port } = new URL(origin)
  const useSSL = protocol === 'https:'
  return new Minio({
    endPoint: hostname,
    port: Number(port),
    useSSL,
    accessKey: accessKeyId,
    secretKey: secretAccessKey,
    region: REGION,
    partSize: 16 * MIB,
    ...(useSSL && { transportAgent: new Agent({ keepAlive: true, ca: readFileSync(ca) }) }),
  })
}

const toMetadata = ({ contentType, metadata }: Described): Record<string, string> => ({
  ...metadata,
  ...(contentType !== undefined && { 'Content-Type': contentType }),
})

const read = (minio: Minio, { bucket, objectKey }: Place, range: ByteRange | undefined) => {
  if (range === undefined) return minio.getObject(bucket, objectKey)
  const { from, to } = range
  // A length of 0 is `to the end`.
  return minio.getPartialObject(bucket, objectKey, from, to === undefined ? 0 : to - from + 1)
}

const toCopySource = ({ place, from, to }: Piece): CopySourceOptions =>
  new CopySourceOptions({
    Bucket: place.bucket,
    Object: place.objectKey,
    MatchRange: true,
    Start: from,
    End: to,
  })

const list = async (minio: Minio, bucket: string, prefix: string): Promise<readonly string[]> => {
  const found: string[] = []
  for await (const { name } of minio.listObjectsV2(bucket, prefix, true)) found.push(String(name))
  return found
}

const getTags = async (minio: Minio, place: Place): Promise<Record<string, string>> => {
  const tags = await minio.getObjectTagging(place.bucket, place.objectKey)
  return Object.fromEntries(tags.flat().map(({ Key, Value }) => [Key, Value]))
}

const head = async (minio: Minio, { bucket, objectKey }: Place) => {
  const { size, metaData } = await minio.statObject(bucket, objectKey)
  const { 'content-type': contentType, ...metadata } = metaData as Record<string, string>
  return { size, metadata, contentType: contentType ?? '' }
}

const deleteMany = async (
  minio: Minio,
  bucket: string,
  objectKeys: readonly string[],
): Promise<void> => {
  const errors = (await minio.removeObjects(bucket, [...objectKeys])).filter(Boolean)
  if (errors.length > 0) throw new Error(JSON.stringify(errors))
}

/** MinIO's own client for JavaScript. */
export const createMinioJs = (access: Access): Client => {
  const minio = createMinio(access)
  const putStream = async ({ bucket, objectKey }: Place, path: string): Promise<void> => {
    await minio.putObject(bucket, objectKey, createReadStream(path), (await stat(path)).size)
  }
  return {
    lacks: { suffixRange: 'it has offset and length only' },
    createBucket: bucket => minio.makeBucket(bucket, REGION),
    putBuffer: async ({ bucket, objectKey }, bytes, described = {}) => {
      await minio.putObject(bucket, objectKey, bytes, bytes.length, toMetadata(described))
    },
    putFile: async ({ bucket, objectKey }, path, described = {}) => {
      await minio.fPutObject(bucket, objectKey, path, toMetadata(described))
    },
    putStream,
    upload: putStream,
    get: async (place, range) => Buffer.concat(await (await read(minio, place, range)).toArray()),
    download: async (place, path) =>
      pipeline(await read(minio, place, undefined), createWriteStream(path)),
    head: place => head(minio, place),
    compose: async ({ bucket, objectKey }, pieces) => {
      const target = new CopyDestinationOptions({ Bucket: bucket, Object: objectKey })
      await minio.composeObject(target, pieces.map(toCopySource))
    },
    copy: async (source, { bucket, objectKey }) => {
      await minio.copyObject(bucket, objectKey, copySource(source), new CopyConditions())
    },
    presignGet: ({ bucket, objectKey }) => minio.presignedGetObject(bucket, objectKey, 600),
    presignPut: ({ bucket, objectKey }) => minio.presignedPutObject(bucket, objectKey, 600),
    list: (bucket, prefix) => list(minio, bucket, prefix),
    deleteMany: (bucket, objectKeys) => deleteMany(minio, bucket, objectKeys),
    putTags: ({ bucket, objectKey }, tags) =>
      minio.setObjectTagging(bucket, objectKey, { ...tags }),
    getTags: place => getTags(minio, place),
    close: async () => {},
  }
}
