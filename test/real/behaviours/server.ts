import { createHash, randomUUID } from 'node:crypto'
import { Agent } from 'node:https'
import * as s3 from '@aws-sdk/client-s3'

/** A server to try behaviours on, by the key pair of one who may do all. */
export interface TriedServer {
  readonly endpoint: string
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string }
  /** PEM of the CA that vouches for the endpoint. */
  readonly ca?: string
}

/** Something that every S3 server with SSE-C does; fails by throwing. */
export interface Behaviour {
  /** A sentence that is true. */
  readonly name: string
  readonly run: (server: TriedServer) => Promise<void>
}

/** A bucket of its own for one behaviour. */
export interface Place {
  readonly client: s3.S3Client
  readonly bucket: string
}

export const createClient = ({ endpoint, credentials, ca }: TriedServer): s3.S3Client =>
  new s3.S3Client({
    endpoint,
    credentials: { ...credentials },
    region: 'us-east-1',
    forcePathStyle: true,
    maxAttempts: 1,
    ...(ca === undefined ? {} : { requestHandler: { httpsAgent: new Agent({ ca }) } }),
  })

/** A behaviour that is tried in a new bucket, which is removed behind it with all that is in it. */
export const behaviour = (name: string, run: (place: Place) => Promise<void>): Behaviour => ({
  name,
  run: async server => {
    const client = createClient(server)
    const bucket = `behaviour-${randomUUID()}`
    await client.send(new s3.CreateBucketCommand({ Bucket: bucket }))
    try {
      await run({ client, bucket })
    } finally {
      await removeAll({ client, bucket })
      client.destroy()
    }
  },
})

const removeAll = async ({ client, bucket: Bucket }: Place): Promise<void> => {
  const { Uploads = [] } = await client.send(new s3.ListMultipartUploadsCommand({ Bucket }))
  for (const { Key, UploadId } of Uploads) {
    await client.send(new s3.AbortMultipartUploadCommand({ Bucket, Key, UploadId }))
  }
  const { Contents = [] } = await client.send(new s3.ListObjectsV2Command({ Bucket }))
  for (const { Key } of Contents) await client.send(new s3.DeleteObjectCommand({ Bucket, Key }))
  await client.send(new s3.DeleteBucketCommand({ Bucket }))
}

type Changes = Readonly<Record<string, string | undefined>>

/** Sets headers of a request before it is signed, or takes them away; names in lower case. */
export const withHeaders = <Command extends { readonly middlewareStack: unknown }>(
  command: Command,
  changes: Changes,
): Command => {
  const stack = command.middlewareStack as s3.PutObjectCommand['middlewareStack']
  stack.add(
    next => args => {
      const request = args.request as { headers: Record<string, string> }
      request.headers = changed(request.headers, changes)
      return next(args)
    },
    { step: 'build', priority: 'low', name: 'withHeaders' },
  )
  return command
}

const changed = (headers: Record<string, string>, changes: Changes): Record<string, string> => {
  const kept = Object.entries(headers).filter(([name]) => !(name.toLowerCase() in changes))
  const set = Object.entries(changes).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, value] as const],
  )
  return Object.fromEntries([...kept, ...set])
}

/** How a request was refused. */
export interface Refused {
  readonly status: number
  readonly code: string
  readonly message: string
}

/** What a request that must be refused is told. */
export const refused = async (sending: Promise<unknown>): Promise<Refused> => {
  try {
    await sending
  } catch (error) {
    if (!(error instanceof s3.S3ServiceException)) throw error
    const { name: code, message, $metadata } = error
    return { status: $metadata.httpStatusCode ?? 0, code, message }
  }
  throw new Error('was not refused')
}

const keyOf = (name: string): Buffer => createHash('sha256').update(name).digest()

/** The header triple of a customer key, as the SDK wants it. */
export const sseC = (name: string) => ({
  SSECustomerAlgorithm: 'AES256',
  SSECustomerKey: keyOf(name).toString('base64'),
})

/** The same at the place of the copy source. */
export const sourceSseC = (name: string) => ({
  CopySourceSSECustomerAlgorithm: 'AES256',
  CopySourceSSECustomerKey: keyOf(name).toString('base64'),
})

/** What a customer key is echoed by. */
export const keyMd5 = (name: string): string =>
  createHash('md5').update(keyOf(name)).digest('base64')

export const md5 = (bytes: Buffer | string, encoding: 'hex' | 'base64' = 'hex'): string =>
  createHash('md5').update(bytes).digest(encoding)

/** Bytes that are always the same, and do not repeat soon. */
export const patterned = (length: number): Buffer => {
  const bytes = Buffer.alloc(length)
  for (let i = 0; i + 4 <= length; i += 4) bytes.writeUInt32LE(Math.imul(i, 2654435761) >>> 0, i)
  return bytes
}

export const bytesOf = async (answer: s3.GetObjectCommandOutput): Promise<Buffer> =>
  Buffer.from((await answer.Body?.transformToByteArray()) ?? [])

export const MIB = 1024 * 1024
