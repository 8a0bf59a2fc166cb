import { createHash, randomBytes } from 'node:crypto'
import { Readable } from 'node:stream'
import { type Body, NO_BODY } from '../body/receive.ts'
import type { Exchange } from '../exchange.ts'
import { type CustomerKey, customerKey } from '../keys/customer-key.ts'
import { readDocument, withDocument } from '../response/document.ts'
import { copySourceText } from '../s3/address.ts'
import type { Query } from '../s3/query.ts'
import type { S3Response } from '../s3/response.ts'
import { elementText, escapeXml } from '../s3/xml.ts'
import { triple } from '../ssec/headers.ts'

/** What a probe sends. */
export interface Probing {
  readonly method: string
  /** Left out: the bucket itself. */
  readonly objectKey?: string
  readonly query?: Query
  readonly headers?: readonly (readonly [string, string])[]
  readonly body?: Buffer | Body
  readonly key?: CustomerKey | undefined
  readonly sourceKey?: CustomerKey | undefined
  /** Name of the object to copy, in the same bucket. */
  readonly source?: string
}

const ANSWER_BYTES = 8 * 1024 * 1024

/** @param query such as `uploadId=1&partNumber=2`, of values that need no escape */
export const queryOf = (parameters: Readonly<Record<string, string>>): Query =>
  Object.entries(parameters).map(([name, value]) => ({ name, value }))

const bodyOf = (body: Probing['body']): Body => {
  if (body === undefined) return NO_BODY
  return Buffer.isBuffer(body) ? { kind: 'bytes', bytes: body, trailer: undefined } : body
}

/** A body whose bytes on the wire are framed already, and say so in its hash. */
export const framedBody = (bytes: Buffer, hash: string): Body => ({
  kind: 'stream',
  wire: Readable.from([bytes]),
  payload: { length: bytes.length, hash, filter: undefined, trailer: undefined },
})

/** A customer key for this run alone: nothing that it encrypts stays behind. */
export const freshKey = (name: string): CustomerKey => customerKey('doctor', name, randomBytes(32))

/**
 * Tries things out in a bucket, and remembers what it left there so that it can clean up, whatever happened.
 */
export class Probe {
  readonly bucket: string
  /** Under which all that it writes lies. */
  readonly prefix: string
  readonly k1 = freshKey('k1')
  readonly k2 = freshKey('k2')
  readonly #exchange: Exchange
  readonly #signal: () => AbortSignal
  readonly #objects = new Set<string>()
  readonly #uploads = new Map<string, string>()
  #ownBucket = false

  constructor(exchange: Exchange, bucket: string, prefix: string, signal: () => AbortSignal) {
    this.#exchange = exchange
    this.bucket = bucket
    this.prefix = prefix
    this.#signal = signal
  }

  get exchange(): Exchange {
    return this.#exchange
  }

  /** Sends, and reads the answer to its end. */
  async ask(probing: Probing): Promise<S3Response> {
    const { method, objectKey, query = [], headers = [], key, sourceKey, source } = probing
    const name = objectKey === undefined ? undefined : this.prefix + objectKey
    if (method === 'PUT' && name !== undefined) this.#objects.add(name)
    const copied =
      source === undefined ? [] : [['x-amz-copy-source', this.#sourceText(source)] as const]
    const answer = await this.#exchange.send(
      {
        method,
        address:
          name === undefined
            ? { level: 'bucket', bucket: this.bucket }
            : { level: 'object', bucket: this.bucket, objectKey: name },
        query,
        headers: new Map([
          ...headers,
          ...copied,
          ...(key === undefined ? [] : triple('object', key)),
          ...(sourceKey === undefined ? [] : triple('source', sourceKey)),
        ]),
        body: bodyOf(probing.body),
        repeatable: true,
      },
      this.#signal(),
    )
    if (answer.body === undefined || Buffer.isBuffer(answer.body)) return answer
    return withDocument(answer, (await readDocument(answer.body, ANSWER_BYTES)) ?? Buffer.alloc(0))
  }

  #sourceText(source: string): string {
    return copySourceText({
      bucket: this.bucket,
      objectKey: this.prefix + source,
      versionId: undefined,
    })
  }

  /** Makes the bucket, to be removed at the end. */
  async createBucket(): Promise<S3Response> {
    const { region, provider } = this.#exchange.upstream
    // AWS wants every region named but the first: https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateBucket.html
    const isNamed = provider === 'aws' && region !== 'us-east-1'
    const document = `<CreateBucketConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><LocationConstraint>${escapeXml(region)}</LocationConstraint></CreateBucketConfiguration>`
    const answer = await this.ask({
      method: 'PUT',
      ...(isNamed && { body: Buffer.from(document) }),
    })
    this.#ownBucket = answer.status === 200
    return answer
  }

  /** Begins an upload; undefined when the provider gave it no id. */
  async createUpload(objectKey: string, key: CustomerKey | undefined): Promise<S3Response> {
    const answer = await this.ask({
      method: 'POST',
      objectKey,
      query: queryOf({ uploads: '' }),
      key,
    })
    const id = uploadIdOf(answer)
    if (id !== undefined) this.#uploads.set(id, objectKey)
    this.#objects.add(this.prefix + objectKey)
    return answer
  }

  /** Removes all that the probe made. @returns what could not be removed */
  async cleanUp(): Promise<readonly string[]> {
    const left: string[] = []
    for (const [uploadId, objectKey] of this.#uploads) {
      await this.#remove({ method: 'DELETE', objectKey, query: queryOf({ uploadId }) }, left)
    }
    for (const name of this.#objects) {
      await this.#remove({ method: 'DELETE', objectKey: name.slice(this.prefix.length) }, left)
    }
    if (this.#ownBucket) await this.#remove({ method: 'DELETE' }, left)
    return left
  }

  async #remove(probing: Probing, left: string[]): Promise<void> {
    const status = await this.ask(probing).then(
      answer => answer.status,
      () => 0,
    )
    if ((status >= 200 && status < 300) || status === 404) return
    const name = probing.objectKey === undefined ? '' : `/${this.prefix}${probing.objectKey}`
    left.push(`s3://${this.bucket}${name}`)
  }
}

export const uploadIdOf = (answer: S3Response): string | undefined =>
  elementText(textOf(answer), 'UploadId')

/** An answer's document. */
export const textOf = ({ body }: S3Response): string =>
  Buffer.isBuffer(body) ? body.toString('utf8') : ''

/** Status, code and message of an answer, for a person. */
export const saidBy = (answer: S3Response): string => {
  const code = elementText(textOf(answer), 'Code')
  return code === undefined ? String(answer.status) : `${answer.status} ${code}`
}

export const md5Hex = (bytes: Buffer): string => createHash('md5').update(bytes).digest('hex')
